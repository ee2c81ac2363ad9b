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
import type { Runtime } from "../engine/runtime/runtime.ts";
import { classifier } from "./classifier.ts";
import { importedNetwork } from "./imported-network.ts";
import { imagesAtOnce } from "./run-memory.ts";

const nodes = [nodeOf("Exp", ["x"], ["e"]), nodeOf("Flatten", ["e"], ["h"]), gemm];
const fixture = { inputs: { x: ["n", 1, 2, 2] }, outputs: { z: ["n", 3] }, arrays };
const network = importedNetwork(readModel(onnxFile(nodes, fixture)), "fixture", {});
const runtime = await nodeRuntime({ threads: 1 });
afterAll(release);

/** The runtime, and the batches that it compiles for. */
function watched(): { readonly batches: number[]; readonly runtime: Runtime } {
  const batches: number[] = [];
  return {
    batches,
    runtime: {
      target: runtime.target,
      compile(outputs, options) {
        batches.push(outputs.logits.shape[0]);
        return runtime.compile(outputs, options);
      },
    },
  };
}

describe("the memory of an imported network", () => {
  it("allows as many images as its values fit twice in half of it, and one at least", () => {
    // e, ∂L/∂h and their product take 16 bytes each, and z takes 12; all are alive at the end.
    const one = 60;
    expect(imagesAtOnce(network, 2 * 2 * one * 7)).toBe(7);
    expect(imagesAtOnce(network, 2 * 2 * one * 7 - 1)).toBe(6);
    expect(imagesAtOnce(network, 1)).toBe(1);
    expect(imagesAtOnce({ ...network, fixedBatch: 4 }, 1)).toBe(Number.POSITIVE_INFINITY);
    expect(imagesAtOnce({ ...network, foreign: false }, 1)).toBe(Number.POSITIVE_INFINITY);
  });

  it("splits larger calls into pieces of about equal size, and releases programs for others", async () => {
    const { batches, runtime: counting } = watched();
    const few = classifier(counting, network, {}, { maxBytes: 2 * 2 * 60 * 4 });
    const many = classifier(runtime, network, {});
    opened.push(few, many);
    const x = numbers([9, 1, 2, 2]);
    const ask = { kind: "ce" as const, labels: [0, 1, 2, 0, 1, 2, 0, 1, 2] };
    const expected = await many.lossAndGradient(x, ask, keys(9));
    const found = await few.lossAndGradient(x, ask, keys(9));
    expect(batches).toEqual([3]);
    for (const part of ["losses", "logits", "gradient"] as const) {
      const [a, b] = [found[part], expected[part]].map((v) => ("data" in v ? v.data : v));
      expect(a).toHaveLength(b.length);
      for (let i = 0; i < b.length; i++) expect(a[i]).toBeCloseTo(b[i], 5);
    }
    const logits = await few.logits(x, keys(9));
    expect(logits.shape).toEqual([9, 3]);
    expect(logits.data).toEqual((await many.logits(x, keys(9))).data);
  });
});
