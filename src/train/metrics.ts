import { DamagedLine, readRowLines, rowLine } from "../files/row-lines.ts";
import { type RunFiles, readText } from "../files/run/run-files.ts";
import { UsageError } from "../math/usage-error.ts";

/** One line of metrics.jsonl, about one finished epoch. */
export interface EpochMetrics {
  /** Epochs finished, from 1. */
  readonly epoch: number;
  /** Steps finished in the run. */
  readonly step: number;
  /** Mean cross-entropy on the training examples (attacked, noisy, augmented), each before its step. */
  readonly loss: number;
  /** The share of these examples classified correctly in batch mode, each before its step. */
  readonly trainAccuracy: number;
  /** The share of `testExamples` clean test images that the run's model, averaged or not, classifies correctly: to monitor training, not to report. */
  readonly testAccuracy: number;
  readonly testExamples: number;
  /** The defence's noise, drawn once per image in that check; null for none. */
  readonly testNoise: string | null;
  /** The learning rate of the epoch's last step. */
  readonly rate: number;
  /** Time spent on the steps of the epoch. */
  readonly seconds: number;
}

const FILE = "metrics.jsonl";

/** Appends one line to metrics.jsonl. */
export const appendMetrics = (files: RunFiles, metrics: EpochMetrics): Promise<void> =>
  files.append(FILE, rowLine(metrics));

/** The finished epochs of a run, in order. Ignores a truncated last line; throws `UsageError` for a damaged one. */
export async function readMetrics(files: RunFiles): Promise<EpochMetrics[]> {
  if (!(await files.list("")).includes(FILE)) return [];
  try {
    const { rows } = readRowLines(`${files.path}/${FILE}`, await readText(files, FILE));
    return rows.map(({ value }) => value as EpochMetrics);
  } catch (error) {
    if (!(error instanceof DamagedLine)) throw error;
    throw new UsageError(`${error.message}; delete that line, and resume the run`, {
      code: "bad-file",
    });
  }
}

/** Drops the lines after `epoch` epochs, so that a resumed run does not repeat them. */
export async function truncateMetrics(files: RunFiles, epoch: number): Promise<void> {
  const kept = (await readMetrics(files)).filter((line) => line.epoch <= epoch);
  await files.write(FILE, kept.map(rowLine).join(""));
}
