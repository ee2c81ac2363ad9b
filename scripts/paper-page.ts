// The numbers of docs/paper.md, from the rows and cells in results/paper: findings, Table 4, and the claims.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Interval } from "../src/math/statistics.ts";
import { type JudgedClaim, judged } from "../src/paper/claims/claim.ts";
import { claims } from "../src/paper/claims/claims.ts";
import type { Evidence } from "../src/paper/claims/compared.ts";
import {
  folderResults,
  type Results,
  type SweepProgress,
  sweptResults,
  withFlops,
} from "../src/paper/evidence/node.ts";
import { titles } from "../src/paper/grids.ts";
import type { Product } from "../src/paper/product.ts";
import { PAPER_RADII } from "../src/paper/regions.ts";
import type { Grid } from "../src/paper/report/grid.ts";
import { type Scale, scales } from "../src/paper/scales.ts";
import { sectionsOf } from "../src/paper/sections.ts";
import { type Table4Column, table4 } from "../src/paper/table4.ts";
import { table4Grids } from "../src/paper/table4-grids.ts";
import { table4Product } from "../src/paper/table4-product.ts";
import { findings, line } from "./paper-findings.ts";

const folder = join(import.meta.dirname, "../results/paper");
const store = join(folder, "medium/store");

/** The results at one scale. */
interface AtScale {
  readonly scale: Scale;
  readonly results: Results;
}

/** Everything that the page is made of. */
export interface PaperResults {
  /** The largest scale first. */
  readonly all: readonly AtScale[];
  /** How far the sweep of the scale `medium` is; null before its first cell. */
  readonly progress: SweepProgress | null;
}

/** Reads results/paper. */
export async function readPaperResults(): Promise<PaperResults> {
  const { small, medium } = scales;
  const smallResults = withFlops(await folderResults(folder), small);
  const ofSmall = { scale: small, results: smallResults };
  if (!existsSync(store)) return { all: [ofSmall], progress: null };
  const { results, progress } = await sweptResults(store, medium);
  return { all: [{ scale: medium, results: withFlops(results, medium) }, ofSmall], progress };
}

/** The evidence that claims are judged by. */
export const evidenceOf = ({ all }: PaperResults): Evidence[] =>
  all.map(({ scale, results }) => ({
    scale: scale.name,
    sections: new Map(
      Object.entries(results).map(([name, one]) => [name, sectionsOf(one, PAPER_RADII.l2)]),
    ),
    sweeps: new Map(
      Object.entries(results).flatMap(([name, { rows }]) =>
        rows.sweep === undefined ? [] : [[name, rows.sweep]],
      ),
    ),
  }));

const settingOf = ({ name, training }: Scale): string =>
  `${training.model} on ${training.data}, scale ${name}`;

/** The scale whose Table 4 the page shows: the one with the most columns, and the largest of those. */
const shownScale = ({ all }: PaperResults): AtScale =>
  all.reduce((most, one) =>
    Object.keys(one.results).length > Object.keys(most.results).length ? one : most,
  );

/** Table 4 of the page, with its files. */
export function shownTable(found: PaperResults): Product {
  const { scale, results } = shownScale(found);
  return table4Product(results, settingOf(scale));
}

/** All claims of the paper with their verdicts. */
export const judgedClaims = (found: PaperResults): JudgedClaim[] => {
  const evidence = evidenceOf(found);
  return claims.map((claim) => judged(claim, evidence));
};

/** Defences as rows, since a page is narrower than thirteen columns; the best value of a column is bold. */
function transposed({ columns, rows }: Grid, labels: ReadonlyMap<string, string> = new Map()) {
  const shown = rows.filter(({ cells }) => cells.length > 0);
  return [
    line(["defence", ...shown.map(({ label }) => label)]),
    line(["---", ...shown.map(() => "---:")]),
    ...columns.flatMap((name, i) => {
      const cells = shown.map(({ cells: all }) => all[i]);
      if (cells.every(({ text }) => text === "–")) return [];
      const texts = cells.map(({ text, best }) => (best ? `**${text}**` : text));
      return [line([labels.get(name) ?? name, ...texts])];
    }),
  ].join("\n");
}

const labels: ReadonlyMap<string, string> = new Map(
  Object.entries(titles).map(([defense, title]) => [title, `${title}, \`${defense}\``]),
);

const half = ({ low, high }: Interval): number => (high - low) / 2;

