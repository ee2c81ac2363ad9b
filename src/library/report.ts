import { UsageError } from "../math/usage-error.ts";
import type { ReportOptions } from "./options.ts";
import { reportOptions } from "./report-checks.ts";
import { isSource, type RowsSource } from "./rows-source.ts";

/**
 * The text of one report of these evaluations, as HTML, Markdown, CSV or JSON. A storage also has settings and images. The
 * libraries of charts are loaded by the first report. Throws `UsageError`.
 *
 * @example
 * ```ts
 * import { evaluate, importModel, report, webRuntime } from "rampart/web";
 *
 * const device = await webRuntime();
 * const model = await importModel(await (await fetch("model.onnx")).arrayBuffer(), { device });
 * const rows = await evaluate(model, { device, data: "shapes", attacks: "fgsm-l2", examples: 4 });
 * console.log(await report([rows], { format: "md" }));
 * ```
 */
export async function report(
  sources: readonly RowsSource[],
  options: ReportOptions = {},
): Promise<string> {
  const { format } = reportOptions({ ...options, out: "" });
  if (!Array.isArray(sources) || sources.length === 0 || !sources.every(isSource))
    throw new UsageError(
      "no rows are given; give a list of evaluations, each the rows of evaluate or the storage that holds them",
      { code: "missing-option" },
    );
  const { rendered } = await import("./rendered-report.ts");
  return rendered(sources, format);
}
