// The checks on validation images of a run, one line each in validation.jsonl, and what follows from them.
import { readRowLines, rowLine } from "../files/row-lines.ts";
import { type RunFiles, readText } from "../files/run/run-files.ts";
import { isGuessing } from "../math/statistics.ts";
import type { Refinements } from "./refinements.ts";
import type { Accuracy } from "./validation.ts";

/** One line of validation.jsonl. */
export interface ValidationRow extends Accuracy {
  /** Steps finished in the run; 0 is the model before training. */
  readonly step: number;
  /** Epochs finished, with the finished share of the next one. */
  readonly epoch: number;
  readonly examples: number;
  /** Whether `robust` is the share that the defence's bounds prove; absent if it is that under attack. */
  readonly proven?: true;
}

/**
 * Why a run stops before its last epoch, at its best checkpoint. After a divergence, or if its time is over, not all of the work is
 * done.
 */
export interface Verdict {
  readonly reason: "clean-loss" | "overfitting" | "patience" | "diverged" | "time";
  readonly message: string;
}

const FILE = "validation.jsonl";

/** The rows of a run whose steps are kept; a resumed run takes the others again. */
export async function restoredRows(
  files: RunFiles,
  isKept: (step: number) => boolean,
): Promise<ValidationRow[]> {
  if (!(await files.list("")).includes(FILE)) return [];
  const { rows } = readRowLines(`${files.path}/${FILE}`, await readText(files, FILE));
  const kept = rows.map(({ value }) => value as ValidationRow).filter(({ step }) => isKept(step));
  await files.write(FILE, kept.map(rowLine).join(""));
  return kept;
}

/** Appends a row. */
export const appendRow = (files: RunFiles, row: ValidationRow): Promise<void> =>
  files.append(FILE, rowLine(row));

/** Whether accuracy on clean images has fallen too far since the first row. */
const losesClean = ({ clean }: Accuracy, first: Accuracy, { maxCleanLoss }: Refinements): boolean =>
  maxCleanLoss !== undefined && first.clean - clean > maxCleanLoss + 1e-9;

/** What rows are compared by. */
export interface Comparing extends Refinements {
  /** The share of the validation images that are right if the answer is always their most frequent class; 0 if not known. */
  readonly guessed?: number;
  /** Steps after which neither the rate nor radii grow any more; by default 0. */
  readonly settled?: number;
}

/** Whether always answering the same class is as good, on clean images: then no attack finds anything to break. */
export const isChance = ({ clean, examples }: ValidationRow, { guessed = 0 }: Comparing): boolean =>
  isGuessing(clean, guessed, examples);

/**
 * The best row: one that is better than chance, then the highest accuracy under attack, then the highest clean one, then the
 * earliest. Undefined without rows.
 */
export function bestRow(
  rows: readonly ValidationRow[],
  options: Comparing,
): ValidationRow | undefined {
  const [first] = rows;
  let best = first;
  for (const row of rows) {
    if (losesClean(row, first, options)) continue;
    const order = [
      Number(isChance(best, options)) - Number(isChance(row, options)),
      row.robust - best.robust,
      row.clean - best.clean,
    ];
    if ((order.find((difference) => difference !== 0) ?? 0) > 0) best = row;
  }
  return best;
}

/** A fall of accuracy under attack within half an epoch that no healthy run shows. */
const COLLAPSE = 0.2;

/** The two-sided 99 % quantile of the normal distribution. */
const QUANTILE = 2.576;

/**
 * Whether accuracy under attack has fallen so far from one check to another, and not by chance: by the interval of Agresti &
 * Caffo 2000 (The American Statistician 54:280), which adds one image of each kind to both checks.
 */
function hasCollapsed(from: ValidationRow, to: ValidationRow): boolean {
  if (from.robust - to.robust < COLLAPSE - 1e-9) return false;
  const [a, b] = [from, to].map(({ robust, examples }) => {
    const share = (robust * examples + 1) / (examples + 2);
    return { share, variance: (share * (1 - share)) / (examples + 2) };
  });
  return a.share - b.share > QUANTILE * Math.sqrt(a.variance + b.variance);
}

/**
 * The check since which the accuracy under attack has collapsed: the last one or the one before it; undefined if it has not. The
 * training of a robust file may cost it some accuracy at first, which comes back. So the model before training counts only if
 * less than half of its accuracy is left at two checks.
 */
function beforeCollapse(rows: readonly ValidationRow[]): ValidationRow | undefined {
  const [earlier, before, last] = [rows.at(-3), rows.at(-2), rows.at(-1)];
  if (last === undefined || before === undefined) return undefined;
  if (before.step > 0 && hasCollapsed(before, last)) return before;
  if (earlier === undefined || last.robust > before.robust || !hasCollapsed(earlier, last))
    return undefined;
  const isLost = ({ robust }: ValidationRow) => robust < earlier.robust / 2;
  return earlier.step > 0 || (isLost(before) && isLost(last)) ? earlier : undefined;
}

/** A share of validation images for a reader: `56.1 %`. */
export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/**
 * Whether accuracy on clean images stays too low: at all checks of an epoch after the rate and the radii have grown, without a
 * rise from the first to the last. A dip that passes costs nothing, since `bestRow` never takes a row below the limit.
 */
function staysBelow(rows: readonly ValidationRow[], options: Comparing): boolean {
  const [first, last] = [rows[0], rows[rows.length - 1]];
  const since = rows.findLastIndex(({ epoch }) => epoch <= last.epoch - 1 + 1e-9);
  if (since < 0 || rows[since].step < (options.settled ?? 0)) return false;
  const isBelow = rows.slice(since).every((row) => losesClean(row, first, options));
  return isBelow && last.clean <= rows[since].clean;
}

/** Why the run stops after the newest row; null if it continues. `oneStep` watches for catastrophic overfitting. */
export function verdictOn(
  rows: readonly ValidationRow[],
  options: Comparing,
  oneStep: boolean,
): Verdict | null {
  const [first, last] = [rows[0], rows.at(-1)];
  if (last === undefined) return null;
  const high = oneStep ? beforeCollapse(rows) : undefined;
  if (high !== undefined)
    return {
      reason: "overfitting",
      message: `accuracy under PGD fell from ${percent(high.robust)} to ${percent(last.robust)} of ${last.examples} validation images within a part of an epoch: catastrophic overfitting, which training with one-step attacks is prone to; a smaller --rate, a smaller radius or more noise avoids it`,
    };
  if (staysBelow(rows, options))
    return {
      reason: "clean-loss",
      message: `accuracy on clean validation images fell from ${percent(first.clean)} to ${percent(last.clean)}, more than --max-clean-loss ${options.maxCleanLoss} allows, and has not risen for an epoch`,
    };
  const best = bestRow(rows, options);
  const since = last.epoch - (best?.epoch ?? 0);
  if (options.patience !== undefined && since >= options.patience)
    return {
      reason: "patience",
      message: `no better checkpoint for ${options.patience} epochs (--patience)`,
    };
  return null;
}
