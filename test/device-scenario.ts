// What a device must do as the CPU does: take the gradients of a tiny network, train it, take them again; attack it.
import { runBounded } from "../src/attacks/harness.ts";
import { pgd } from "../src/attacks/pgd.ts";
import { uniform } from "../src/math/distributions.ts";
import { keyOf, keysFor } from "../src/math/random.ts";
import type { NdArray, Tensor } from "../src/math/tensor.ts";
import type { Architecture } from "../src/models/architecture.ts";
import { classifier, liveClassifier } from "../src/models/classifier.ts";
import { architecture } from "../src/models/index.ts";
import { initialParameters } from "../src/models/initial.ts";
import type { Runtime } from "../src/runtime/runtime.ts";
import { liveStep } from "../src/train/live-step.ts";
import { sgd } from "../src/train/optimizer.ts";
import { initialState } from "../src/train/step.ts";
import { difference, random } from "./graph-cases.ts";

const input = { shape: [3, 8, 8], classes: 4, mean: [0.4, 0.5, 0.6], std: [0.2, 0.25, 0.3] };

/** A Wide ResNet of half a hundred arrays. */
export const wide = architecture("wrn-10-1", input);

/** Every array that comes out: gradients and logits before each of two steps, and what the steps left. */
export async function scenario(
  runtime: Runtime,
  network: Architecture,
): Promise<Record<string, NdArray>> {
  const optimizer = sgd({ momentum: 0.9, weightDecay: 5e-4 });
  const initial = initialState(network, optimizer, initialParameters(network));
  const labels = [0, 1, 2];
  const keys = labels.map((_, i) => keyOf(i));
  const x = random([3, ...input.shape], 5);
  const step = await liveStep(runtime, network, optimizer, labels.length, initial);
  const victim = liveClassifier(runtime, network, step.parameters, "frozen");
  const found: Record<string, NdArray> = {};
  for (const time of ["first", "second"]) {
    const { gradient, logits } = await victim.lossAndGradient(x, { kind: "ce", labels }, keys);
    const { loss } = await step.run({ x, labels, keys }, 0.05);
    found[`${time} gradient`] = gradient;
    found[`${time} logits`] = logits;
    found[`${time} loss`] = { dtype: "float32", shape: [], data: Float32Array.of(loss) };
  }
  const { parameters, slots } = await step.state();
  await victim.release();
  await step.release();
  return { ...found, ...parameters, ...slots };
}

/** What PGD makes of three pictures, and the loss of each before and after. */
export async function attacked(
  runtime: Runtime,
  network: Architecture,
  epsilon: number,
): Promise<{
  readonly adversarial: Tensor;
  readonly before: Float32Array;
  readonly after: Float32Array;
}> {
  const labels = [0, 1, 2];
  const keys = keysFor(keyOf(6), labels);
  const x = uniform(keysFor(keyOf(7), labels), [3, ...input.shape], 0, 1);
  const victim = classifier(runtime, network, initialParameters(network));
  const lossesAt = async (at: Tensor) =>
    (await victim.lossAndGradient(at, { kind: "ce", labels }, keys)).losses;
  // An untrained network misclassifies, where PGD would stop at once.
  const attack = pgd({ norm: "linf", epsilon, steps: 5, stopWhenBroken: false });
  const { adversarial } = await runBounded(attack, victim, x, labels, keys);
  const [before, after] = [await lossesAt(x), await lossesAt(adversarial)];
  await victim.release();
  return { adversarial, before, after };
}

/** The array that differs most, and by how much of its largest value. */
export function worst(
  a: Readonly<Record<string, NdArray>>,
  b: Readonly<Record<string, NdArray>>,
): readonly [name: string, difference: number] {
  const all = Object.keys(b).map((name) => [name, difference(a[name], b[name])] as const);
  // NaN is the worst of all.
  return all.reduce((most, one) => (one[1] <= most[1] || Number.isNaN(most[1]) ? most : one));
}
