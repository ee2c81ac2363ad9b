import { withMaxBatch } from "../attacks/max-batch.ts";
import type { Victim } from "../attacks/victim.ts";
import type { Split } from "../data/dataset.ts";
import { StatedImages } from "../data/image-checksum.ts";
import { foldAll } from "../math/random.ts";
import { rows as rowsBetween, type Tensor } from "../math/tensor.ts";
import { checkOptions } from "./check.ts";
import { type RememberingVictim, rememberingClean } from "./clean-answers.ts";
import { deployed, type EvaluatedModel } from "./evaluated-model.ts";
import { groupSize } from "./groups.ts";
import { EVERY_IMAGE, type ImageRange } from "./image-range.ts";
import { type Judge, judgeOf } from "./judge.ts";
import { gradientLossOf, NonFiniteLocator } from "./non-finite-locator.ts";
import { type EvaluateOptions, type ResolvedOptions, resolved } from "./options.ts";
import type { Row } from "./row.ts";
import { type AttackedBatch, runAttack, scoreResult } from "./run-attack.ts";
import { type CustomAttacks, type Run, rowName, runsOf } from "./runs.ts";
import { noneSpared, type Spares, sparedRows } from "./spared.ts";
import { CLEAN_GRADIENT, SCORE_CLEAN, streamOf } from "./streams.ts";
import { brokenName, isBroken } from "./survivors.ts";
import { watched } from "./watched.ts";

/** One finished row with its images, each [1, channel, height, width] with pixels in [0, 1]. */
export interface Scored {
  readonly row: Row;
  readonly original: Tensor;
  readonly adversarial: Tensor;
  /** Whether this row is the last of its run. The rows of one run are yielded together, without computation in between. */
  readonly last: boolean;
}

/** The test images, and the name of the data set in rows. */
interface TestData {
  readonly name: string;
  readonly test: Split;
}

/**
 * Attacks the first `examples` test images and yields one row per example, attack, radius and number of EOT draws, run by run.
 * Rows named in `finished` (see `rowName`) are left out. Under `skipBroken`, so are examples that an earlier run broke, before
 * (`broken`, see `brokenBy`) or during this evaluation. Examples that `spares` selects get a row without an attack.
 * Images outside `range` are left out. `docs/evaluating.md` explains the protocols. Throws `UsageError` for options that do
 * not fit the model or the images.
 */
export async function* scoreAttacks(
  evaluated: EvaluatedModel,
  data: TestData,
  options: EvaluateOptions,
  finished: ReadonlySet<string> = new Set(),
  broken: ReadonlyMap<string, number> = new Map(),
  customAttacks?: CustomAttacks,
  spares: Spares = noneSpared,
  range: ImageRange = EVERY_IMAGE,
): AsyncGenerator<Scored, void, void> {
  const evaluation = new Evaluation(evaluated, data, resolved(options), customAttacks);
  yield* evaluation.scored(finished, broken, spares, range);
}

/** The rows that a run must produce. */
interface Wanted {
  readonly batchOf: (indices: readonly number[]) => AttackedBatch;
  readonly locator: NonFiniteLocator;
  readonly isWanted: (index: number, epsilon: number | null) => boolean;
  readonly spares: Spares;
}

/** One evaluation: the model, the data and the runs. */
class Evaluation {
  private readonly evaluated: EvaluatedModel;
  private readonly data: TestData;
  private readonly options: ResolvedOptions;
  private readonly randomised: boolean;
  private readonly runs: readonly Run[];
  /** The network without noise, and the deployed classifier. */
  private readonly network: RememberingVictim;
  private readonly victim: Victim;
  private readonly judge: Judge;
  private readonly images: StatedImages;

  constructor(
    evaluated: EvaluatedModel,
    data: TestData,
    options: ResolvedOptions,
    customAttacks: CustomAttacks | undefined,
  ) {
    this.evaluated = evaluated;
    this.data = data;
    this.options = options;
    this.randomised = evaluated.noise !== null;
    const context = { randomised: this.randomised, customAttacks };
    checkOptions(options, { ...context, shape: data.test.images([0]).shape.slice(1) });
    this.runs = runsOf(options, context);
    this.network = rememberingClean(watched(withMaxBatch(evaluated.network, options.batch)));
    this.victim = deployed(evaluated, this.network);
    const { network, victim, randomised } = this;
    this.images = new StatedImages(data.test);
    this.judge = judgeOf(options, { network, victim, randomised });
  }

  async *scored(
    finished: ReadonlySet<string>,
    brokenBefore: ReadonlyMap<string, number>,
    spares: Spares,
    range: ImageRange,
  ): AsyncGenerator<Scored, void, void> {
    const { options } = this;
    const count = Math.min(options.examples, this.data.test.size, range.to);
    const group = groupSize(options, this.randomised, this.runs);
    const broken = new Map(options.skipBroken ? brokenBefore : []);
    // A row of an earlier run may be missing, so it is not enough that some run broke the example.
    const isSkipped = (place: number, name: string) => (broken.get(name) ?? place) < place;
    const isPending = (run: Run, place: number, index: number, epsilon: number | null) =>
      !finished.has(rowName({ index, attack: run.name, epsilon, eot: run.eot })) &&
      !isSkipped(place, brokenName({ index, norm: run.norm, epsilon }));
    for (let from = range.from; from < count; from += group) {
      const all = Array.from({ length: Math.min(group, count - from) }, (_, i) => from + i);
      const locator = new NonFiniteLocator(this.evaluated.locate);
      let clean: number[][] | null = null;
      for (const [place, run] of this.runs.entries()) {
        const isWanted = (index: number, epsilon: number | null) =>
          isPending(run, place, index, epsilon);
        const indices = all.filter((index) =>
          run.radii.some((epsilon) => isWanted(index, epsilon)),
        );
        if (indices.length === 0) continue;
        const started = performance.now();
        clean ??= await this.decideClean(all, locator);
        const batchOf = (some: readonly number[]) =>
          this.batchOf(
            some,
            some.map((index) => clean?.[index - from] ?? []),
          );
        const rows = await this.sparingRowsOf(run, indices, { batchOf, locator, isWanted, spares });
        const seconds = (performance.now() - started) / 1000 / rows.length;
        if (options.skipBroken)
          for (const { row } of rows)
            if (isBroken(row) && !broken.has(brokenName(row))) broken.set(brokenName(row), place);
        for (const [i, { row, original, adversarial }] of rows.entries())
          yield { row: { ...row, seconds }, original, adversarial, last: i === rows.length - 1 };
      }
    }
  }

