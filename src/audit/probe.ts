// What an audit asks the network itself, beside its attacks: whether gradients and attacks can be trusted at all.

import { apgd } from "../attacks/apgd.ts";
import { balls } from "../attacks/balls.ts";
import { runBounded } from "../attacks/harness.ts";
import type { Labels, Norm, Victim } from "../attacks/victim.ts";
import type { Split } from "../data/dataset.ts";
import { ce } from "../losses/ce.ts";
import { margin } from "../losses/margin.ts";
import { normal } from "../math/distributions.ts";
import { fold, foldAll, type Key, keyOf, keysFor, nameToNumber } from "../math/random.ts";
import { addScaled, argmaxRows, clamp, rowSize, type Tensor, tensor } from "../math/tensor.ts";

/** What the probe found, in counts of examples. */
export interface Probe {
  /** Examples that were looked at. */
  readonly examples: number;
  /** Those whose margin's gradient is zero in every pixel at the clean image. */
  readonly zeroGradients: number;
  /** Those whose cross-entropy is exactly 0 in float32, so that its gradient says nothing. */
  readonly saturated: number;
  /** Whether all of them, if they are several, have the same logits: the network answers without looking. */
  readonly constant: boolean;
  /** Whether two runs on the same images gave other logits: the file draws random numbers itself. */
  readonly changes: boolean;
  /** APGD at a radius at which nothing can be right: how many of the examples that were right still are. */
  readonly huge: {
    readonly norm: Norm;
    readonly epsilon: number;
    readonly tried: number;
    readonly right: number;
  };
  /**
   * In the first norm at its radius: what APGD leaves that climbs a copy of the network with approximate gradients, and that
   * climbs the network; null where there is no copy.
   */
  readonly transfer: {
    readonly norm: Norm;
    readonly epsilon: number;
    readonly tried: number;
    readonly right: number;
    readonly whiteBox: number;
  } | null;
  /** In each norm at its radius, on the same examples: what random noise and APGD of few and of many steps leave. */
  readonly norms: readonly ProbedNorm[];
}

/** A probe that has looked at nothing. */
export const nothingProbed = (norm: Norm): Probe => ({
  examples: 0,
  zeroGradients: 0,
  saturated: 0,
  constant: false,
  changes: false,
  huge: { norm, epsilon: 0, tried: 0, right: 0 },
  transfer: null,
  norms: [],
});

/** Counts of examples that are right, of `tried` that were right when clean. */
export interface ProbedNorm {
  readonly norm: Norm;
  readonly epsilon: number;
  readonly tried: number;
  readonly underNoise: number;
  readonly fewSteps: number;
  readonly manySteps: number;
}

/** Where and how much to probe. */
export interface ProbeOptions {
  readonly radii: readonly { readonly norm: Norm; readonly epsilon: number }[];
  readonly seed: number;
  /** Test images, the first ones. */
  readonly examples?: number;
  /** A copy of a network that rounds, through whose rounding gradients pass. */
  readonly copy?: Victim | null;
}

type Radius = ProbeOptions["radii"][number];

const [NOISE, ATTACK] = [0, 1];
const [FEW_STEPS, MANY_STEPS] = [5, 20];
/** Cross-entropy is blind where logits are huge, the difference of logits ratio is not. */
const LOSSES = ["ce", "dlr"] as const;

/** Half of the way between the two images that are farthest apart: no class can be right everywhere in such a ball. */
const hugeRadius = (norm: Norm, pixels: number): number =>
  ({ linf: 0.5, l2: Math.sqrt(pixels) / 2, l1: pixels / 2 })[norm];

/** Random noise that has the length ε before the box cuts it: signs in ℓ∞, a normal direction in the others. */
function noisy(x: Tensor, { norm, epsilon }: Radius, keys: readonly Key[]): Tensor {
  const drawn = normal(keys, x.shape);
  const row = rowSize(x);
  if (norm === "linf")
    return clamp(addScaled(x, tensor(x.shape, drawn.data.map(Math.sign)), epsilon), 0, 1);
  const lengths = balls[norm].norm(drawn);
  const scaled = drawn.data.map((value, i) => (value * epsilon) / lengths[Math.floor(i / row)]);
  return clamp(addScaled(x, tensor(x.shape, scaled), 1), 0, 1);
}

