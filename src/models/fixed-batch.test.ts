import { afterAll, describe, expect, it } from "vitest";
import {
  arrays,
  gemm,
  keys,
  numbers,
  opened,
  release,
} from "../../test/fixtures/imported-fixture.ts";
import { nodeOf, onnxFile } from "../../test/fixtures/model-fixture.ts";
import { readModel } from "../engine/onnx/model.ts";
import { nodeRuntime } from "../engine/runtime/node.ts";
import type { Loss } from "../losses/loss.ts";
import { tensor } from "../math/tensor.ts";
import { oneByOne } from "./batch-dependence.ts";
import { classifier } from "./classifier.ts";
import { importedNetwork } from "./imported-network.ts";

const runtime = await nodeRuntime({ threads: 1 });
afterAll(release);

const networkOf = (batch: number | string) =>
  importedNetwork(
    readModel(
      onnxFile([nodeOf("Flatten", ["x"], ["h"]), gemm], {
        inputs: { x: [batch, 1, 2, 2] },
        outputs: { z: [batch, 3] },
        arrays,
      }),
    ),
    "fixture",
    {},
  );

describe("the loss of mean logits of three draws agrees with that of an open batch", () => {
  const open = networkOf("n");
  const losses: Loss[] = [
    { kind: "ce", labels: [0, 2] },
    { kind: "dlr", labels: [1, 0] },
    { kind: "difference", labels: [0, 1], targets: [2, 2] },
    { kind: "linear", weights: tensor([2, 3], [1, -2, 0.5, 0, 3, 1]) },
  ];
  it.each([
    ["one by one", oneByOne(open)],
    ["in batches of two, which split an example's draws", { ...open, fixedBatch: 2 }],
    ["in batches of four", { ...open, fixedBatch: 4 }],
    ["in batches that little memory allows", open, 400],
  ])("%s", async (_, architecture, maxBytes?: number) => {
    const whole = classifier(runtime, open, {});
    const pieces = classifier(runtime, architecture, {}, { maxBytes });
    opened.push(whole, pieces);
    const x = numbers([6, 1, 2, 2]);
    for (const loss of losses) {
      const mean = { kind: "of-mean", draws: 3, loss } as Loss;
      const wanted = await whole.lossAndGradient(x, mean, keys(6));
      const found = await pieces.lossAndGradient(x, mean, keys(6));
      const close = (a: ArrayLike<number>, b: ArrayLike<number>) => {
        expect(a.length).toBe(b.length);
        for (let i = 0; i < b.length; i++) expect(a[i]).toBeCloseTo(b[i], 5);
      };
      close(found.losses, wanted.losses);
      close(found.logits.data, wanted.logits.data);
      close(found.gradient.data, wanted.gradient.data);
    }
  });
});
