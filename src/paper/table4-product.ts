import type { DefenseResult } from "./defense-result.ts";
import { gridTables, type Product } from "./product.ts";
import { PAPER_RADII } from "./regions.ts";
import { gridSvg } from "./report/grid-svg.ts";
import { shadedSvg } from "./report/shaded-svg.ts";
import { sweepGrid, sweepsOf } from "./sweep.ts";
import { table4 } from "./table4.ts";
import { table4Grids } from "./table4-grids.ts";

/**
 * Table 4 on the images that all defences have: `table4.svg` with a panel per protocol, `table4.md` and `table4.html` with
 * intervals, and `table4-2.svg` with the sweep over draws if there is one. `setting` is the network, the data and the scale.
 */
export function table4Product(
  results: Readonly<Record<string, DefenseResult>>,
  setting: string,
): Product {
  const columns = table4(results, { radiusL2: PAPER_RADII.l2, images: "common" });
  const [sound, published, cost] = table4Grids(columns, setting);
  const sweep = sweepsOf(results);
  const draws = sweep.length === 0 ? [] : [sweepGrid(sweep, setting)];
  const { text, files } = gridTables("table4", { columns, sweep }, [
    sound,
    published,
    cost,
    ...draws,
  ]);
  const drawings: Record<string, string> = { "table4.svg": shadedSvg([sound, published]) };
  for (const grid of draws) drawings["table4-2.svg"] = gridSvg(grid);
  return { name: "table4", data: { columns, sweep }, text, files: { ...files, ...drawings } };
}
