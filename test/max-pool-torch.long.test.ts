// The gradient of max pooling in both lowerings, against PyTorch's: the first of tied pixels gets it.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { gradient } from "../src/engine/autodiff/gradient.ts";
import * as g from "../src/engine/graph/expressions.ts";
import { importGraph } from "../src/engine/onnx/import/import-graph.ts";
import { readModel } from "../src/engine/onnx/model.ts";
import { nodeRuntime } from "../src/engine/runtime/node.ts";
import { tensor } from "../src/math/tensor.ts";
import { nodeOf, onnxFile } from "./fixtures/model-fixture.ts";

const python = "/usr/bin/python3";
const available = spawnSync(python, ["-c", "import torch"]).status === 0;
const folder = mkdtempSync(join(tmpdir(), "rampart-max-pool-"));
afterAll(() => rmSync(folder, { recursive: true }));

interface Case {
  readonly shape: readonly number[];
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly dilation: readonly number[];
  readonly ceil: boolean;
}
type Results = Readonly<
  Record<"x" | "y" | "weights" | "gradient", { shape: number[]; data: number[] }>
>;

const plain = { padding: [0, 0], dilation: [1, 1], ceil: false };
const cases: readonly (Case & { readonly name: string })[] = [
  {
    name: "ResNet's",
    ...plain,
    shape: [2, 16, 12, 12],
    kernel: [3, 3],
    stride: [2, 2],
    padding: [1, 1],
  },
  { name: "AlexNet's", ...plain, shape: [2, 16, 15, 15], kernel: [3, 3], stride: [2, 2] },
  { name: "VGG's, on odd images", ...plain, shape: [2, 16, 9, 7], kernel: [2, 2], stride: [2, 2] },
  {
    name: "GoogLeNet's",
    ...plain,
    shape: [2, 16, 12, 13],
    kernel: [3, 3],
    stride: [2, 2],
    ceil: true,
  },
  {
    name: "of stride 1",
    ...plain,
    shape: [2, 24, 7, 7],
    kernel: [3, 3],
    stride: [1, 1],
    padding: [1, 1],
  },
  {
    name: "dilated, in odd geometry, with channels that fill no block",
    shape: [1, 20, 11, 10],
    kernel: [2, 3],
    stride: [3, 2],
    padding: [1, 1],
    dilation: [3, 2],
    ceil: true,
  },
  {
    name: "in large windows",
    ...plain,
    shape: [1, 16, 11, 11],
    kernel: [5, 5],
    stride: [3, 3],
    padding: [2, 2],
  },
];

describe.skipIf(!available)(
  "the gradient of max pooling is PyTorch's (skipped without PyTorch):",
  () => {
    function torchResults(): Results[] {
      const [asked, told] = [join(folder, "cases.json"), join(folder, "results.json")];
      writeFileSync(asked, JSON.stringify(cases));
      execFileSync(python, [join(import.meta.dirname, "fixtures/max-pool.py"), asked, told]);
      return JSON.parse(readFileSync(told, "utf8"));
    }
    const results = available ? torchResults() : [];

    it.each(cases.map((one, i) => [one.name, i] as const))("%s", async (_, i) => {
      const { shape, kernel, stride, padding, dilation, ceil } = cases[i];
      const { x, y, weights, gradient: expected } = results[i];
      const file = onnxFile(
        [
          nodeOf("MaxPool", ["x"], ["y"], {
            kernel_shape: { ints: [...kernel] },
            strides: { ints: [...stride] },
            pads: { ints: [...padding, ...padding] },
            dilations: { ints: [...dilation] },
            ceil_mode: { int: ceil ? 1 : 0 },
          }),
        ],
        { inputs: { x: [...shape] }, outputs: { y: y.shape }, arrays: {} },
      );
      const input = g.input("x", shape);
      // A convolution that copies the image makes the lowering compute in blocks.
      const copied = g.conv(input, identity(shape[1]));
      const pooled = importGraph(readModel(file), { x: copied }).outputs.y;
      expect(pooled.shape).toEqual(y.shape);
      const [dx] = gradient(g.sum(g.mul(pooled, g.input("w", y.shape))), [input]);
      const feeds = { x: tensor(x.shape, x.data), w: tensor(weights.shape, weights.data) };
      for (const lowering of [undefined, "plain"]) {
        const runtime = await nodeRuntime({ threads: 1, lowering });
        const program = await runtime.compile({ y: pooled, dx });
        const found = await program.run(feeds);
        await program.release();
        expect([...found.y.data]).toEqual(y.data);
        for (const [j, value] of expected.data.entries())
          expect(Number(found.dx.data[j])).toBeCloseTo(value, 5);
      }
    });
  },
);

/** Weights of a 1×1 convolution that returns its input. */
function identity(channels: number) {
  const w = tensor([channels, channels, 1, 1]);
  for (let c = 0; c < channels; c++) w.data[c * channels + c] = 1;
  return g.constant(w);
}
