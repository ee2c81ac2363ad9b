// The tables of docs/certifying.md and docs/sequential.md, which follow from the rows in results/certify.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { CertifiedNorm } from "../src/certify/radii.ts";
import { type CertificateRow, parseCertificates } from "../src/certify/row.ts";
import type { Row } from "../src/evaluate/row.ts";
import { sequentialTable } from "./sequential-table.ts";

/** Rows of attacks lie beside certificates, in a file of this prefix and the network's name. */
const ATTACKED = "attacked-";

/** The columns: norm and radius. */
const columns: readonly (readonly [CertifiedNorm, number])[] = [
  ["l2", 0.25],
  ["l2", 0.5],
  ["l2", 0.75],
  ["l1", 0.5],
  ["l1", 1],
];

const symbols = { l2: "ℓ2", l1: "ℓ1", linf: "ℓ∞" } as const;

/** The text of a file of rows, packed or not. */
function textOf(path: string): string {
  const bytes = readFileSync(path);
  return (path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString();
}

const nameOf = (file: string): string => file.replace(/\.jsonl(\.gz)?$/, "");

/** The files of rows in a folder by name, certificates or attacks. */
const filesIn = (folder: string): ReadonlyMap<string, string> =>
  new Map(
    readdirSync(folder)
      .filter((file) => /\.jsonl(\.gz)?$/.test(file))
      .sort()
      .map((file) => [nameOf(file), join(folder, file)]),
  );

const percent = (part: number, whole: number): string => String(Math.round((100 * part) / whole));

/** The images of which most draws are right under the attack of this norm and radius; null without rows of all `images`. */
function attackedShare(
  rows: readonly Row[],
  {
    norm,
    epsilon,
    images,
  }: { readonly norm: string; readonly epsilon: number; readonly images: ReadonlySet<number> },
): string | null {
  const found = rows.filter(
    (row) => row.norm === norm && row.epsilon === epsilon && images.has(row.index),
  );
  // The worst of several attacks counts.
  const right = new Map<number, number>();
  for (const { index, majority } of found)
    right.set(index, Math.min(right.get(index) ?? 1, majority));
  if (right.size < images.size) return null;
  return percent([...right.values()].filter((one) => one === 1).length, images.size);
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** One line: a network, and its certified accuracy beside the attacked one. */
function lineOf(name: string, rows: readonly CertificateRow[], attacked: readonly Row[]): string {
  const [{ noise, components }] = rows;
  const isRight = ({ prediction, label }: CertificateRow) => prediction === label;
  const images = new Set(rows.map(({ index }) => index));
  const cells = columns.map(([norm, at]) => {
    const certified = rows.filter((row) => isRight(row) && row.radius[norm] >= at).length;
    const share = attackedShare(attacked, { norm, epsilon: at, images });
    return `${percent(certified, rows.length)}${share === null ? "" : ` / ${share}`}`;
  });
  const seconds = median(rows.map((row) => row.seconds)).toPrecision(2);
  const n = Math.max(...rows.map((row) => row.components[0].n), components[0].n).toLocaleString(
    "en",
  );
  const facts = [`\`${name}\``, `\`${noise}\``, String(rows.length), n, String(Number(seconds))];
  return `| ${[...facts, percent(rows.filter(isRight).length, rows.length), ...cells].join(" | ")} |`;
}

/** The Markdown table of the rows in a folder: certified accuracy in percent, and attacked accuracy behind a slash. */
export function certificatesTable(folder: string): string {
  const files = filesIn(folder);
  const heads = [
    "network",
    "noise",
    "images",
    "n",
    "s",
    "right",
    ...columns.map(([norm, at]) => `${symbols[norm]} ${at}`),
  ];
  const lines = [...files]
    .filter(([name]) => !name.startsWith(ATTACKED))
    .map(([name, path]) => {
      const rows = parseCertificates(path, textOf(path)).rows;
      const attackedFile = files.get(`${ATTACKED}${name.replace(/-1e\d+$/, "")}`);
      const attacked =
        attackedFile === undefined
          ? []
          : textOf(attackedFile)
              .trim()
              .split("\n")
              .map((line) => JSON.parse(line) as Row);
      return lineOf(name, rows, attacked);
    });
  return [
    `| ${heads.join(" | ")} |`,
    `| --- | --- | ${heads
      .slice(2)
      .map(() => "---:")
      .join(" | ")} |`,
    ...lines,
  ].join("\n");
}

/** The table of sequential tests on the images of a folder's networks. */
export const sequentialTableOf = (folder: string): string =>
  sequentialTable(
    new Map(
      [...filesIn(folder)]
        .filter(([name]) => !name.startsWith(ATTACKED))
        .map(([name, path]) => [name, parseCertificates(path, textOf(path)).rows]),
    ),
  );

/** The page with the table of the rows in a folder in place of the one that it has. */
export const certifyingPage = (page: string, folder: string): string =>
  page.replace(
    /\| network \| noise \|[^\n]*\n(\|[^\n]*\n)*/,
    () => `${certificatesTable(folder)}\n`,
  );

/** The page on sequential tests with the table of the rows in a folder. */
export const sequentialPage = (page: string, folder: string): string =>
  page.replace(
    /\| sequential test \|[^\n]*\n(\|[^\n]*\n)*/,
    () => `${sequentialTableOf(folder)}\n`,
  );
