/** The cell, by column and row, at which the label of a region is centred; `value` is the value of the region's cells. */
export interface RegionLabel {
  readonly value: number;
  readonly column: number;
  readonly row: number;
}

/** The size of a label, in cells. */
interface Box {
  readonly width: number;
  readonly height: number;
}

/** For each cell the number of equal cells in a row in the direction (dx, dy), the cell itself included. */
function reach(cells: readonly number[], columns: number, dx: number, dy: number): Uint32Array {
  const rows = cells.length / columns;
  const out = new Uint32Array(cells.length);
  // The neighbour in the direction is visited before the cell.
  for (let i = 0; i < cells.length; i++) {
    const at = dx + dy > 0 ? cells.length - 1 - i : i;
    const [column, row] = [(at % columns) + dx, Math.floor(at / columns) + dy];
    const inside = column >= 0 && column < columns && row >= 0 && row < rows;
    const next = row * columns + column;
    out[at] = inside && cells[next] === cells[at] ? out[next] + 1 : 1;
  }
  return out;
}

/**
 * For each value the cell with the most room for a label of `box(value)` cells. Labels cover none of the cells in
 * `keepClear`, each [column, row]. Values whose regions have no room for a label are left out.
 */
export function regionLabels(
  cells: readonly number[],
  columns: number,
  box: (value: number) => Box,
  keepClear: readonly (readonly [number, number])[] = [],
): readonly RegionLabel[] {
  const [left, right] = [reach(cells, columns, -1, 0), reach(cells, columns, 1, 0)];
  const [down, up] = [reach(cells, columns, 0, -1), reach(cells, columns, 0, 1)];
  const best = new Map<number, RegionLabel & { readonly room: number }>();
  cells.forEach((value, at) => {
    const { width, height } = box(value);
    const room = Math.min(
      (2 * Math.min(left[at], right[at])) / width,
      (2 * Math.min(down[at], up[at])) / height,
    );
    if (room < 1 || room <= (best.get(value)?.room ?? 0)) return;
    const [column, row] = [at % columns, Math.floor(at / columns)];
    const covered = keepClear.some(
      ([x, y]) => Math.abs(x - column) < width / 2 + 1 && Math.abs(y - row) < height / 2 + 1,
    );
    if (!covered) best.set(value, { value, column, row, room });
  });
  return [...best.values()].map(({ value, column, row }) => ({ value, column, row }));
}
