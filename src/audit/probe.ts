// Measurements of an audit besides its attacks: can the gradients and attacks be trusted?
import { apgd } from "../attacks/apgd.ts";
import { balls } from "../attacks/balls.ts";
import { runBounded } from "../attacks/harness.ts";
import type { Norm, Victim } from "../attacks/victim.ts";
import type { Split } from "../data/dataset.ts";
import { ce } from "../losses/ce.ts";
import { margin } from "../losses/margin.ts";
import { normal } from "../math/distributions.ts";
import { fold, foldAll, type Key, keyOf, keysFor, nameToNumber } from "../math/random.ts";
import { addScaled, argmaxRows, clamp, rowSize, type Tensor, tensor } from "../math/tensor.ts";

/** A norm with a radius, for pixels in [0, 1]. */
export interface ProbedRadius {
  readonly norm: Norm;
  readonly epsilon: number;
}

/** Counts of examples at one radius. */
export interface ProbedNorm extends ProbedRadius {
  /** Examples that are classified correctly when clean. The other counts are subsets of these. */
  readonly cleanCorrect: number;
  /** Still correct under random noise of length ε. */
  readonly underNoise: number;
  /** Still correct under APGD with 5 steps, and with 20. */
  readonly fewSteps: number;
  readonly manySteps: number;
}

/** The findings of a probe, in counts of examples. */
export interface Probe {
  /** Examples that were probed. */
  readonly examples: number;
  /** Examples whose margin has a gradient of zero in every pixel at the clean image. */
  readonly zeroGradients: number;
  /** Examples whose cross-entropy is exactly 0 in float32, so that its gradient is 0 too. */
  readonly saturated: number;
  /** Whether several examples all have the same logits: the network ignores its input. */
  readonly constant: boolean;
  /** Whether two runs on the same images gave different logits: the file draws random numbers itself. */
  readonly changes: boolean;
  /** APGD at a radius at which no image should stay correct: examples correct when clean, and under the attack. */
  readonly huge: ProbedRadius & {
    readonly cleanCorrect: number;
    readonly correct: number;
  };
  /**
   * APGD in the first norm: examples that stay correct if the attack uses a copy of the network with approximate gradients
   * (`correct`), and if it uses the network itself (`whiteBox`). Null without a copy.
   */
  readonly transfer:
    | (ProbedRadius & {
        readonly cleanCorrect: number;
        readonly correct: number;
        readonly whiteBox: number;
      })
    | null;
  /** One entry per norm at its radius, on the same examples. */
  readonly norms: readonly ProbedNorm[];
}

/** An empty probe, for which no diagnostic fires. */
export const nothingProbed = (norm: Norm): Probe => ({
  examples: 0,
  zeroGradients: 0,
  saturated: 0,
  constant: false,
  changes: false,
  huge: { norm, epsilon: 0, cleanCorrect: 0, correct: 0 },
  transfer: null,
  norms: [],
});

/** The radii and the images of a probe. */
export interface ProbeOptions {
  /** One radius per norm, at least one. */
  readonly radii: readonly ProbedRadius[];
  readonly seed: number;
  /** Number of test images, from the first one on (default: 32). */
  readonly examples?: number;
  /** A copy of a network that rounds, with straight-through gradients. */
  readonly copy?: Victim | null;
}

/** Names of random streams. */
const [NOISE, ATTACK] = [0, 1];
const [FEW_STEPS, MANY_STEPS] = [5, 20];
/** Cross-entropy has zero gradients for huge logits; the difference of logits ratio does not. */
const LOSSES = ["ce", "dlr"] as const;

/** Half the distance between the two images that are farthest apart: such a ball around any image contains the grey image. */
function hugeRadius(norm: Norm, pixels: number): number {
  const radii = { linf: 0.5, l2: Math.sqrt(pixels) / 2, l1: pixels / 2 };
  return radii[norm];
}

/**
 * Images [n, channel, height, width] with random noise of length ε, clipped to [0, 1]: random signs in ℓ∞, a normal direction
 * in the other norms.
 */
function noisy(x: Tensor, { norm, epsilon }: ProbedRadius, keys: readonly Key[]): Tensor {
  const drawn = normal(keys, x.shape);
  if (norm === "linf")
    return clamp(addScaled(x, tensor(x.shape, drawn.data.map(Math.sign)), epsilon), 0, 1);
  const row = rowSize(x);
  const lengths = balls[norm].norm(drawn);
  const scaled = drawn.data.map((value, i) => (value * epsilon) / lengths[Math.floor(i / row)]);
  return clamp(addScaled(x, tensor(x.shape, scaled), 1), 0, 1);
}

/** Rows of a gradient [n, …] that are zero everywhere. */
function countZeroRows(gradient: Tensor): number {
  const row = rowSize(gradient);
  const rows = Array.from({ length: gradient.shape[0] }, (_, i) =>
    gradient.data.subarray(i * row, (i + 1) * row),
  );
  return rows.filter((values) => values.every((value) => value === 0)).length;
}

