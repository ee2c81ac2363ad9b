// Results of other runtimes and versions of the code: bits may differ, so they are compared with a tolerance and labelled.
import type { Cell } from "./cell.ts";
import { canonicalJson } from "./key.ts";

/** A line of the table of results. Missing columns are empty. */
export type TableRow = Readonly<Record<string, unknown>>;

/** The largest difference of two accuracies that is attributed to different bits. */
export const TOLERANCE = 0.01;

/** The runtime and code that computed a cell, as text: `onnxruntime-node 1.30.0 blocked-16 cpu, 1 thread, code 0.1.0-1`. */
export const fingerprintOf = ({ work }: Cell): string => {
  const { engine, lowering, device, threads } = work.target;
  return `${engine} ${lowering} ${device}, ${threads} ${threads === 1 ? "thread" : "threads"}, code ${work.code}`;
};

/** The work of a cell and of its inputs, without runtime and code. */
function workOf({ work }: Cell, cells: ReadonlyMap<string, Cell>): string {
  const { kind, options, data, model } = work;
  const { examples: _, ...others } = options;
  const trains = kind === "train" || kind === "harden";
  const trained = model !== null && "cell" in model ? cells.get(model.cell) : undefined;
  const file = model !== null && "sha256" in model ? model.sha256 : null;
  const source = trained === undefined ? file : workOf(trained, cells);
  return canonicalJson([kind, trains ? options : others, data?.sha256, source]);
}

/** The agreement of an accuracy with the accuracy that another runtime gave first. */
function agreement(accuracy: unknown, first: unknown, tolerance: number): string {
  if (typeof accuracy !== "number" || typeof first !== "number") return "not compared";
  const difference = Math.abs(accuracy - first);
  if (difference === 0) return "equal";
  const how = difference <= tolerance ? "within the tolerance" : "differs";
  return `${how}: ${difference.toFixed(4)}`;
}

/** Identifies the work behind a line of a group: equal for all lines of the same work. */
const lineName = ({ kind, attack, norm, epsilon, eot }: TableRow): string =>
  canonicalJson([kind, attack, norm, epsilon, eot]);

/**
 * The lines of all groups. If several runtimes or versions computed them, each line names its runtime, and states how its
 * accuracy agrees with the first line of the same work. `cells` holds the trainings.
 */
export function compareFingerprints(
  groups: readonly { readonly cell: Cell; readonly rows: readonly TableRow[] }[],
  cells: readonly Cell[],
  tolerance: number,
): TableRow[] {
  if (new Set(groups.map(({ cell }) => fingerprintOf(cell))).size < 2)
    return groups.flatMap(({ rows }) => rows);
  const byKey = new Map(cells.map((cell) => [cell.key, cell]));
  const firsts = new Map<string, TableRow>();
  return groups.flatMap(({ cell, rows }) => {
    const work = workOf(cell, byKey);
    return rows.map((row) => {
      const name = `${work} ${lineName(row)}`;
      const first = firsts.get(name);
      if (first === undefined) firsts.set(name, row);
      const agrees = first === undefined ? "" : agreement(row.accuracy, first.accuracy, tolerance);
      return Object.assign({}, row, { runtime: fingerprintOf(cell), agrees });
    });
  });
}
