// The progress of a timed attack, and an estimate of the accuracy under AutoAttack.
import type { Progress } from "../../attacks/adaptive-search.ts";

/** The progress of the attacks in one ball. */
export interface Convergence {
  readonly norm: string;
  /** The radius in the norm, for pixels in [0, 1]. */
  readonly epsilon: number;
  /** Images that were right when clean and whose batch got the first steps of the attack in full. */
  readonly attacked: number;
  /** Images that were right when clean. */
  readonly right: number;
  /** Of the survivors, the share whose margin fell by 1 % of the clean one or more in the last tenth of their steps. */
  readonly falling: number;
  /** Whether all rounds of the attack ended before the time did; another machine then does the same. Absent before version 2. */
  readonly finished?: boolean;
  /** The accuracy under AutoAttack over all images: an estimate, and limits that should contain it. */
  readonly autoattack: { readonly mean: number; readonly low: number; readonly high: number };
}

/** A fall of the margin by a smaller share of the clean margin does not count. */
const MIN_FALL = 0.01;
/** An image with more than this share of its margin left is assumed not to break any more. */
const MAX_OPEN = 0.6;
/** An image with less than this share left is near the boundary. */
const NEAR = 0.1;
/** The estimated and the largest share of images that may still break. */
type Fall = readonly [mean: number, most: number];
type FallsL1 = Readonly<Record<"near" | "falling" | "still", Fall>>;
/**
 * Open images in ℓ∞ and ℓ2. On the images 1000 to 1199 of CIFAR-10's test set, after 5 steps on two networks, 1 of 72 broke, and
 * none of 130 with more than MAX_OPEN.
 */
const OPEN: Fall = [0.02, 0.1];
/**
 * Open images in ℓ1, where APGD moves few pixels per step and needs more steps. On the same images and ResNet-2B, AutoAttack broke
 * 5 of 8 images near the boundary, 5 of 26 whose margin was still falling, and 1 of 16 others after 20 steps.
 */
const OPEN_L1: FallsL1 = { near: [0.2, 0.5], falling: [0.1, 0.25], still: [0.02, 0.07] };
/** The same after a thorough round, with three seeds: 4 of 16 near the boundary, 0 of 8 still falling and 3 of 101 others. */
const THOROUGH_L1: FallsL1 = { near: [0.25, 0.4], falling: [0.03, 0.06], still: [0.03, 0.06] };
/** The same for images whose margin random search reduced more than the ascents did. */
const BLIND: Fall = [0.2, 0.4];
/** If ascents leave more than this share, they found no useful gradient. Only random search can detect masked gradients. */
const NO_SLOPE = 0.95;
/** The share of images that this attack breaks and AutoAttack may miss. In ℓ1 it was 2 of the first 200 images on ResNet-2B. */
const [MISSED, MISSED_L1] = [0.002, 0.01];
/** With fewer attacked images, nothing is inferred about the others. */
const MIN_ATTACKED = 20;

/** Whether a margin fell in the last tenth of the steps. */
const isFalling = ({ margin, before, cleanMargin }: Progress): boolean =>
  margin - before >= MIN_FALL * -cleanMargin;

/** The probability that a survivor still breaks, which depends on how its attack went. */
function fallOf(norm: string, progress: Progress): Fall {
  const { margin, cleanMargin, searched, blind, thorough } = progress;
  const remaining = cleanMargin === 0 ? 0 : margin / cleanMargin;
  if (!searched && remaining > NO_SLOPE) return [BLIND[0], 1];
  if (remaining > MAX_OPEN) return [0, 0];
  if (blind) return BLIND;
  if (norm !== "l1") return OPEN;
  const falls = thorough ? THOROUGH_L1 : OPEN_L1;
  if (remaining < NEAR) return falls.near;
  return isFalling(progress) ? falls.falling : falls.still;
}

/** Images of batches whose first steps the clock cut short, and of those that never began. */
interface Others {
  readonly count: number;
  /** Those known to be broken, which are the weakest ones: they say nothing about the rest. */
  readonly broken: number;
}

/**
 * How many of the other images AutoAttack would leave, if they are like the `attacked` ones, of which `least`, `likely` or
 * `survivors` remain. The spread is 1.96 standard errors of the difference of two proportions. Its proportion
 * has two images of each kind added (Agresti & Coull 1998), so that it is not 0 where all or none survive.
 */
function leftOf(
  { count, broken }: Others,
  attacked: number,
  { least, likely, survivors }: Readonly<Record<"least" | "likely" | "survivors", number>>,
) {
  const share = (of: number) => (attacked === 0 ? 0.5 : of / attacked);
  const padded = (survivors + 2) / (attacked + 4);
  const spread =
    attacked < MIN_ATTACKED || count === 0
      ? 1
      : 1.96 * Math.sqrt(padded * (1 - padded) * (1 / attacked + 1 / count));
  const within = (wanted: number) =>
    Math.min(Math.min(Math.max(wanted, 0), 1) * count, count - broken);
  return {
    mean: within(share(likely)),
    low: within(share(least) - spread),
    high: within(share(survivors) + spread),
  };
}

/**
 * The convergence of a timed attack, from its progress on images, including those that are wrong when clean. The rest
 * of the `images` images are proven to survive.
 */
export function convergenceOf(
  ball: Pick<Convergence, "norm" | "epsilon">,
  progress: readonly Progress[],
  images: number,
): Convergence {
  const right = progress.filter(({ cleanMargin }) => !(cleanMargin > 0));
  const attacked = right.filter(({ begun }) => begun);
  const survivors = attacked.filter(({ margin }) => !(margin > 0));
  const falling = survivors.filter(isFalling);
  const falls = survivors.map((progress) => fallOf(ball.norm, progress));
  const sum = (of: (fall: Fall) => number) => falls.reduce((total, fall) => total + of(fall), 0);
  const likely = survivors.length - sum(([mean]) => mean);
  const least = survivors.length - sum(([, most]) => most);
  const rest = right.filter(({ begun }) => !begun);
  const others = { count: rest.length, broken: rest.filter(({ margin }) => margin > 0).length };
  const known = { least, likely, survivors: survivors.length };
  const left = leftOf(others, attacked.length, known);
  const proven = images - progress.length;
  const missed = ball.norm === "l1" ? MISSED_L1 : MISSED;
  const within = (count: number) => Math.min(Math.max((proven + count) / images, 0), 1);
  return {
    norm: ball.norm,
    epsilon: ball.epsilon,
    attacked: attacked.length,
    right: right.length,
    falling: survivors.length === 0 ? 0 : falling.length / survivors.length,
    autoattack: {
      mean: within(likely + left.mean),
      low: within(least + left.low),
      high: within(survivors.length + left.high + missed * images),
    },
  };
}
