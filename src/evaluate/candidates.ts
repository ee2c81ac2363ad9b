// The adversarial examples that compete for a row, and the choice among them.
import { balls } from "../attacks/balls.ts";
import { areWithin, distancesOf, projectExactly } from "../attacks/exact-projection.ts";
import { runBounded, runMinimal } from "../attacks/harness.ts";
import { steepestPixels } from "../attacks/pixels.ts";
import type { Attack, BoundedAttack, Labels, MinimalAttack, Victim } from "../attacks/victim.ts";
import { withEot, withFixedKeys } from "../defenses/with-eot.ts";
import { margin } from "../losses/margin.ts";
import { foldAll, type Key, nameToNumber } from "../math/random.ts";
import { addScaled, clamp, rowSize, sub, type Tensor, tensor } from "../math/tensor.ts";
import type { Candidate } from "./candidate.ts";
import { decisions, type Scoring, shareOf } from "./score.ts";
import { ownerOf, type WatchedVictim } from "./watched.ts";
import { withoutGradients } from "./without-gradients.ts";

/** The model under attack. */
export interface AttackTarget {
  /** The network without noise. */
  readonly network: WatchedVictim;
  /** The deployed classifier: the network with a draw of its noise at every call, or the network itself if deterministic. */
  readonly victim: Victim;
  readonly randomised: boolean;
  /** Draws averaged per gradient step, and the largest batch of the network. */
  readonly eot: number;
  readonly batch: number;
}

/** The victim for attacks on a randomised model, by objective; `keys` [batch] are used nowhere else. */
const victims: Readonly<Record<string, (target: AttackTarget, keys: readonly Key[]) => Victim>> = {
  "mean-loss": ({ victim, eot, batch }) => withEot(victim, eot, batch, "mean-loss"),
  "mean-logits": ({ victim, eot, batch }) => withEot(victim, eot, batch, "mean-logits"),
  "mean-probability": ({ victim, eot, batch }) => withEot(victim, eot, batch, "mean-probability"),
  "fixed-noise": ({ victim, eot, batch }, keys) => withFixedKeys(withEot(victim, eot, batch), keys),
  transfer: ({ network }) => network,
};

/** Streams of an attack's keys: its steps, the fixed noise, and the gradient at x. */
const [STEPS, FIXED, UPHILL] = [0, 1, 2];
/** A stream that no attack uses, because attacks number their streams from 0. */
const BLIND = nameToNumber("without-gradients");

/** The objectives that fit an attack's queries. Logits can only be averaged. */
const objectivesByQuestion: Readonly<Record<BoundedAttack["asks"], readonly string[]>> = {
  "cross-entropy": Object.keys(victims),
  losses: Object.keys(victims).filter((name) => name !== "mean-probability"),
  logits: ["mean-logits", "fixed-noise", "transfer"],
};

/** The objectives that an attack on a randomised model can maximise. */
export const objectivesOf = (attack: Attack): readonly string[] =>
  attack.epsilon === null ? ["mean-logits"] : objectivesByQuestion[attack.asks];

/** The objectives for `--objective`: all for `worst`, and the mean of logits if the attack cannot maximise the given one. */
const objectivesTried = (attack: BoundedAttack, objective: string): readonly string[] => {
  const all = objectivesOf(attack);
  if (objective === "worst") return all;
  return all.includes(objective) ? [objective] : ["mean-logits"];
};

/** The loss that an attack on a deterministic model maximises, as rows name it; `unbroken` for an ensemble without success. */
function lossName({ asks, options }: BoundedAttack): string {
  if (asks === "cross-entropy") return "ce";
  if (asks === "logits") return "margin";
  if (options.loss === "pm") return "probability-margin";
  return options.loss === undefined ? "unbroken" : "dlr";
}

/** One candidate per objective of a bounded attack on x [batch, ...pixels]; `worst` is all objectives. */
export async function boundedCandidates(
  attack: BoundedAttack,
  target: AttackTarget,
  objective: string,
  x: Tensor,
  labels: Labels,
  keys: readonly Key[],
): Promise<Candidate[]> {
  if (!target.randomised) {
    const { network } = target;
    const { adversarial, members } = await runBounded(attack, network, x, labels, keys);
    const candidate = { objective: lossName(attack), adversarial, members };
    const examples = { x, labels, owners: keys.map(ownerOf) };
    return [await withoutGradients(attack, network, candidate, examples, foldAll(keys, BLIND))];
  }
  const candidates: Candidate[] = [];
  for (const name of objectivesTried(attack, objective)) {
    const objectiveKeys = foldAll(keys, nameToNumber(name));
    const victim = victims[name](target, foldAll(objectiveKeys, FIXED));
    const stepKeys = foldAll(objectiveKeys, STEPS);
    const { adversarial } = await runBounded(attack, victim, x, labels, stepKeys);
    candidates.push({ objective: name, adversarial });
  }
  return candidates;
}

