// A finished reproduction: data, text for a terminal, and files.
import { textTable } from "../report/text-table.ts";
import type { ReproduceEvent } from "./events.ts";
import { type Grid, gridMarkdown, gridPage } from "./report/grid.ts";
import { gridSvg } from "./report/grid-svg.ts";

/** A finished reproduction of one table or figure. */
export interface Product {
  /** The name on the command line: `table4`. */
  readonly name: string;
  readonly data: unknown;
  /** The text for a terminal. */
  readonly text: string;
  /** Contents by file name. */
  readonly files: Readonly<Record<string, string>>;
}

/** Events, then the product; null if the signal stopped the reproduction before any result. */
export type ProductEvents = AsyncGenerator<ReproduceEvent, Product | null, void>;

/** Indented JSON with a line break at the end. */
export const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** A grid as plain text: labels and values, without details. */
const gridText = ({ title, columns, rows, notes }: Grid): string =>
  [
    title,
    textTable([
      ["", ...columns],
      ...rows.map(({ label, cells }) => [label, ...cells.map(({ text }) => text)]),
    ]),
    ...notes,
  ].join("\n");

/**
 * A product of grids, with the files `NAME.json`, `NAME.md`, `NAME.html` (grids, and `figures` as SVG), and one SVG
 * drawing per grid: `NAME.svg`, `NAME-2.svg` and so on.
 */
export function gridProduct(
  name: string,
  data: unknown,
  grids: readonly Grid[],
  figures: readonly string[] = [],
): Product {
  const { files, text } = gridTables(name, data, grids, figures);
  const drawings = grids.map((grid, i) => [
    i === 0 ? `${name}.svg` : `${name}-${i + 1}.svg`,
    gridSvg(grid),
  ]);
  return { name, data, text, files: Object.assign({}, files, Object.fromEntries(drawings)) };
}

/** The text and the files of grids without drawings: `NAME.json`, `NAME.md` and `NAME.html`. */
export function gridTables(
  name: string,
  data: unknown,
  grids: readonly Grid[],
  figures: readonly string[] = [],
): Pick<Product, "text" | "files"> {
  const files = {
    [`${name}.json`]: json(data),
    [`${name}.md`]: grids.map(gridMarkdown).join("\n"),
    [`${name}.html`]: gridPage(grids[0].title, grids, figures),
  };
  return { text: grids.map(gridText).join("\n\n"), files };
}

/** Runs an action that reports events to a callback; yields these events and returns the action's result. */
export async function* reported<T>(
  action: (report: (event: ReproduceEvent) => void) => Promise<T>,
): AsyncGenerator<ReproduceEvent, T, void> {
  const waiting: ReproduceEvent[] = [];
  let wake = () => {};
  let running = true;
  const finished = action((event) => {
    waiting.push(event);
    wake();
  }).finally(() => {
    running = false;
    wake();
  });
  // An error is thrown by the last line, after the events before it.
  finished.catch(() => {});
  while (running || waiting.length > 0) {
    if (waiting.length === 0)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    yield* waiting.splice(0);
  }
  return finished;
}