/** How far an accuracy is uncertain, by number of images: `±0.10 at n 100`. */
function uncertainty(columns: readonly Table4Column[]): string {
  const measured = columns
    .flatMap(({ sound, published }) => [...Object.values(sound), ...Object.values(published)])
    .filter((one) => typeof one === "object" && one !== null);
  const counts = [...new Set(measured.map(({ examples }) => examples))].sort((a, b) => a - b);
  return counts
    .map((count) => {
      const own = measured.filter(({ examples }) => examples === count);
      return `±${Math.max(...own.map(half)).toFixed(2)} at n ${count}`;
    })
    .join(", ");
}

/** Table 4 under the sound protocol, and what its intervals allow to read from it. */
function soundTable(columns: readonly Table4Column[], grid: Grid, setting: string): string {
  const note = wrapped(
    `All accuracies measured for Table 4: ${setting}. Bold: best of its column. The 95 % interval of an accuracy is at most ${uncertainty(columns)} ([each of them](paper/table4.md)). So the order of close values in a column is no finding. [The claims](#claim-by-claim) compare two defences image by image, on more images where there are any, and they decide.`,
  );
  return `${transposed(grid, labels)}\n\n${note}`;
}

/** The rows of a grid up to its second heading, and those from its last heading on. */
function partsOf(grid: Grid): readonly [Grid, Grid] {
  const headings = grid.rows.flatMap(({ cells }, i) => (cells.length === 0 ? [i] : []));
  const part = (from: number, to: number): Grid =>
    Object.assign({}, grid, { rows: grid.rows.slice(from, to) });
  return [part(headings[0], headings[1]), part(headings.at(-1) ?? 0, grid.rows.length)];
}

const claimTable = (all: readonly JudgedClaim[]): string =>
  [
    line(["the paper says", "measured here; difference [95 %], images, scale", "verdict", "why"]),
    line(["---", "---", "---", "---"]),
    ...all.map(({ says, lines, verdict, why }) => {
      const texts = lines.map(({ text, difference }) =>
        difference === "" ? text : `${text}; ${difference}`,
      );
      return line([says, texts.join("<br>"), `**${verdict}**`, why]);
    }),
  ].join("\n");

/** What the sweep of the scale `medium` has so far. */
function mediumState({ all, progress }: PaperResults): string {
  const found = all.find(({ scale }) => scale.name === "medium");
  if (progress === null || found === undefined) return "Nothing is measured at this scale yet.";
  const names = (values: readonly string[]) => values.map((one) => `\`${one}\``).join(", ");
  const text = `${progress.done} of ${progress.cells} cells are finished, in ${(progress.seconds / 3600).toFixed(1)} core-hours. Trained: ${names(progress.trained)}.`;
  const state = wrapped(text);
  if (Object.keys(found.results).length === 0) return state;
  const columns = table4(found.results, { radiusL2: PAPER_RADII.l2, images: "common" });
  const [sound] = table4Grids(columns, "");
  return `${state}\n\n${transposed(sound)}`;
}

/** Each row of a grid with the printed one after it. */
const withPrinted = (here: Grid, printed: Grid): Grid =>
  Object.assign({}, here, {
    rows: printed.rows.flatMap((row) => [
      ...here.rows.filter(({ label }) => label.split(", n ")[0] === row.label),
      { label: "printed", cells: row.cells },
    ]),
  });

/** A paragraph in lines of at most 100 characters. */
function wrapped(text: string): string {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && [...`${last} ${word}`].length <= 100)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.join("\n");
}

/** The page with its numbers written anew: each part stands between `<!-- NAME -->` and `<!-- end -->`. */
export function paperPage(page: string, found: PaperResults): string {
  const { scale, results } = shownScale(found);
  const columns = table4(results, { radiusL2: PAPER_RADII.l2, images: "common" });
  const [sound, published] = table4Grids(columns, settingOf(scale));
  const [here, printed] = partsOf(published);
  const all = judgedClaims(found);
  const parts: Readonly<Record<string, string>> = {
    findings: findings(
      all,
      found.all.filter((one) => Object.keys(one.results).length > 0).map((one) => one.scale),
    ),
    "table 4, sound": soundTable(columns, sound, settingOf(scale)),
    "table 4, published": transposed(withPrinted(here, printed)),
    claims: claimTable(all),
    medium: mediumState(found),
  };
  let text = page;
  for (const [name, contents] of Object.entries(parts)) {
    const place = new RegExp(`(<!-- ${name} -->\n\n)(?:[^]*?\n\n)??(<!-- end -->)`);
    if (!place.test(text)) throw new Error(`docs/paper.md has no place for ${name}`);
    text = text.replace(place, (_, start: string, end: string) => `${start}${contents}\n\n${end}`);
  }
  return text;
}
