import { withMaxBatch } from "../attacks/max-batch.ts";
import type { Labels } from "../attacks/victim.ts";
import type { Split } from "../data/dataset.ts";
import { fold, foldAll, type Key, keyOf, keysFor, nameToNumber, owned } from "../math/random.ts";
import { rowSize, rows as rowsBetween, type Tensor } from "../math/tensor.ts";
import {
  boundedCandidates,
  type Candidate,
  chosen,
  minimalCandidates,
  type Target,
} from "./candidates.ts";
import { checkOptions } from "./check.ts";
import { deployed, type EvaluatedModel, type Locate } from "./evaluated-model.ts";
import { type Judge, judgeOf } from "./judge.ts";
import { type EvaluateOptions, type ResolvedOptions, resolved } from "./options.ts";
import type { Row } from "./row.ts";
import { mostFrequent } from "./rule.ts";
import { type OwnAttacks, type Run, rowName, runsOf } from "./runs.ts";
import { choosingHalf, lengths, rounded, scoringHalf, shareOf } from "./score.ts";
import { brokenName, isBroken } from "./survivors.ts";
import { type NotFinite, type WatchedVictim, watched } from "./watched.ts";

/** One finished row with its images, each [1, channel, height, width]. */
export interface Scored {
  readonly row: Row;
  readonly original: Tensor;
  readonly adversarial: Tensor;
  /** Whether its run ends with it: rows of one run come together, and nothing is computed between them. */
  readonly last: boolean;
}

// What is drawn for an example, each in a stream of its own, so that no attack sees the draws it is scored on.
const ATTACK = 0;
const SCORE_CLEAN = 1;
const SCORE_ADVERSARIAL = 2;
const CHOOSE = 3;
const ONE_DRAW = 4;
const LOOK = 5;

/** Batches of a deterministic model that are attacked together. */
const TOGETHER = 4;

/** Test images with what is known of them before any attack. */
interface Batch {
  readonly indices: readonly number[];
  readonly x: Tensor;
  readonly labels: Labels;
  /** What was decided for each of them when clean. */
  readonly natural: readonly (readonly number[])[];
  readonly seed: number;
}

/**
 * Attacks the first `examples` test images and yields one row per example, attack, radius and number of EOT draws, in
 * batches; rows whose name is in `finished` are passed over, and under `onlyStanding` what is in `broken` and what breaks
 * meanwhile. `docs/evaluating.md` says what the protocols are.
 */
export async function* evaluate(
  evaluated: EvaluatedModel,
  data: { readonly name: string; readonly test: Split },
  given: EvaluateOptions,
  finished: ReadonlySet<string> = new Set(),
  broken: ReadonlySet<string> = new Set(),
  own?: OwnAttacks,
): AsyncGenerator<Scored, void, void> {
  const { test, name: dataName } = data;
  const options = resolved(given);
  const { seed, batch } = options;
  const count = Math.min(options.examples, test.size);
  const randomised = evaluated.noise !== null;
  checkOptions(options, { randomised, pixels: rowSize(test.images([0])), own });
  const runs = runsOf(options, randomised, own);
  const network = watched(withMaxBatch(evaluated.network, batch));
  const parts = { network, victim: deployed(evaluated, network), randomised };
  const judge = judgeOf(options, parts);
  const { model, defense } = evaluated;
  const common = { model, defense, data: dataName, protocol: options.protocol, seed };
  const fileOf = (index: number) => (test.files === undefined ? {} : { file: test.files[index] });

  // Each example of a randomised model fills `eot` places of a run: with fewer examples at once, rows come sooner.
  // Those of a deterministic one leave as they break, so that several batches together keep the runs full.
  const group = randomised
    ? Math.max(1, Math.floor(batch / Math.max(...runs.map(({ eot }) => eot))))
    : TOGETHER * batch;

  const slope = slopeAskedFor(runs);
  const brokenSoFar = new Set(options.onlyStanding ? broken : []);
  for (let from = 0; from < count; from += group) {
    const all = Array.from({ length: Math.min(group, count - from) }, (_, i) => from + i);
    let clean: number[][] | null = null;
    let first = true;
    /** Per example the node behind its clean image's first answer that was no number. */
    const located = locator(evaluated.locate);
    for (const run of runs) {
      const missing = (index: number, epsilon: number | null) =>
        !finished.has(rowName({ index, attack: run.name, epsilon, eot: run.eot })) &&
        !brokenSoFar.has(brokenName({ index, norm: run.norm, epsilon }));
      const indices = all.filter((index) => run.radii.some((epsilon) => missing(index, epsilon)));
      if (indices.length === 0) continue;
      const started = performance.now();
      clean ??= await judge.decide(
        test.images(all),
        foldAll(streamOf(seed, "clean", all), SCORE_CLEAN),
      );
      const decided = clean;
      if (first) {
        first = false;
        if (slope !== null && !randomised) await lookAtGradients(network, test, all, seed, slope);
        for (const [index, { notFinite }] of network.take()) await located.clean(index, notFinite);
      }
      const images = {
        indices,
        seed,
        x: test.images(indices),
        labels: indices.map((index) => Number(test.labels[index])),
        natural: indices.map((index) => decided[index - from]),
      };
      const results = await attacked(
        run,
        { ...parts, eot: run.eot, batch },
        options,
        judge,
        images,
      );
      const asked = network.take();
      const judged: Scored[] = [];
      for (const result of results) {
        const rows = await scored(run, result, judge, images);
        const scoring = network.take();
        for (const [i, row] of rows.entries()) {
          if (!missing(row.index, row.epsilon)) continue;
          const { queries = 0, notFinite = null } = asked.get(row.index) ?? {};
          const first = notFinite ?? scoring.get(row.index)?.notFinite ?? null;
          const nonFinite = await located.of(row.index, first);
          judged.push({
            row: { ...common, ...fileOf(row.index), ...row, queries, nonFinite, seconds: 0 },
            original: rowsBetween(images.x, i, i + 1),
            adversarial: rowsBetween(result.adversarial, i, i + 1),
            last: false,
          });
        }
      }
      const seconds = (performance.now() - started) / 1000 / judged.length;
      if (options.onlyStanding)
        for (const { row } of judged) if (isBroken(row)) brokenSoFar.add(brokenName(row));
      for (const [i, one] of judged.entries())
        yield { ...one, row: { ...one.row, seconds }, last: i === judged.length - 1 };
    }
  }
}

