import { beforeAll, describe, expect, it } from "vitest";
import { gradient } from "../../src/engine/autodiff/gradient.ts";
import { input, mean, sum } from "../../src/engine/graph/ops.ts";
import type { Value } from "../../src/engine/graph/value.ts";
import { nodeRuntime } from "../../src/engine/runtime/node.ts";
import { crossEntropy } from "../../src/losses/ce.ts";
import { lossWeights } from "../../src/losses/graph.ts";
import { keyOf, keysFor } from "../../src/math/random.ts";
import { elementCount, type NdArray, type Shape, tensor } from "../../src/math/tensor.ts";
import type { Architecture, Mode } from "../../src/models/architecture.ts";
import { architecture } from "../../src/models/architectures.ts";
import { classifier } from "../../src/models/classifier.ts";
import golden from "./networks.json" with { type: "json" };

const { batch, shape, classes } = golden;

/** What networks.py keeps of an array: all of it, or some elements, products with sign vectors, and its length. */
interface Stored {
  readonly values?: readonly number[];
  readonly kept?: readonly number[];
  readonly products?: readonly number[];
  readonly length?: number;
}

/** The formula of networks.py: MurmurHash3's finalizer of (FNV-1a of the name) + 2654435769 · i. */
function words(name: string, size: number): Uint32Array {
  let seed = 2166136261;
  for (const byte of new TextEncoder().encode(name)) seed = Math.imul(seed ^ byte, 16777619);
  return Uint32Array.from({ length: size }, (_, i) => {
    let h = (seed + Math.imul(i, 2654435769)) >>> 0;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    return h ^ (h >>> 16);
  });
}

const numbers = (name: string, shape: Shape, low: number, high: number) =>
  tensor(
    shape,
    Float32Array.from(
      words(name, elementCount(shape)),
      (word) => low + (high - low) * ((word >>> 8) / 2 ** 24),
    ),
  );

function bounds(name: string, shape: Shape): [low: number, high: number] {
  if (/\.(scale|variance)$/.test(name)) return [0.5, 1.5];
  if (shape.length === 1) return [-0.3, 0.3];
  const reach = Math.sqrt(6 / elementCount(shape.slice(1)));
  return [-reach, reach];
}

const length = (values: readonly number[]) => Math.hypot(...values);
const largest = (values: readonly number[]) => Math.max(...values.map(Math.abs));
const minus = (a: readonly number[], b: readonly number[]) => a.map((v, i) => v - b[i]);

/** Relative error in the largest element and in length; for a part of the array, the length is estimated. */
function errors(name: string, ours: NdArray, { values, kept, products, length: whole }: Stored) {
  const all = Array.from(ours.data as Float32Array);
  if (values !== undefined) {
    expect(all.length, name).toBe(values.length);
    const difference = minus(all, values);
    return [largest(difference) / largest(values), length(difference) / length(values)];
  }
  const [some = [], projections = [], norm = 0] = [kept, products, whole];
  const every = Math.floor(all.length / 120);
  const difference = minus(
    all.filter((_, i) => i % every === 0),
    some,
  );
  const signs = words(`signs of ${name}`, all.length);
  const projected = projections.map((_, k) =>
    all.reduce((total, v, i) => total + (((signs[i] >>> k) & 1) === 1 ? -v : v), 0),
  );
  // ⟨Δ, s⟩² is ‖Δ‖² on average over random signs s.
  const estimate = length(minus(projected, projections)) / Math.sqrt(projections.length);
  return [largest(difference) / largest(some), estimate / norm];
}

/** Loss, ∂(Σ losses)/∂x, and the mean loss's gradient by every parameter, weights fed at run time. */
function outputsOf({ parameters, forward }: Architecture, mode: Mode) {
  const feeds = new Map(parameters.map(({ name, shape }) => [name, input(name, shape)]));
  const x = input("pixels", [batch, ...shape]);
  const { logits, statistics } = forward(x, (name) => feeds.get(name) as Value, mode);
  const losses = crossEntropy(logits, input("labels", [batch, classes]));
  const loss = mean(losses);
  const trainable = parameters.filter((spec) => spec.trainable);
  const byParameter = gradient(
    loss,
    trainable.map(({ name }) => feeds.get(name) as Value),
  );
  const outputs: Record<string, Value> = { logits, losses, loss };
  outputs["gradient of pixels"] = gradient(sum(losses), [x])[0];
  trainable.forEach(({ name }, i) => {
    outputs[`gradient of ${name}`] = byParameter[i];
  });
  for (const [name, value] of Object.entries(statistics)) outputs[`updated ${name}`] = value;
  return outputs;
}

describe.each(golden.cases)("$model in $mode mode agrees with PyTorch to 1e-4:", (made) => {
  const network = architecture(made.model, golden);
  const { labels, salt } = made;
  const references: Readonly<Record<string, Stored | undefined>> = made.outputs;
  const expected = Object.entries(references).flatMap(([name, one]) =>
    one === undefined ? [] : [[name, one] as const],
  );
  const parameters = Object.fromEntries(
    network.parameters.map(({ name, shape }) => [
      name,
      numbers(`${salt}:${name}`, shape, ...bounds(name, shape)),
    ]),
  );
  const pixels = numbers(`${salt}:pixels`, [batch, ...shape], 0, 1);
  const runtime = nodeRuntime({ threads: 1 });
  let ours: Readonly<Record<string, NdArray>> = {};
  beforeAll(async () => {
    const program = await (await runtime).compile(outputsOf(network, made.mode as Mode));
    const oneHot = lossWeights({ kind: "ce", labels }, classes);
    ours = await program.run({ ...parameters, pixels, labels: oneHot });
    await program.release();
  });

  it("has a reference for every output", () => {
    expect(Object.keys(ours).sort()).toEqual(expected.map(([name]) => name).sort());
  });

  it.each(expected)("%s", (name, reference) => {
    const [element, whole] = errors(name, ours[name], reference);
    expect(element).toBeLessThan(1e-4);
    expect(whole).toBeLessThan(1e-4);
  });

  // A classifier is frozen: its weights are constants, and batch norms fold into convolutions.
  if (made.mode === "frozen")
    it("the classifier made of it", async () => {
      const victim = classifier(await runtime, network, parameters);
      const keys = keysFor(keyOf(0), [...labels.keys()]);
      const run = await victim.lossAndGradient(pixels, { kind: "ce", labels }, keys);
      await victim.release();
      const { logits, losses, gradient } = { ...run, losses: tensor([batch], run.losses) };
      const results = { logits, losses, "gradient of pixels": gradient };
      for (const [name, array] of Object.entries(results))
        for (const error of errors(name, array, Object.fromEntries(expected)[name]))
          expect(error, name).toBeLessThan(1e-4);
    });
});