  /** The decisions on the clean images, [examples][decisions]. Also queries their gradients once, see `gradientLossOf`. */
  private async decideClean(
    indices: readonly number[],
    locator: NonFiniteLocator,
  ): Promise<number[][]> {
    const { network, judge } = this;
    const { test } = this.data;
    const keys = streamOf(this.options.seed, "clean", indices);
    const decided = await judge.decide(test.images(indices), foldAll(keys, SCORE_CLEAN));
    const kind = this.randomised ? null : gradientLossOf(this.runs);
    if (kind !== null) {
      const labels = indices.map((index) => Number(test.labels[index]));
      const x = test.images(indices);
      const gradientKeys = foldAll(keys, CLEAN_GRADIENT);
      const answer = await network.lossAndGradient(x, { kind, labels }, gradientKeys);
      if (kind === "margin") network.remember(x, labels, gradientKeys, answer);
    }
    for (const [index, { notFinite }] of network.take()) await locator.addClean(index, notFinite);
    return decided;
  }

  private batchOf(
    indices: readonly number[],
    natural: readonly (readonly number[])[],
  ): AttackedBatch {
    const { test } = this.data;
    return {
      indices,
      natural,
      seed: this.options.seed,
      x: test.images(indices),
      labels: indices.map((index) => Number(test.labels[index])),
    };
  }

  /** The requested rows of a run: rows of attacked examples, and of spared examples. */
  private async sparingRowsOf(
    run: Run,
    indices: readonly number[],
    { batchOf, locator, isWanted, spares }: Wanted,
  ): Promise<Scored[]> {
    const isSpared = (index: number, epsilon: number | null) =>
      spares({ index, attack: run.name, norm: run.norm, epsilon });
    const isAttacked = (index: number, epsilon: number | null) =>
      isWanted(index, epsilon) && !isSpared(index, epsilon);
    const attacked = indices.filter((index) => run.radii.some((at) => isAttacked(index, at)));
    const rows =
      attacked.length === 0 ? [] : await this.rowsOf(run, batchOf(attacked), locator, isAttacked);
    const spared = indices.filter((index) =>
      run.radii.some((at) => isWanted(index, at) && isSpared(index, at)),
    );
    if (spared.length === 0) return rows;
    const batch = batchOf(spared);
    const found = await sparedRows(run, this.judge, batch);
    this.network.take();
    const own = found.filter(
      ({ index, epsilon }) => isWanted(index, epsilon) && isSpared(index, epsilon),
    );
    return rows.concat(
      own.map((score) => {
        const i = spared.indexOf(score.index);
        const image = rowsBetween(batch.x, i, i + 1);
        return {
          row: this.rowOf(score, 0, undefined),
          original: image,
          adversarial: image,
          last: false,
        };
      }),
    );
  }

  /** Attacks a batch and returns the requested rows, one per example and radius, without the time taken. */
  private async rowsOf(
    run: Run,
    batch: AttackedBatch,
    locator: NonFiniteLocator,
    isWanted: (index: number, epsilon: number | null) => boolean,
  ): Promise<Scored[]> {
    const { network, victim, randomised, options, judge } = this;
    const target = { network, victim, randomised, eot: run.eot, batch: options.batch };
    const results = await runAttack(run, target, options, judge, batch);
    const attackAnswers = network.take();
    const rows: Scored[] = [];
    for (const result of results) {
      const scores = await scoreResult(run, result, judge, batch);
      const scoringAnswers = network.take();
      for (const [i, score] of scores.entries()) {
        if (!isWanted(score.index, score.epsilon)) continue;
        const { queries = 0, notFinite = null } = attackAnswers.get(score.index) ?? {};
        const first = notFinite ?? scoringAnswers.get(score.index)?.notFinite ?? null;
        const nonFinite = await locator.of(score.index, first);
        rows.push({
          row: this.rowOf(score, queries, nonFinite),
          original: rowsBetween(batch.x, i, i + 1),
          adversarial: rowsBetween(result.adversarial, i, i + 1),
          last: false,
        });
      }
    }
    return rows;
  }

  private rowOf(
    score: Awaited<ReturnType<typeof scoreResult>>[number],
    queries: number,
    nonFinite: Row["nonFinite"],
  ): Row {
    const { model, defense } = this.evaluated;
    const { protocol, seed } = this.options;
    const { files } = this.data.test;
    const common = { model, defense, data: this.data.name, protocol, seed };
    const file = files === undefined ? {} : { file: files[score.index] };
    const image = this.images.checksum(score.index);
    return { ...common, ...file, image, ...score, queries, nonFinite, seconds: 0 };
  }
}