/** The distance of 1 to the next number of float32. */
const EPSILON_FLOAT32 = 2 ** -23;

/** Whether all rows of logits [n, class] are equal, up to the last place of the largest number. */
function areEqualRows({ shape: [count], data }: Tensor): boolean {
  const row = data.length / count;
  const largest = data.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  const slack = 2 * EPSILON_FLOAT32 * largest;
  return count > 1 && data.every((value, i) => Math.abs(value - data[i % row]) <= slack);
}

/** Whether two runs gave different logits. Compares values, since the difference of two infinities is NaN. */
const areDifferent = (a: Tensor, b: Tensor): boolean =>
  a.data.some((logit, i) => !Object.is(logit + 0, b.data[i] + 0));

/** Examples that the network classifies correctly when clean: images [n, channel, height, width] with labels and keys. */
class CorrectExamples {
  readonly #network: Victim;
  readonly #x: Tensor;
  readonly #labels: readonly number[];
  readonly #keys: readonly Key[];

  constructor(network: Victim, x: Tensor, labels: readonly number[], keys: readonly Key[]) {
    this.#network = network;
    this.#x = x;
    this.#labels = labels;
    this.#keys = keys;
  }

  get count(): number {
    return this.#labels.length;
  }

  /** For each example, whether the network classifies its image in `inputs` correctly. */
  async #areCorrect(inputs: Tensor): Promise<boolean[]> {
    const predictions = argmaxRows(await this.#network.logits(inputs, this.#keys));
    return this.#labels.map((label, i) => predictions[i] === label);
  }

  /** Examples that stay correct under random noise. */
  async countUnderNoise(radius: ProbedRadius): Promise<number> {
    const correct = await this.#areCorrect(noisy(this.#x, radius, foldAll(this.#keys, NOISE)));
    return correct.filter(Boolean).length;
  }

  /** Examples that stay correct under APGD with each of its losses. The attack uses `victim`; the network judges. */
  async countUnderAttack(
    { norm, epsilon }: ProbedRadius,
    steps: number,
    victim = this.#network,
  ): Promise<number> {
    if (this.count === 0) return 0;
    let survives = this.#labels.map(() => true);
    for (const loss of LOSSES) {
      const attack = apgd({ norm, epsilon, loss, steps });
      const keys = foldAll(this.#keys, ATTACK);
      const { adversarial } = await runBounded(attack, victim, this.#x, this.#labels, keys);
      const correct = await this.#areCorrect(adversarial);
      survives = survives.map((before, i) => before && correct[i]);
    }
    return survives.filter(Boolean).length;
  }
}

/** Probes the network on the first test images, without its noise. */
export async function probe(
  network: Victim,
  test: Split,
  { radii, seed, examples = 32, copy = null }: ProbeOptions,
): Promise<Probe> {
  const indices = Array.from({ length: Math.min(examples, test.size) }, (_, i) => i);
  const x = test.images(indices);
  const labels = indices.map((index) => Number(test.labels[index]));
  const keys = keysFor(fold(keyOf(seed), nameToNumber("probe")), indices);
  const logits = await network.logits(x, keys);
  const repeated = await network.logits(x, keys);
  const { gradient } = await network.lossAndGradient(x, margin(labels), keys);
  const { losses } = await network.lossAndGradient(x, ce(labels), keys);

  const predictions = argmaxRows(logits);
  const correct = indices.filter((i) => predictions[i] === labels[i]);
  const correctExamples = new CorrectExamples(
    network,
    test.images(correct),
    correct.map((i) => labels[i]),
    correct.map((i) => keys[i]),
  );
  const cleanCorrect = correctExamples.count;
  const norms: ProbedNorm[] = [];
  for (const { norm, epsilon } of radii) {
    const radius = { norm, epsilon };
    norms.push({
      norm,
      epsilon,
      cleanCorrect,
      underNoise: await correctExamples.countUnderNoise(radius),
      fewSteps: await correctExamples.countUnderAttack(radius, FEW_STEPS),
      manySteps: await correctExamples.countUnderAttack(radius, MANY_STEPS),
    });
  }
  const [first] = radii;
  const huge = { norm: first.norm, epsilon: hugeRadius(first.norm, rowSize(x)) };
  const correctWhenHuge = await correctExamples.countUnderAttack(huge, MANY_STEPS);
  const correctOnTransfer =
    copy === null ? null : await correctExamples.countUnderAttack(first, MANY_STEPS, copy);
  return {
    examples: indices.length,
    zeroGradients: countZeroRows(gradient),
    norms,
    saturated: losses.filter((loss) => loss === 0).length,
    constant: areEqualRows(logits),
    changes: areDifferent(logits, repeated),
    huge: { norm: huge.norm, epsilon: huge.epsilon, cleanCorrect, correct: correctWhenHuge },
    transfer:
      correctOnTransfer === null
        ? null
        : {
            norm: first.norm,
            epsilon: first.epsilon,
            cleanCorrect,
            correct: correctOnTransfer,
            whiteBox: norms[0].manySteps,
          },
  };
}
