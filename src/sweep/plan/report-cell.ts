import { UsageError } from "../../math/usage-error.ts";
import type { Cell } from "../cell.ts";
import type { CellList } from "./cell-list.ts";

/** The cells of one evaluation, in the order of their images. */
export interface PlannedEvaluation {
  readonly name: string;
  readonly cells: readonly Cell[];
}

const keysOf = (cells: readonly Cell[]) => cells.map(({ key }) => key);

/** Adds the cell that makes one report of all evaluations. `path` names the plan. Throws `UsageError` if there are none. */
export async function addReport(
  list: CellList,
  path: string,
  evaluations: readonly PlannedEvaluation[],
): Promise<void> {
  if (evaluations.length === 0)
    throw new UsageError(`${path}: report needs at least one evaluation`, {
      code: "missing-option",
    });
  await list.add(
    {
      kind: "report",
      options: {
        evaluations: evaluations.map(({ name, cells }) => ({ name, ranges: keysOf(cells) })),
      },
      data: null,
      range: null,
      model: null,
      inputs: [...new Set(evaluations.flatMap(({ cells }) => keysOf(cells)))],
    },
    { label: "report", labels: {}, priority: 0, cost: 0 },
  );
}
