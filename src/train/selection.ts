// Chooses the checkpoint that becomes a run's model, by its accuracy on validation images.
import type { BoundedAttack } from "../attacks/victim.ts";
import type { Split } from "../data/dataset.ts";
import { type LossObjective, replacesExamples } from "../defenses/objective.ts";
import type { Defense } from "../defenses/table.ts";
import type { Position } from "../models/opening/checkpoint.ts";
import { keepChosen, saveChosen, withWriteErrors } from "../models/opening/checkpoints.ts";
import type { TrainEvent } from "./events.ts";
import { type Plan, settledStep } from "./plan.ts";
import { provenShare } from "./proven-share.ts";
import { exampleKeys } from "./streams.ts";
import type { Training } from "./training.ts";
import type { TrainingRun } from "./training-run.ts";
import { isOneStep, validate, validationAttacks } from "./validation.ts";
import {
  appendRow,
  bestRow,
  type Comparing,
  isChance,
  percent,
  restoredRows,
  type ValidationRow,
  type Verdict,
  verdictOn,
} from "./validation-record.ts";

const provenMarginOf = ({ objective }: Defense): LossObjective["provenMargin"] =>
  replacesExamples(objective) ? undefined : objective.provenMargin;

/** Checks per epoch of a defence whose one-step attacks can overfit within a part of one. */
const ONE_STEP_CHECKS = 4;

/** The largest number of checks in one epoch. */
export const checksPerEpoch = (defense: Defense): number =>
  isOneStep(defense) ? ONE_STEP_CHECKS : 1;

/** Whether a check belongs after this many steps of an epoch; 0 is the start of the run, or the end of an epoch. */
function isCheckDue(defense: Defense, stepsPerEpoch: number, stepInEpoch: number): boolean {
  const between = Math.ceil(stepsPerEpoch / checksPerEpoch(defense));
  return stepInEpoch === stepsPerEpoch || stepInEpoch % between === 0;
}

/** The share of the most frequent class. */
function largestShare({ labels, size }: Split): number {
  const counts = new Map<number, number>();
  for (const label of Array.from(labels)) counts.set(label, (counts.get(label) ?? 0) + 1);
  return Math.max(...counts.values()) / size;
}

/** The checks of a run on its validation images. */
export class Selection {
  readonly #training: Training;
  readonly #split: Split;
  readonly #attacks: readonly BoundedAttack[];
  readonly #isOneStep: boolean;
  readonly #stepsPerEpoch: number;
  readonly #rows: ValidationRow[];
  readonly #comparing: Comparing;

  private constructor(training: Training, split: Split, plan: Plan, rows: ValidationRow[]) {
    this.#training = training;
    this.#split = split;
    const isProven = provenMarginOf(training.defense) !== undefined;
    this.#attacks = isProven ? [] : validationAttacks(training.defense, training.options);
    this.#isOneStep = isOneStep(training.defense);
    this.#stepsPerEpoch = plan.stepsPerEpoch;
    this.#rows = rows;
    this.#comparing = Object.assign({}, training.options, {
      guessed: largestShare(split),
      settled: settledStep(plan, training.options),
    });
  }

  /**
   * Goes back to `step` steps of the run; null for a training without validation images. A check that was not due, since the run
   * had ended there, is forgotten: the resumed run has the same checks as one that never ended.
   */
  static async open(training: Training, plan: Plan, step: number): Promise<Selection | null> {
    const { validation, files, defense } = training;
    if (validation === undefined) return null;
    const isKept = (checked: number) =>
      checked <= step && isCheckDue(defense, plan.stepsPerEpoch, checked % plan.stepsPerEpoch);
    await keepChosen(files, isKept);
    return new Selection(training, validation, plan, await restoredRows(files, isKept));
  }

  /** Why the run stops; null if it continues. */
  get verdict(): Verdict | null {
    return verdictOn(this.#rows, this.#comparing, this.#isOneStep);
  }

  /** The check of the checkpoint that is the run's model so far. */
  get best(): ValidationRow | undefined {
    return bestRow(this.#rows, this.#comparing);
  }

  /** Whether a checkpoint of the training is better than the model before it. */
  get hasImproved(): boolean {
    return (this.best?.step ?? 0) > 0;
  }

  /** What is wrong with that checkpoint, for a warning; undefined if nothing is. */
  get problem(): string | undefined {
    const { best } = this;
    if (best?.step === 0)
      return "no checkpoint was better on the validation images than the model before training, which is therefore the result; train longer, or at another --rate";
    if (best === undefined || !isChance(best, this.#comparing)) return undefined;
    return `the best checkpoint has ${percent(best.clean)} of ${best.examples} clean validation images right, which always answering one class may reach as well; train longer, at another --rate, or with more --validation images`;
  }

  /** Whether a check is due at a position and has not been done. One is always due at the end of a run. */
  isDue({ step, stepInEpoch }: Position, isEnd = false): boolean {
    if (this.#rows.at(-1)?.step === step) return false;
    return isEnd || isCheckDue(this.#training.defense, this.#stepsPerEpoch, stepInEpoch);
  }

  /** The share that the bounds of the defence prove, which then chooses the checkpoint; nothing for other defences. */
  async #proven(run: TrainingRun): Promise<Partial<ValidationRow>> {
    const { defense, runtime, architecture } = this.#training;
    const provenMargin = provenMarginOf(defense);
    if (provenMargin === undefined) return {};
    const { state } = await run.modelCheckpoint();
    const share = await provenShare(
      runtime,
      architecture,
      provenMargin,
      state.parameters,
      this.#split,
    );
    return { robust: share, proven: true };
  }

  /** Checks the model of a run and saves it if it is the best so far. */
  async check(run: TrainingRun): Promise<TrainEvent> {
    const { defense, options, files } = this.#training;
    const { step, epoch, stepInEpoch } = run.position;
    const proven = await this.#proven(run);
    const model = await run.model();
    const accuracy = await validate(model, defense, this.#attacks, this.#split, (indices) =>
      exampleKeys(options.seed, "validation", 0, indices),
    );
    const row: ValidationRow = Object.assign(accuracy, proven, {
      step,
      epoch: epoch + stepInEpoch / this.#stepsPerEpoch,
      examples: this.#split.size,
    });
    this.#rows.push(row);
    const best = this.best === row;
    if (best) await saveChosen(files, await run.modelCheckpoint());
    // The line last: a run killed in between takes the check again.
    await withWriteErrors(files, appendRow(files, row));
    return Object.assign({ event: "validation" as const, best }, row);
  }
}
