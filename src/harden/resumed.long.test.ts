import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { data, folder, good, place, removeFolder } from "../../test/fixtures/audit-fixture.ts";
import { nodeOf, onnxFile } from "../../test/fixtures/model-fixture.ts";
import { typed } from "../../test/fixtures/typed-fixture.ts";
import { nodeRuntime } from "../engine/runtime/node.ts";
import { uniform } from "../math/distributions.ts";
import { keyOf } from "../math/random.ts";
import { tensor } from "../math/tensor.ts";
import type { TrainOptions } from "../train/options.ts";
import { type FileTraining, trainFileInNode } from "./node.ts";

removeFolder();
const runtime = await nodeRuntime({ threads: 1 });
const begun: TrainOptions = {
  defense: "at-linf",
  data: `npz:${data}`,
  steps: 1,
  batch: 8,
  epochs: 2,
  rate: 0.01,
  epsilonLinf: 0.02,
};

/** Trains up to this step, of 8. */
async function train(given: TrainOptions, training: Partial<FileTraining>, stopAt = 8) {
  const interrupt = new AbortController();
  const where = { path: good, out: "", runtime, signal: interrupt.signal };
  for await (const event of trainFileInNode(given, Object.assign(where, training)))
    if (event.event === "step" && event.step === stopAt) interrupt.abort();
}

it("needs the preprocessing that the run was started with", async () => {
  const [out, reading] = [place(), { mean: [0.5], std: [0.25] }];
  await train(begun, { out, ...reading }, 3);
  const other = { ...reading, mean: [0.4] };
  for (const given of [{}, other])
    await expect(train({}, { out, resume: true, ...given })).rejects.toMatchObject({
      code: "misfit",
      message: expect.stringContaining("(was [0.5])"),
    });
  await train({}, { out, resume: true, ...reading });
  await expect(train({}, { out, resume: true })).rejects.toThrow(
    "was started with another reading",
  );
});

it("goes on with the batch statistics that the run was started with", async () => {
  const path = join(folder, "normalised.onnx");
  const ones = tensor([1], [1]);
  const nodes = [
    nodeOf("BatchNormalization", ["x", "scale", "shift", "mean", "variance"], ["n"]),
    nodeOf("Flatten", ["n"], ["f"]),
    nodeOf("Gemm", ["f", "w", "b"], ["z"]),
  ];
  const w = tensor([16, 4], uniform([keyOf(1)], [1, 64], -1, 1).data);
  const arrays = { scale: ones, shift: ones, mean: ones, variance: ones, w, b: tensor([4]) };
  const shapes = { inputs: { x: ["n", 1, 4, 4] }, outputs: { z: ["n", 4] } };
  writeFileSync(path, onnxFile(nodes, { ...shapes, arrays }));
  const given: TrainOptions = { ...begun, statistics: "batch" };
  const [whole, part] = [place(), place()];
  await train(given, { path, out: whole });
  await train(given, { path, out: part }, 3);
  await train({}, { path, out: part, resume: true });
  const [a, b] = [whole, part].map((out) => readFileSync(join(out, "model.onnx")));
  expect(b).toEqual(a);
});

it("attacks before and after within the radii that the run was started with", async () => {
  const out = place();
  await train(begun, { out, hardens: true });
  const words = ["harden", good, "--out", out, "--resume", "--test-examples", "2"];
  const { code, out: printed } = await typed([...words, "--test-norms", "linf"]);
  expect([code, printed]).toEqual([0, expect.stringContaining("under attack in ℓ∞ 0.02")]);
});
