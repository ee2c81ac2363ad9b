import type { Cell } from "./cell.ts";
import { canonicalJson } from "./key.ts";

/** Ranges in the order of their images. A range that overlaps an earlier one is left out, so no image counts twice. */
function disjoint(cells: readonly Cell[]): Cell[] {
  const rangeOf = ({ work }: Cell) => work.range ?? { from: 0, to: 0 };
  const sorted = cells.toSorted(
    (a, b) => rangeOf(a).from - rangeOf(b).from || rangeOf(b).to - rangeOf(a).to,
  );
  const chosen: Cell[] = [];
  let to = 0;
  for (const cell of sorted) {
    const range = rangeOf(cell);
    if (range.from < to) continue;
    chosen.push(cell);
    to = range.to;
  }
  return chosen;
}

/** Groups the ranges of one evaluation, certification or proof, in the order of their images. Other cells stay single. */
export function rangesOfOne(cells: readonly Cell[]): Cell[][] {
  const groups = new Map<string, Cell[]>();
  for (const cell of cells) {
    const { kind, model, options } = cell.work;
    const { examples: _, ...others } = options;
    const isRange = kind === "evaluate" || kind === "certify" || kind === "prove";
    // A result of another runtime belongs to another evaluation.
    const name = isRange
      ? canonicalJson([kind, model, others, cell.work.target, cell.work.code])
      : cell.key;
    const group = groups.get(name) ?? [];
    groups.set(name, group);
    group.push(cell);
  }
  return [...groups.values()].map(disjoint);
}
