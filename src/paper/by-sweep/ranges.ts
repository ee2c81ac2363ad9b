import { evaluateSchema } from "../../evaluate/options.ts";
import type { Cell } from "../../sweep/cell.ts";
import { canonicalJson } from "../../sweep/key.ts";
import type { EvaluationCell } from "../cells.ts";

/** Whether a cell is a range of an evaluation of the model that a training gives. */
export function isRangeOf({ work }: Cell, training: Cell, { options }: EvaluationCell): boolean {
  if (work.kind !== "evaluate" || !work.inputs.includes(training.key)) return false;
  const { data: _, saveExamples: __, ...given } = work.options;
  const compared = (value: object) =>
    canonicalJson(Object.assign({}, evaluateSchema().parse(value), { examples: 0 }));
  return compared(given) === compared(options);
}