/** The loss that the first attack with gradients climbs; null where no attack asks for gradients. */
function slopeAskedFor(runs: readonly Run[]): "ce" | "margin" | null {
  const attacks = runs.flatMap(({ attack }) => attack ?? []);
  const found = attacks.find((attack) => attack.epsilon === null || attack.asks !== "logits");
  if (found === undefined) return null;
  return found.epsilon !== null && found.asks === "cross-entropy" ? "ce" : "margin";
}

/**
 * Asks for the gradient at each clean image once. An attack that starts elsewhere may never meet a gradient there that is not
 * finite, and which do must not decide which images are named.
 */
async function lookAtGradients(
  network: WatchedVictim,
  test: Split,
  indices: readonly number[],
  seed: number,
  kind: "ce" | "margin",
): Promise<void> {
  const labels = indices.map((index) => Number(test.labels[index]));
  await network.lossAndGradient(
    test.images(indices),
    { kind, labels },
    foldAll(streamOf(seed, "clean", indices), LOOK),
  );
}

/** The node behind each example's first answer that was no number; what its clean image gave goes before what an attack met. */
function locator(locate: Locate | undefined) {
  const known = new Map<number, Row["nonFinite"]>();
  const found = async (at: NotFinite): Promise<Row["nonFinite"]> => ({
    value: at.value,
    node: (await locate?.(at)) ?? null,
  });
  return {
    async clean(index: number, at: NotFinite | null) {
      if (at !== null && !known.has(index)) known.set(index, await found(at));
    },
    of: async (index: number, at: NotFinite | null) =>
      known.get(index) ?? (at === null ? undefined : found(at)),
  };
}

/** What a run ends with at one radius. */
interface Result {
  readonly epsilon: number | null;
  readonly adversarial: Tensor;
  /** Per example; null for the clean image. */
  readonly objectives: readonly (string | null)[];
}

/** Runs the attack and chooses, per radius and example, among the candidates that it left. */
async function attacked(
  { attack, name, radii }: Run,
  target: Target,
  { objective }: ResolvedOptions,
  { scoring }: Judge,
  { x, labels, indices, seed }: Batch,
): Promise<Result[]> {
  if (attack === null)
    return [{ epsilon: null, adversarial: x, objectives: labels.map(() => null) }];
  const keysAt = (epsilon: number | null) => streamOf(seed, `${name}@${epsilon}`, indices);
  const choose = async (candidates: readonly Candidate[], epsilon: number | null) => {
    const asked = { ...scoring, draws: Math.max(1, scoring.draws / 2) };
    const keys = foldAll(keysAt(epsilon), CHOOSE);
    return { epsilon, ...(await chosen(candidates, target.victim, labels, keys, asked)) };
  };
  const keys = foldAll(keysAt(attack.epsilon), ATTACK);
  if (attack.epsilon !== null)
    return [
      await choose(
        await boundedCandidates(attack, target, objective, x, labels, keys),
        attack.epsilon,
      ),
    ];
  const results: Result[] = [];
  for (const at of await minimalCandidates(attack, target, radii, x, labels, keys))
    results.push(await choose(at.candidates, at.epsilon));
  return results;
}

/** The rows of one result, without what a run knows of itself. */
async function scored(
  run: Run,
  { epsilon, adversarial, objectives }: Result,
  judge: Judge,
  { x, labels, indices, natural, seed }: Batch,
) {
  const keys = streamOf(seed, `${run.name}@${epsilon}`, indices);
  const scores = foldAll(keys, SCORE_ADVERSARIAL);
  const decided = run.attack === null ? natural : await judge.decide(adversarial, scores);
  // The same draws judge both, so that what differs between them is the rounding.
  const decided8bit = await judge.decide(rounded(adversarial), scores);
  const oneDraw = await judge.oneDraw(adversarial, labels, foldAll(keys, ONE_DRAW));
  const norms = lengths(adversarial, x);
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

/** One key per example, which says so, from the seed, its place in the data set, and what is done to it. */
function streamOf(seed: number, what: string, indices: readonly number[]): Key[] {
  const keys = keysFor(fold(keyOf(seed), nameToNumber("evaluate")), indices);
  return foldAll(owned(keys, indices), nameToNumber(what));
}
