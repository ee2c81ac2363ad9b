import { reportTools } from "../audit/report-tools.ts";
import { textIfThere } from "../files/storage/storage.ts";
import { UsageError } from "../math/usage-error.ts";
import { comparedResults, type ResultFile } from "../report/compared-results.ts";
import { type Comparison, comparisonOf } from "../report/comparison.ts";
import type { CompareOptions } from "./options.ts";
import { rowsFile } from "./read-source.ts";
import { compareOptions } from "./report-checks.ts";
import { isSource, type RowsSource } from "./rows-source.ts";

async function resultFile(source: RowsSource, place: number): Promise<ResultFile> {
  const auditSummary = "readIfThere" in source ? await textIfThere(source, "summary.json") : null;
  return Object.assign({}, await rowsFile(source, place), { auditSummary });
}

/**
 * Compares two evaluations of the same images, image by image: the change of each accuracy with a 95 % bootstrap interval, the
 * images lost and gained, and the exact p-value of McNemar's test. A result is a list of rows, or the storage that `evaluate` or
 * `audit` wrote to. Throws `UsageError` if the images differ.
 *
 * @example
 * ```ts
 * import { compare, evaluate, importModel, webRuntime } from "rampart/web";
 *
 * const device = await webRuntime();
 * const model = await importModel(await (await fetch("model.onnx")).arrayBuffer(), { device });
 * const options = { device, data: "shapes", attacks: "fgsm-l2", examples: 4 } as const;
 * const rows = await evaluate(model, options);
 * const { accuracies } = await compare(rows, rows);
 * console.log(accuracies[0].difference.mean); // 0
 * ```
 */
export async function compare(
  before: RowsSource,
  after: RowsSource,
  options: CompareOptions = {},
): Promise<Comparison> {
  const settings = compareOptions(options);
  if (!isSource(before) || !isSource(after))
    throw new UsageError(
      "a comparison needs two results; give the rows of evaluate, or the storage that holds them, twice",
      { code: "missing-option" },
    );
  const files = [await resultFile(before, 0), await resultFile(after, 1)];
  return comparisonOf(...comparedResults(files[0], files[1], reportTools), settings);
}
