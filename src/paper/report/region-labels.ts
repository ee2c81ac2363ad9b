/** Where the name of a class may stand in the image of its region, as a cell's column and row. */
export interface RegionLabel {
  readonly value: number;
  readonly column: number;
  readonly row: number;
}

/** A box around a cell, in cells from its centre. */
interface Box {
  readonly width: number;
  readonly height: number;
}

/** How far equal cells reach from each cell in the direction (dx, dy), the cell itself included. */
function reach(cells: readonly number[], columns: number, dx: number, dy: number): Uint32Array {
  const rows = cells.length / columns;
  const out = new Uint32Array(cells.length);
  // A cell's neighbour in the direction is visited before it.
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
 * For each value the roomiest cell for a label of `box(value)` cells that covers none of the cells in `keepClear`
 * (as [column, row]); values whose regions have no room are left out.
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
