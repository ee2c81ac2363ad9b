import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { gradient } from "../src/autodiff/gradient.ts";
import { input, sum } from "../src/graph/ops.ts";
import { type NdArray, type Shape, sizeOf, type Tensor, tensor } from "../src/math/tensor.ts";
import type { Mode, Parameters } from "../src/models/architecture.ts";
import { architecture } from "../src/models/index.ts";
import { crossEntropy, lossWeights } from "../src/models/losses.ts";
import { nodeRuntime } from "../src/runtime/node.ts";

interface Digest {
  readonly norm: number;
  readonly largest: number;
  readonly step: number;
  readonly values: readonly number[];
}
interface Golden {
  readonly logits: Digest;
  readonly losses: readonly number[];
  readonly gradients: Readonly<Record<string, Digest>>;
  readonly statistics: Readonly<Record<string, Digest>>;
}
const golden = JSON.parse(readFileSync(new URL("golden/wrn.json", import.meta.url), "utf8"));

/** The hash of test/golden/wrn.py: numbers in [0, 1). */
function unit(seed: number, size: number): number[] {
  return Array.from({ length: size }, (_, i) => {
    let h = Math.imul(i + 1 + seed * 7919, 2654435761) >>> 0;
    h = (h ^ (h >>> 15)) >>> 0;
    h = Math.imul(h, 2246822519) >>> 0;
    return ((h ^ (h >>> 13)) >>> 0) / 2 ** 32;
  });
}

function weightOf(name: string, shape: Shape, seed: number): Tensor {
  const bound = Math.sqrt(3) * Math.sqrt(2 / (shape[0] * (shape[2] ?? 1) * (shape[3] ?? 1)));
  const positive = name.endsWith("scale") || name.endsWith("variance");
  const place = (u: number) =>
    positive ? 0.5 + u : shape.length === 4 ? (2 * u - 1) * bound : u - 0.5;
  return tensor(shape, unit(seed, sizeOf(shape)).map(place));
}

const model = architecture(golden.model, golden.input);
const parameters: Parameters = Object.fromEntries(
  model.parameters.map(({ name, shape }, i) => [name, weightOf(name, shape, i + 1)]),
);
const shape = [golden.batch, ...golden.input.shape];
const x = tensor(shape, unit(1000, sizeOf(shape)));
const weights = lossWeights({ kind: "ce", labels: golden.labels }, golden.batch, model.classes);

async function run(mode: Mode): Promise<Record<string, NdArray>> {
  const feeds = { x, weights, ...parameters };
  const inputs = Object.fromEntries(
    Object.entries(feeds).map(([name, array]) => [name, input(name, array.shape)]),
  );
  const { logits, statistics } = model.forward(inputs.x, (name) => inputs[name], mode);
  const losses = crossEntropy(logits, inputs.weights);
  const trainable = model.parameters.filter((spec) => spec.trainable).map(({ name }) => name);
  const wrt = ["x", ...trainable];
  const gradients = gradient(
    sum(losses),
    wrt.map((name) => inputs[name]),
  );
  const program = await (await nodeRuntime()).compile({
    ...{ logits, losses, ...statistics },
    ...Object.fromEntries(wrt.map((name, i) => [`d ${name}`, gradients[i]])),
  });
  const results = await program.run(feeds);
  await program.release();
  return results;
}

/** The worst difference, relative to the largest entry of the array. */
function difference({ data }: NdArray, { step, values, largest, norm }: Digest): number {
  const ours = Array.from(data, Number);
  const worst = Math.max(...values.map((value, i) => Math.abs(ours[i * step] - value)));
  return Math.max(worst / largest, Math.abs(Math.hypot(...ours) - norm) / norm);
}

describe.each([
  ["frozen", "frozen"],
  ["batch", "batchMode"],
] as const)("a Wide ResNet in %s mode agrees with PyTorch to 1e-4:", (mode, key) => {
  const expected: Golden = golden[key];
  const results = run(mode);

  it("logits and losses", async () => {
    const { logits, losses } = await results;
    expect(difference(logits, expected.logits)).toBeLessThan(1e-4);
    expected.losses.forEach((loss, i) => {
      expect(Math.abs(Number(losses.data[i]) - loss) / loss).toBeLessThan(1e-4);
    });
  });

  it.each(Object.keys(expected.gradients))("∂L/∂%s", async (name) => {
    expect(difference((await results)[`d ${name}`], expected.gradients[name])).toBeLessThan(1e-4);
  });

  if (mode === "batch")
    it("the running statistics that a step leaves", async () => {
      for (const [name, digest] of Object.entries(expected.statistics))
        expect(difference((await results)[name], digest), name).toBeLessThan(1e-4);
    });
});
