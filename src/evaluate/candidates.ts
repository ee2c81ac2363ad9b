// Adversarial examples that compete for a row, and the choice among them.
import { balls } from "../attacks/balls.ts";
import { runBounded, runMinimal } from "../attacks/harness.ts";
import { distancesOf, insideBall } from "../attacks/inside-ball.ts";
import type { Attack, BoundedAttack, Labels, MinimalAttack, Victim } from "../attacks/victim.ts";
import { withEot, withFixedKeys } from "../defenses/with-eot.ts";
import { margin } from "../losses/margin.ts";
import { foldAll, type Key, nameToNumber } from "../math/random.ts";
import { addScaled, clamp, rowSize, sub, type Tensor, tensor } from "../math/tensor.ts";
import { decisions, type Scoring, shareOf } from "./score.ts";
import { ownerOf, type WatchedVictim } from "./watched.ts";
import { withoutGradients } from "./without-gradients.ts";

/** What an attack is given. */
export interface Target {
  /** Without noise. */
  readonly network: WatchedVictim;
  /** As it is deployed: the network itself if it is deterministic. */
  readonly victim: Victim;
  readonly randomised: boolean;
  /** Draws averaged per gradient step, and rows that meet the network at once. */
  readonly eot: number;
  readonly batch: number;
}

/** What an attack with one objective made of a batch. */
export interface Candidate {
  readonly objective: string;
  readonly adversarial: Tensor;
  /** Per example what stands for `objective`; null where that stands itself. */
  readonly members?: readonly (string | null)[] | undefined;
}

/** The victim behind each objective of an attack on a randomised model; `keys` are spent on nothing else. */
const victims: Readonly<Record<string, (target: Target, keys: readonly Key[]) => Victim>> = {
  "mean-loss": ({ victim, eot, batch }) => withEot(victim, eot, batch, "mean-loss"),
  "mean-logits": ({ victim, eot, batch }) => withEot(victim, eot, batch, "mean-logits"),
  "mean-probability": ({ victim, eot, batch }) => withEot(victim, eot, batch, "mean-probability"),
  "fixed-noise": ({ victim, eot, batch }, keys) => withFixedKeys(withEot(victim, eot, batch), keys),
  transfer: ({ network }) => network,
};

const [STEPS, FIXED, UPHILL] = [0, 1, 2];
/** A stream that no attack folds: their own are counted from 0. */
const BLIND = nameToNumber("without-gradients");

/** The objectives that make sense of what an attack asks for; logits alone are averaged in one way only. */
const sensible: Readonly<Record<BoundedAttack["asks"], readonly string[]>> = {
  "cross-entropy": Object.keys(victims),
  losses: Object.keys(victims).filter((name) => name !== "mean-probability"),
  logits: ["mean-logits", "fixed-noise", "transfer"],
};

/** What a bounded attack on a randomised model can maximise. */
export const objectivesOf = (attack: Attack): readonly string[] =>
  attack.epsilon === null ? ["mean-logits"] : sensible[attack.asks];

/** What `--objective` means for this attack: `worst` is all that it can, and one that it cannot is the mean of logits. */
const tried = (attack: BoundedAttack, objective: string): readonly string[] => {
  const all = objectivesOf(attack);
  if (objective === "worst") return all;
  return all.includes(objective) ? [objective] : ["mean-logits"];
};

/** What an attack on a deterministic model climbs. */
const climbed = ({ asks, options }: BoundedAttack): string =>
  asks === "cross-entropy"
    ? "ce"
    : asks === "logits"
      ? "margin"
      : options.loss === undefined
        ? "unbroken"
        : "dlr";

/** One candidate of a bounded attack per objective; `worst` stands for all of them. */
export async function boundedCandidates(
  attack: BoundedAttack,
  target: Target,
  objective: string,
  x: Tensor,
  labels: Labels,
  keys: readonly Key[],
): Promise<Candidate[]> {
  if (!target.randomised) {
    const { network } = target;
    const { adversarial, members } = await runBounded(attack, network, x, labels, keys);
    const candidate = { objective: climbed(attack), adversarial, members };
    const examples = { x, labels, owners: keys.map(ownerOf) };
    return [await withoutGradients(attack, network, candidate, examples, foldAll(keys, BLIND))];
  }
  const candidates: Candidate[] = [];
  for (const name of tried(attack, objective)) {
    const own = foldAll(keys, nameToNumber(name));
    const victim = victims[name](target, foldAll(own, FIXED));
    const { adversarial } = await runBounded(attack, victim, x, labels, foldAll(own, STEPS));
    candidates.push({ objective: name, adversarial });
  }
  return candidates;
}