/** The candidates of a minimum-norm attack at one radius, for pixels in [0, 1]; null means no bound. */
export interface AtRadius {
  readonly epsilon: number | null;
  readonly candidates: readonly Candidate[];
}

/**
 * Runs a minimum-norm attack on x [batch, ...pixels] once, for all radii. On a randomised model it always uses the margin of
 * mean logits, whatever `--objective` is.
 */
export async function minimalCandidates(
  attack: MinimalAttack,
  target: AttackTarget,
  radii: readonly (number | null)[],
  x: Tensor,
  labels: Labels,
  keys: readonly Key[],
): Promise<AtRadius[]> {
  const { network, victim, randomised, eot, batch } = target;
  const averaged = randomised ? withEot(victim, eot, batch, "mean-logits") : network;
  const { adversarial } = await runMinimal(attack, averaged, x, labels, foldAll(keys, STEPS));
  const bounded = radii.some((epsilon) => epsilon !== null);
  const uphill =
    randomised && bounded
      ? (await averaged.lossAndGradient(x, margin(labels), foldAll(keys, UPHILL))).gradient
      : null;
  const objective = randomised ? "mean-logits" : "margin";
  return radii.map((epsilon) => ({
    epsilon,
    candidates:
      epsilon === null
        ? [{ objective, adversarial }]
        : candidatesAt(attack, { x, unbounded: { objective, adversarial }, uphill }, epsilon),
  }));
}

/** The result of a minimum-norm attack on x, each [batch, ...pixels]. */
export interface UnboundedResult {
  readonly x: Tensor;
  readonly unbounded: Candidate;
  /** The gradient of the margin at x; null for a deterministic model. */
  readonly uphill: Tensor | null;
}

/**
 * The candidates of a minimum-norm attack in the ball of radius ε around x: its result, or x where the perturbation is longer
 * than ε. On a randomised model the attack stops where about half of fresh draws are wrong, or at x itself if its own draws
 * happen to be wrong. So there are two more candidates: the perturbation scaled to length ε, and one step of length ε along
 * `uphill`. In ℓ0 the first keeps the ε pixels that changed most, and the second sets the ε pixels that gain most along
 * `uphill` to a corner of the box.
 */
export function candidatesAt(
  { norm }: Pick<MinimalAttack, "norm">,
  { x, unbounded, uphill }: UnboundedResult,
  epsilon: number,
): Candidate[] {
  const row = rowSize(x);
  const close = tensor(x.shape, x.data.slice());
  for (const [i, within] of areWithin(unbounded.adversarial, x, norm, epsilon).entries())
    if (within)
      close.data.set(unbounded.adversarial.data.subarray(i * row, (i + 1) * row), i * row);
  const within: Candidate = {
    objective: unbounded.objective,
    members: unbounded.members,
    adversarial: projectExactly(close, x, norm, epsilon),
  };
  if (uphill === null) return [within];
  if (norm === "l0")
    return [
      within,
      {
        objective: "stretched",
        adversarial: projectExactly(unbounded.adversarial, x, norm, epsilon),
      },
      { objective: "one-step", adversarial: steepestPixels(x, uphill, epsilon) },
    ];
  const lengths = distancesOf(unbounded.adversarial, x, norm);
  const delta = sub(unbounded.adversarial, x);
  const stretched = tensor(x.shape);
  for (let j = 0; j < delta.data.length; j++) {
    const length = lengths[Math.floor(j / row)];
    stretched.data[j] = length === 0 ? 0 : (delta.data[j] * epsilon) / length;
  }
  // x is in the box, so clamping shrinks the perturbation.
  const along = (direction: Tensor, scale: number) =>
    projectExactly(clamp(addScaled(x, direction, scale), 0, 1), x, norm, epsilon);
  return [
    within,
    { objective: "stretched", adversarial: along(stretched, 1) },
    { objective: "one-step", adversarial: along(balls[norm].steepest(uphill), epsilon) },
  ];
}

/** The chosen adversarial examples [batch, ...pixels], and the objective [batch] that led to each. */
export interface WorstCandidates {
  readonly objectives: readonly string[];
  readonly adversarial: Tensor;
}

/**
 * Chooses for each example the candidate that the classifier gets right least often, the first one on a tie. The same fresh
 * draws, from `keys` [batch], judge every candidate; neither the attack nor the scoring of the row uses these draws.
 */
export async function chooseWorst(
  candidates: readonly Candidate[],
  victim: Victim,
  labels: Labels,
  keys: readonly Key[],
  scoring: Scoring,
): Promise<WorstCandidates> {
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
