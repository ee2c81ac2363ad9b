// Checks that two results have the same images, so that they can be paired.
import { UsageError } from "../math/usage-error.ts";
import type { Evaluation } from "./evaluation.ts";
import { listed } from "./format.ts";

type Row = Evaluation["rows"][number];

/** A test image that both results have. */
interface Pair {
  readonly before: Row;
  readonly after: Row;
}

const misfit = (message: string, next: string) => new UsageError(message, { code: "misfit", next });

const spanOf = (images: ReadonlyMap<number, unknown>): string =>
  `${Math.min(...images.keys())} to ${Math.max(...images.keys())}`;

const hasOtherFile = ({ before, after }: Pair): boolean =>
  before.file !== undefined && after.file !== undefined && before.file !== after.file;

const isOther = (pair: Pair): boolean =>
  pair.before.label !== pair.after.label || hasOtherFile(pair);

const what = ({ label, file }: Row): string =>
  `label ${label}${file === undefined ? "" : ` (${file})`}`;

/** Maps each label before to the label after; null if the labels do not correspond one to one. */
function permutationOf(pairs: readonly Pair[]): ReadonlyMap<number, number> | null {
  const found = new Map<number, number>();
  for (const { before, after } of pairs) {
    if ((found.get(before.label) ?? after.label) !== after.label) return null;
    found.set(before.label, after.label);
  }
  return new Set(found.values()).size === found.size ? found : null;
}

/** Rows of both results by the file of their image; null unless all rows have a file and the files are the same. */
function pairsByFile(before: Iterable<Row>, after: Iterable<Row>): readonly Pair[] | null {
  const others = new Map([...after].map((row) => [row.file, row]));
  const pairs = [...before].map((row) => ({ before: row, after: others.get(row.file) }));
  const isWhole = pairs.every(({ before: { file }, after: other }) => file !== undefined && other);
  return isWhole && others.size === pairs.length ? (pairs as Pair[]) : null;
}

const isOtherOrder = (permutation: ReadonlyMap<number, number>): boolean =>
  [...permutation].some(([before, after]) => before !== after);

/** How labels changed, for a message: `0 before is 1 after`. */
function moves(permutation: ReadonlyMap<number, number>): string {
  const moved = [...permutation].filter(([before, after]) => before !== after);
  const shown = moved.slice(0, 3).map(([before, after]) => `${before} before is ${after} after`);
  return moved.length > shown.length ? `${shown.join(", ")}, …` : listed(shown);
}

/** The difference between two results whose images are not all the same. */
function difference(pairs: readonly Pair[], byFile: readonly Pair[] | null): UsageError {
  const matched = byFile ?? (pairs.some(hasOtherFile) ? null : pairs);
  const permutation = matched === null ? null : permutationOf(matched);
  const isMoved = permutation !== null && isOtherOrder(permutation);
  if (isMoved && permutation.size > 1)
    return misfit(
      `the classes are in another order${byFile === null ? ", or the images are others" : ""}: label ${moves(permutation)}`,
      "run both with the classes in the same order",
    );
  if (byFile !== null && !isMoved)
    return misfit(
      "both results are of the same files, but in another order",
      "run both on the same data",
    );
  const { before, after } = pairs.find(isOther) ?? pairs[0];
  return misfit(
    `test image ${before.index} is not the same in both results: ${what(before)} before, ${what(after)} after`,
    "run both on the same data",
  );
}

/**
 * The number of images that both results have. Throws `UsageError` (`misfit`) unless equal indices are equal images, and both
 * are judged by one protocol.
 */
export function checkPairs({ rows, summary }: Evaluation, after: Evaluation): number {
  const images = new Map(rows.map((row) => [row.index, row]));
  const others = new Map(after.rows.map((row) => [row.index, row]));
  const pairs = [...images.values()].flatMap((before) => {
    const match = others.get(before.index);
    return match === undefined ? [] : [{ before, after: match }];
  });
  if (pairs.length === 0)
    throw misfit(
      `no image is in both results: ${rows[0].model} has test images ${spanOf(images)}, ${after.rows[0].model} has ${spanOf(others)}`,
      "run both on the same images",
    );
  if (pairs.some(isOther)) throw difference(pairs, pairsByFile(images.values(), others.values()));
  if (summary.protocol !== after.summary.protocol)
    throw misfit(
      `the protocols differ (${summary.protocol} before, ${after.summary.protocol} after), so their numbers are not comparable`,
      "evaluate both with the same --protocol",
    );
  return pairs.length;
}