/** What a minimum-norm attack left at one radius; null stands for no bound. */
export interface AtRadius {
  readonly epsilon: number | null;
  readonly candidates: readonly Candidate[];
}

/**
 * Runs a minimum-norm attack once, for all radii. On a randomised model it sees the margin of mean logits, whatever the
 * objective of other attacks is.
 */
export async function minimalCandidates(
  attack: MinimalAttack,
  target: Target,
  radii: readonly (number | null)[],
  x: Tensor,
  labels: Labels,
  keys: readonly Key[],
): Promise<AtRadius[]> {
  const { network, victim, randomised, eot, batch } = target;
  const asked = randomised ? withEot(victim, eot, batch, "mean-logits") : network;
  const { adversarial } = await runMinimal(attack, asked, x, labels, foldAll(keys, STEPS));
  const bounded = radii.some((epsilon) => epsilon !== null);
  const uphill =
    randomised && bounded
      ? (await asked.lossAndGradient(x, margin(labels), foldAll(keys, UPHILL))).gradient
      : null;
  const objective = randomised ? "mean-logits" : "margin";
  return radii.map((epsilon) => ({
    epsilon,
    candidates:
      epsilon === null
        ? [{ objective, adversarial }]
        : candidatesAt(attack, { x, reached: { objective, adversarial }, uphill }, epsilon),
  }));
}

/** How far a minimum-norm result may be outside by rounding and still count, once it is brought inside. */
const ROUNDING = 1e-6;

/**
 * What the result of a minimum-norm attack counts for inside the ball of radius ε around x. A perturbation that is
 * longer has failed, and leaves x. Of a randomised model, `uphill` being its margin's gradient at x, the attack stops
 * where a fresh draw is a coin toss, or at x itself if its own draws are lucky. So the perturbation brought to the
 * length ε is a second candidate, and one step of that length uphill a third.
 */
export function candidatesAt(
  { norm }: Pick<MinimalAttack, "norm">,
  { x, reached, uphill }: { x: Tensor; reached: Candidate; uphill: Tensor | null },
  epsilon: number,
): Candidate[] {
  const ball = balls[norm];
  const row = rowSize(x);
  const lengths = distancesOf(reached.adversarial, x, norm);
  const close = tensor(x.shape, x.data.slice());
  for (const [i, length] of lengths.entries())
    if (length <= epsilon + ROUNDING)
      close.data.set(reached.adversarial.data.subarray(i * row, (i + 1) * row), i * row);
  const within: Candidate = {
    objective: reached.objective,
    members: reached.members,
    adversarial: insideBall(close, x, norm, epsilon),
  };
  if (uphill === null) return [within];
  const delta = sub(reached.adversarial, x);
  const stretched = tensor(x.shape);
  for (let j = 0; j < delta.data.length; j++) {
    const length = lengths[Math.floor(j / row)];
    stretched.data[j] = length === 0 ? 0 : (delta.data[j] * epsilon) / length;
  }
  // x is in the box, so clamping only shrinks the perturbation.
  const far = (direction: Tensor, scale: number) =>
    insideBall(clamp(addScaled(x, direction, scale), 0, 1), x, norm, epsilon);
  return [
    within,
    { objective: "stretched", adversarial: far(stretched, 1) },
    { objective: "one-step", adversarial: far(ball.steepest(uphill), epsilon) },
  ];
}

/** For each example of a batch, which objective led to its adversarial example. */
export interface Chosen {
  readonly objectives: readonly string[];
  readonly adversarial: Tensor;
}

/**
 * For each example the candidate that is right least often when it is asked anew, the first one on a tie. The same
 * draws judge every candidate; they are neither those of the attack nor those that score the row.
 */
export async function chosen(
  candidates: readonly Candidate[],
  victim: Victim,
  labels: Labels,
  keys: readonly Key[],
  scoring: Scoring,
): Promise<Chosen> {
  const [{ adversarial: first, objective, members }, ...others] = candidates;
  if (others.length === 0)
    return { objectives: labels.map((_, i) => members?.[i] ?? objective), adversarial: first };
  const objectives: string[] = labels.map(() => "");
  const lowest: number[] = labels.map(() => Number.POSITIVE_INFINITY);
  const adversarial = tensor(first.shape);
  const row = rowSize(first);
  for (const candidate of candidates) {
    const decided = await decisions(victim, candidate.adversarial, keys, scoring);
    for (const [i, label] of labels.entries()) {
      const share = shareOf(decided[i], label);
      if (share >= lowest[i]) continue;
      lowest[i] = share;
      objectives[i] = candidate.objective;
      const pixels = candidate.adversarial.data.subarray(i * row, (i + 1) * row);
      adversarial.data.set(pixels, i * row);
    }
  }
  return { objectives, adversarial };
}