const zeroRows = (gradient: Tensor): number => {
  const row = rowSize(gradient);
  return Array.from({ length: gradient.shape[0] }, (_, i) =>
    gradient.data.subarray(i * row, (i + 1) * row).every((value) => value === 0),
  ).filter(Boolean).length;
};

/** Rounding of float32 in the last place of a number of size 1. */
const LAST_PLACE = 2 ** -23;

/** Whether several rows are equal, up to the last place of the largest number. */
function areEqualRows({ shape: [count], data }: Tensor): boolean {
  const row = data.length / count;
  const slack = 2 * LAST_PLACE * data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return count > 1 && data.every((value, i) => Math.abs(value - data[i % row]) <= slack);
}

/** Looks at the network, without any noise of its deployment, on the first test images. */
export async function probe(
  network: Victim,
  test: Split,
  { radii, seed, examples = 32, copy = null }: ProbeOptions,
): Promise<Probe> {
  const all = Array.from({ length: Math.min(examples, test.size) }, (_, i) => i);
  const x = test.images(all);
  const labels = all.map((index) => Number(test.labels[index]));
  const keys = keysFor(fold(keyOf(seed), nameToNumber("probe")), all);
  const [logits, again] = [await network.logits(x, keys), await network.logits(x, keys)];
  const slopes = await network.lossAndGradient(x, margin(labels), keys);
  const { losses } = await network.lossAndGradient(x, ce(labels), keys);
  const classes = argmaxRows(logits);
  const right = all.filter((i) => classes[i] === labels[i]);
  const own = {
    x: test.images(right),
    labels: right.map((i) => labels[i]),
    keys: right.map((i) => keys[i]),
  };
  const rightAmong = async (inputs: Tensor): Promise<number> =>
    argmaxRows(await network.logits(inputs, own.keys)).filter((z, i) => z === own.labels[i]).length;
  /** Examples that stay right under APGD on `victim`, whichever loss it climbs. */
  const attacked = async (
    { norm, epsilon }: Radius,
    steps: number,
    victim = network,
  ): Promise<number> => {
    if (right.length === 0) return 0;
    let standing = own.labels.map(() => true);
    for (const loss of LOSSES) {
      const attack = apgd({ norm, epsilon, loss, steps });
      const keys = foldAll(own.keys, ATTACK);
      const { adversarial } = await runBounded(attack, victim, own.x, own.labels as Labels, keys);
      const classes = argmaxRows(await network.logits(adversarial, own.keys));
      standing = standing.map((stands, i) => stands && classes[i] === own.labels[i]);
    }
    return standing.filter(Boolean).length;
  };
  const norms: ProbedNorm[] = [];
  for (const radius of radii)
    norms.push({
      ...radius,
      tried: right.length,
      underNoise: await rightAmong(noisy(own.x, radius, foldAll(own.keys, NOISE))),
      fewSteps: await attacked(radius, FEW_STEPS),
      manySteps: await attacked(radius, MANY_STEPS),
    });
  const [first] = radii;
  const huge = { norm: first.norm, epsilon: hugeRadius(first.norm, rowSize(x)) };
  return {
    examples: all.length,
    zeroGradients: zeroRows(slopes.gradient),
    norms,
    saturated: losses.filter((loss) => loss === 0).length,
    constant: areEqualRows(logits),
    // Not by their difference: that of two infinities is NaN.
    changes: logits.data.some((logit, i) => !Object.is(logit + 0, again.data[i] + 0)),
    huge: { ...huge, tried: right.length, right: await attacked(huge, MANY_STEPS) },
    transfer: copy && {
      ...first,
      tried: right.length,
      whiteBox: norms[0].manySteps,
      right: await attacked(first, MANY_STEPS, copy),
    },
  };
}
