// Chooses the checkpoint that becomes a run's model, by its accuracy on validation images.
import type { BoundedAttack } from "../attacks/victim.ts";
import type { Split } from "../data/dataset.ts";
import type { Position } from "../models/opening/checkpoint.ts";
import { removeChosenAfter, saveChosen, withWriteErrors } from "../models/opening/checkpoints.ts";
import type { TrainEvent } from "./events.ts";
import type { Plan } from "./plan.ts";
import { exampleKeys } from "./streams.ts";
import type { Training } from "./training.ts";
import type { TrainingRun } from "./training-run.ts";
import { isOneStep, validate, validationAttacks } from "./validation.ts";
import {
  appendRow,
  bestRow,
  restoredRows,
  type ValidationRow,
  type Verdict,
  verdictOn,
} from "./validation-record.ts";

/** Checks per epoch of a defence whose one-step attacks can overfit within a part of one. */
const ONE_STEP_CHECKS = 4;

/** The checks of a run on its validation images. */
export class Selection {
  readonly #training: Training;
  readonly #split: Split;
  readonly #attacks: readonly BoundedAttack[];
  readonly #isOneStep: boolean;
  readonly #stepsPerEpoch: number;
  readonly #rows: ValidationRow[];

  private constructor(training: Training, split: Split, plan: Plan, rows: ValidationRow[]) {
    this.#training = training;
    this.#split = split;
    this.#attacks = validationAttacks(training.defense, training.options);
    this.#isOneStep = isOneStep(training.defense);
    this.#stepsPerEpoch = plan.stepsPerEpoch;
    this.#rows = rows;
  }

  /** Goes back to `step` steps of the run; null for a training without validation images. */
  static async open(training: Training, plan: Plan, step: number): Promise<Selection | null> {
    const { validation, files } = training;
    if (validation === undefined) return null;
    await removeChosenAfter(files, step);
    return new Selection(training, validation, plan, await restoredRows(files, step));
  }

  /** Why the run stops; null if it goes on. */
  get verdict(): Verdict | null {
    return verdictOn(this.#rows, this.#training.options, this.#isOneStep);
  }

  /** The check of the checkpoint that is the run's model so far. */
  get best(): ValidationRow | undefined {
    return bestRow(this.#rows, this.#training.options);
  }

  /** Whether a check is due at a position and has not been done. */
  isDue({ step, stepInEpoch }: Position): boolean {
    if (this.#rows.at(-1)?.step === step) return false;
    const between = Math.ceil(this.#stepsPerEpoch / (this.#isOneStep ? ONE_STEP_CHECKS : 1));
    return step === 0 || stepInEpoch === this.#stepsPerEpoch || stepInEpoch % between === 0;
  }

  /** Checks the model of a run and saves it if it is the best so far. */
  async check(run: TrainingRun): Promise<TrainEvent> {
    const { defense, options, files } = this.#training;
    const { step, epoch, stepInEpoch } = run.position;
    const model = await run.model();
    const accuracy = await validate(model, defense, this.#attacks, this.#split, (indices) =>
      exampleKeys(options.seed, "validation", 0, indices),
    );
    const row: ValidationRow = Object.assign(accuracy, {
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
