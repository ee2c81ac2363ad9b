import { DamagedLine, readRowLines, rowLine } from "../files/row-lines.ts";
import { type RunFiles, readText } from "../files/run/run-files.ts";
import { UsageError } from "../math/usage-error.ts";

/** One line of metrics.jsonl: one finished epoch. */
export interface EpochMetrics {
  /** Epochs finished, from 1. */
  readonly epoch: number;
  /** Steps done since the run began. */
  readonly step: number;
  /** Mean cross-entropy on the examples trained on (attacked, noisy, augmented), each before its step. */
  readonly loss: number;
  /** Share of those examples that was classified correctly, before the step and in batch mode. */
  readonly trainAccuracy: number;
  /** Share of `testExamples` clean test images, evenly spaced over the split, classified correctly; for watching, not for reporting. */
  readonly testAccuracy: number;
  readonly testExamples: number;
  /** Noise drawn once per image in that check, as the defence prescribes; null for none. */
  readonly testNoise: string | null;
  /** The learning rate of the epoch's last step. */
  readonly rate: number;
  /** Time spent on the epoch's steps. */
  readonly seconds: number;
}

const FILE = "metrics.jsonl";

/** Adds one line. */
export const appendMetrics = (files: RunFiles, metrics: EpochMetrics): Promise<void> =>
  files.append(FILE, rowLine(metrics));

/** The finished epochs of a run, in order; a last line that was cut off is passed over, a damaged one is a UsageError. */
export async function readMetrics(files: RunFiles): Promise<EpochMetrics[]> {
  if (!(await files.list("")).includes(FILE)) return [];
  try {
    const { rows } = readRowLines(`${files.path}/${FILE}`, await readText(files, FILE));
    return rows.map(({ value }) => value as EpochMetrics);
  } catch (error) {
    if (!(error instanceof DamagedLine)) throw error;
    throw new UsageError(`${error.message}; delete that line, and resume the run`);
  }
}

/** Drops the lines after `epoch`, so that a resumed run writes none of them twice. */
export async function truncateMetrics(files: RunFiles, epoch: number): Promise<void> {
  const kept = (await readMetrics(files)).filter((line) => line.epoch <= epoch);
  await files.write(FILE, kept.map(rowLine).join(""));
}
