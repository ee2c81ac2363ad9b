import { counted, runBounded } from "../attacks/harness.ts";
import type { Split } from "../data/dataset.ts";
import { withEot } from "../defenses/with-eot.ts";
import { fold, foldAll, type Key, keyOf, keysFor, nameToNumber } from "../math/random.ts";
import { rowSize, rows as rowsBetween, type Tensor, takeRows } from "../math/tensor.ts";
import { type Cell, cellsOf, checkOptions, type EvaluateOptions } from "./options.ts";
import type { Row } from "./row.ts";
import { mostFrequent, ruleNamed } from "./rule.ts";
import { decisions, rounded, type Scoring, shareOf } from "./score.ts";
import { deployed, type Subject } from "./subject.ts";

/** One finished row with its pictures, each [1, channel, height, width]. */
export interface Scored {
  readonly row: Row;
  readonly original: Tensor;
  readonly adversarial: Tensor;
  /** Whether its run ends with it: rows of one run come together, and nothing is computed between them. */
  readonly last: boolean;
}

/** What makes a row unique in a file. */
export const rowName = ({ index, attack, epsilon }: Pick<Row, "index" | "attack" | "epsilon">) =>
  `${index} ${attack} ${epsilon}`;

/** The number of rows that an evaluation ends with. */
export const rowCount = (options: EvaluateOptions, { size }: Split): number =>
  Math.min(options.examples, size) * cellsOf(options).length;

// What is drawn for an example, each in a stream of its own, so that no attack sees the draws it is scored on.
const ATTACK = 0;
const SCORE_CLEAN = 1;
const SCORE_ADVERSARIAL = 2;

/**
 * Attacks the first `examples` test images and yields one row per example and attack, in batches; rows whose
 * name is in `finished` are passed over. Randomised models follow the sound protocol: attacks average over
 * `eot` draws per step, and rows are scored on `draws` fresh ones, half of them to choose the worst attack.
 */
export async function* evaluate(
  subject: Subject,
  data: { readonly name: string; readonly test: Split },
  options: EvaluateOptions,
  finished: ReadonlySet<string> = new Set(),
): AsyncGenerator<Scored, void, void> {
  const { test, name: dataName } = data;
  const cells = cellsOf(options);
  const count = Math.min(options.examples, test.size);
  const randomised = subject.noise !== null;
  checkOptions(options, { randomised, pixels: rowSize(test.images([0])) });
  const scoring: Scoring = randomised
    ? { rule: ruleNamed(options.rule), draws: options.draws, batch: options.batch }
    : { rule: ruleNamed("single"), draws: 1, batch: options.batch };
  const eot = randomised ? options.eot : 1;
  const network = counted(subject.network);
  const victim = deployed(subject, network);
  const averaged = randomised ? withEot(victim, eot, options.batch) : victim;

  // Each example of a randomised model fills `eot` places of a run: with fewer examples at once, rows come sooner.
  const group = Math.max(1, Math.floor(options.batch / eot));

  for (let from = 0; from < count; from += group) {
    const all = Array.from({ length: Math.min(group, count - from) }, (_, i) => from + i);
    let clean: number[][] | null = null;
    for (const cell of cells) {
      const { attack, name, epsilon } = cell;
      const indices = all.filter(
        (index) => !finished.has(rowName({ index, attack: name, epsilon })),
      );
      if (indices.length === 0) continue;
      const started = performance.now();
      const asked = network.queries();
      const x = test.images(indices);
      const labels = indices.map((index) => Number(test.labels[index]));
      const keys = cellKeys(options.seed, cell, indices);
      const perturbed =
        attack === null
          ? null
          : await runBounded(attack, averaged, x, labels, foldAll(keys, ATTACK));
      const { forwards, gradients } = network.queries();
      const queries = forwards - asked.forwards + gradients - asked.gradients;
      const adversarial = perturbed?.adversarial ?? x;

      const judge = (images: Tensor, stream: number) =>
        decisions(victim, images, foldAll(keys, stream), scoring);
      clean ??= await cleanDecisions(victim, test, options.seed, all, scoring);
      const decided = perturbed === null ? null : await judge(adversarial, SCORE_ADVERSARIAL);
      // The same draws judge both, so that what differs between them is the rounding.
      const decided8bit = await judge(rounded(adversarial), SCORE_ADVERSARIAL);
      const seconds = (performance.now() - started) / 1000;

      for (const [i, index] of indices.entries()) {
        const label = labels[i];
        const natural = clean[index - from];
        const final = decided?.[i] ?? natural;
        const row: Row = {
          model: subject.model,
          defense: subject.defense,
          data: dataName,
          index,
          label,
          prediction: mostFrequent(natural),
          adversarialPrediction: mostFrequent(final),
          attack: name,
          norm: attack?.norm ?? null,
          epsilon,
          objective: attack === null ? null : randomised ? options.objective : "ce",
          eot,
          restarts: attack === null ? 0 : options.restarts,
          steps: attack === null ? 0 : options.steps,
          protocol: options.protocol,
          rule: scoring.rule.name,
          seed: options.seed,
          clean: shareOf(natural, label),
          correct: shareOf(scoringHalf(final), label),
          correctChoose: shareOf(choosingHalf(final), label),
          majority: mostFrequent(final) === label ? 1 : 0,
          correct8bit: shareOf(scoringHalf(decided8bit[i]), label),
          linf: perturbed?.linf[i] ?? 0,
          l2: perturbed?.l2[i] ?? 0,
          l1: perturbed?.l1[i] ?? 0,
          draws: scoring.draws,
          queries: queries / indices.length,
          seconds: seconds / indices.length,
        };
        yield {
          row,
          original: rowsBetween(x, i, i + 1),
          adversarial: takeRows(adversarial, [i]),
          last: i === indices.length - 1,
        };
      }
    }
  }
}

/** The decisions that choose the worst attack of an example; the only one of a deterministic model. */
const choosingHalf = (all: readonly number[]) => all.slice(0, Math.ceil(all.length / 2));

/** The others, which score it. */
const scoringHalf = (all: readonly number[]) =>
  all.length === 1 ? all : all.slice(Math.ceil(all.length / 2));

/** One key per example, from the seed, its place in the data set, and the attack at its radius. */
const cellKeys = (seed: number, { name, epsilon }: Cell, indices: readonly number[]): Key[] =>
  foldAll(exampleKeys(seed, indices), nameToNumber(`${name}@${epsilon}`));

const exampleKeys = (seed: number, indices: readonly number[]): Key[] =>
  keysFor(fold(keyOf(seed), nameToNumber("evaluate")), indices);

/** Decisions on the clean images: the same draws whatever the attacks are. */
const cleanDecisions = (
  victim: Parameters<typeof decisions>[0],
  test: Split,
  seed: number,
  indices: readonly number[],
  scoring: Scoring,
) =>
  decisions(
    victim,
    test.images(indices),
    foldAll(foldAll(exampleKeys(seed, indices), nameToNumber("clean")), SCORE_CLEAN),
    scoring,
  );
