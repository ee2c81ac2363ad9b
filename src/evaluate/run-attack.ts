import type { Labels } from "../attacks/victim.ts";
import { foldAll } from "../math/random.ts";
import type { Tensor } from "../math/tensor.ts";
import type { Candidate } from "./candidate.ts";
import {
  type AttackTarget,
  boundedCandidates,
  chooseWorst,
  minimalCandidates,
} from "./candidates.ts";
import type { Judge } from "./judge.ts";
import type { ResolvedOptions } from "./options.ts";
import { mostFrequent } from "./rule.ts";
import type { Run } from "./runs.ts";
import { choosingHalf, lengths, rounded, scoringHalf, shareOf } from "./score.ts";
import { ATTACK, CHOOSE, ONE_DRAW, SCORE_ADVERSARIAL, streamOf } from "./streams.ts";

/** Test images [batch, channel, height, width] with pixels in [0, 1], and the decisions on them before an attack. */
export interface AttackedBatch {
  /** Indices in the test split, [batch]. */
  readonly indices: readonly number[];
  readonly x: Tensor;
  readonly labels: Labels;
  /** The decisions on each clean image, [batch][decisions]. */
  readonly natural: readonly (readonly number[])[];
  readonly seed: number;
}

/** The adversarial examples of a run at one radius. */
export interface RunResult {
  /** The radius; null without a bound. */
  readonly epsilon: number | null;
  /** [batch, channel, height, width], pixels in [0, 1]. */
  readonly adversarial: Tensor;
  /** The objective that led to each example, [batch]; null for the clean image. */
  readonly objectives: readonly (string | null)[];
}

/** Runs the attack and chooses among its candidates, for each radius and example. */
export async function runAttack(
  { attack, name, radii }: Run,
  target: AttackTarget,
  { objective }: ResolvedOptions,
  { scoring }: Judge,
  { x, labels, indices, seed }: AttackedBatch,
): Promise<RunResult[]> {
  if (attack === null)
    return [{ epsilon: null, adversarial: x, objectives: labels.map(() => null) }];
  const keysAt = (epsilon: number | null) => streamOf(seed, `${name}@${epsilon}`, indices);
  const choose = async (
    candidates: readonly Candidate[],
    epsilon: number | null,
  ): Promise<RunResult> => {
    const choosing = { ...scoring, draws: Math.max(1, scoring.draws / 2) };
    const keys = foldAll(keysAt(epsilon), CHOOSE);
    const worst = await chooseWorst(candidates, target.victim, labels, keys, choosing);
    return { epsilon, adversarial: worst.adversarial, objectives: worst.objectives };
  };
  const keys = foldAll(keysAt(attack.epsilon), ATTACK);
  if (attack.epsilon !== null) {
    const candidates = await boundedCandidates(attack, target, objective, x, labels, keys);
    return [await choose(candidates, attack.epsilon)];
  }
  const results: RunResult[] = [];
  for (const at of await minimalCandidates(attack, target, radii, x, labels, keys))
    results.push(await choose(at.candidates, at.epsilon));
  return results;
}

/** Scores one result: the fields of its rows [batch] that depend on the images. */
export async function scoreResult(
  run: Run,
  { epsilon, adversarial, objectives }: RunResult,
  judge: Judge,
  { x, labels, indices, natural, seed }: AttackedBatch,
) {
  const keys = streamOf(seed, `${run.name}@${epsilon}`, indices);
  const scoreKeys = foldAll(keys, SCORE_ADVERSARIAL);
  const decided = run.attack === null ? natural : await judge.decide(adversarial, scoreKeys);
  // Both use the same draws, so only rounding can make a difference.
  const decided8bit = await judge.decide(rounded(adversarial), scoreKeys);
  const oneDraw = await judge.oneDraw(adversarial, labels, foldAll(keys, ONE_DRAW));
  const norms = lengths(adversarial, x, run.norm);
  return indices.map((index, i) => {
    const label = labels[i];
    return {
      index,
      label,
      epsilon,
      attack: run.name,
      norm: run.norm,
      objective: objectives[i],
      prediction: mostFrequent(natural[i]),
      adversarialPrediction: mostFrequent(decided[i]),
      eot: run.eot,
      restarts: run.restarts,
      steps: run.steps,
      rule: judge.scoring.rule.name,
      clean: shareOf(natural[i], label),
      correct: shareOf(scoringHalf(decided[i]), label),
      correctChoose: shareOf(choosingHalf(decided[i]), label),
      majority: mostFrequent(decided[i]) === label ? 1 : 0,
      correct8bit: shareOf(scoringHalf(decided8bit[i]), label),
      correct8bitChoose:
        decided8bit[i].length > 1 ? shareOf(choosingHalf(decided8bit[i]), label) : undefined,
      oneDraw: oneDraw[i],
      ...norms[i],
      draws: judge.scoring.draws,
    };
  });
}
