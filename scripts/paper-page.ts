// The numbers of docs/paper.md, from the rows and cells in results/paper: findings, Table 4, and the claims.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type JudgedClaim, judged } from "../src/paper/claims/claim.ts";
import { claims } from "../src/paper/claims/claims.ts";
import type { Evidence } from "../src/paper/claims/compared.ts";
import { powerOfTen, ratioOfVolumes } from "../src/paper/claims/geometry.ts";
import { verdicts } from "../src/paper/claims/verdict.ts";
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
import { table4 } from "../src/paper/table4.ts";
import { table4Grids } from "../src/paper/table4-grids.ts";
import { table4Product } from "../src/paper/table4-product.ts";

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

const line = (cells: readonly string[]): string =>
  `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;

/** Defences as rows, since a page is narrower than thirteen columns; the best value of a measure is bold. */
function transposed({ columns, rows }: Grid, labels: ReadonlyMap<string, string>): string {
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
  Object.entries(titles).map(([defense, title]) => [title, `\`${defense}\``]),
);

/** The rows of a grid up to its second heading, and those from its last heading on. */
function partsOf(grid: Grid): readonly [Grid, Grid] {
  const headings = grid.rows.flatMap(({ cells }, i) => (cells.length === 0 ? [i] : []));
  const part = (from: number, to: number): Grid =>
    Object.assign({}, grid, { rows: grid.rows.slice(from, to) });
  return [part(headings[0], headings[1]), part(headings.at(-1) ?? 0, grid.rows.length)];
}

const answers = {
  holds: "Yes",
  "does not hold": "No",
  artefact: "No, an artefact",
  undecided: "Not shown",
} as const;

/** The differences of a claim, and what they are about: `RAT ℓ∞ U − MAT Max: −0.02 [−0.05, 0.00] (union of PGD, n 250)`. */
function differencesOf({ lines }: JudgedClaim): string {
  const parts = lines.map(({ text, difference }) => {
    const [what, a, b] = /^(.*): (.*) 0\.\d\d, (.*) 0\.\d\d$/.exec(text)?.slice(1) ?? [];
    const [interval, ...where] = difference.split(/, (?=n )/);
    return { about: [what, ...where].join(", "), text: `${a} − ${b} ${interval}` };
  });
  const groups = [...new Set(parts.map(({ about }) => about))];
  return groups
    .map((about) => {
      const own = parts.filter((one) => one.about === about).map(({ text }) => text);
      return `${about}: ${own.join("; ")}.`;
    })
    .join(" ");
}

function findings(all: readonly JudgedClaim[]): string {
  const claim = (id: string): JudgedClaim => {
    const found = all.find((one) => one.id === id);
    if (found === undefined) throw new Error(`no claim ${id}`);
    return found;
  };
  const [rat, noise, mat] = ["rat-mat", "noise-cw", "mat"].map(claim);
  const { ratio, printed } = ratioOfVolumes();
  const counts = verdicts.map(
    (verdict) => `${all.filter((one) => one.verdict === verdict).length} “${verdict}”`,
  );
  const row = (question: string, about: JudgedClaim): string =>
    line([question, `**${answers[about.verdict]}.** ${about.why} ${differencesOf(about)}`]);
  return [
    line(["question", "answer"]),
    line(["---", "---"]),
    row("Does RAT beat MAT?", rat),
    row("Does noise defend against C&W?", noise),
    row("Does MAT beat AT in both norms?", mat),
    line([
      "What is the ratio of volumes for d = 3072?",
      `**${powerOfTen(ratio, 1)}.** The paper prints ${powerOfTen(printed, 0)}, which does not follow from its theorem ([theory](theory.md)).`,
    ]),
    "",
    `Verdicts of the ${all.length} claims below: ${counts.join(", ")}.`,
  ].join("\n");
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
  if (progress === null || found === undefined) return "No cell of it is finished yet.";
  const names = (values: readonly string[]) => values.map((one) => `\`${one}\``).join(", ");
  const text = `${progress.done} of ${progress.cells} cells are finished, in ${(progress.seconds / 3600).toFixed(1)} core-hours. Trained: ${names(progress.trained)}.`;
  const state = wrapped(text);
  if (Object.keys(found.results).length === 0) return state;
  const columns = table4(found.results, { radiusL2: PAPER_RADII.l2, images: "common" });
  const [sound] = table4Grids(columns, "");
  return `${state}\n\n${transposed(sound, labels)}`;
}

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
    findings: findings(all),
    "table 4, sound": transposed(sound, labels),
    "table 4, published": transposed(here, labels),
    "table 4, printed": transposed(printed, labels),
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
