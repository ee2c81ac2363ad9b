// The tables of docs/certifying.md and docs/sequential.md, which follow from the rows in results/certify.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { CertifiedNorm } from "../src/certify/radii.ts";
import { type CertificateRow, parseCertificates } from "../src/certify/row.ts";
import type { Row } from "../src/evaluate/row.ts";
import { sequentialTable } from "./sequential-table.ts";

/** Rows of attacks, and of draws at their images, lie beside certificates, in files of these prefixes and the network's name. */
const ATTACKED = "attacked-";
const CHECKS = "checks-";

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

const isOfCertificates = (name: string): boolean =>
  !name.startsWith(ATTACKED) && !name.startsWith(CHECKS);

/** The files of rows in a folder by name, certificates or attacks. */
const filesIn = (folder: string): ReadonlyMap<string, string> =>
  new Map(
    readdirSync(folder)
      .filter((file) => /\.jsonl(\.gz)?$/.test(file))
      .sort()
      .map((file) => [nameOf(file), join(folder, file)]),
  );

const percent = (part: number, whole: number): string => String(Math.round((100 * part) / whole));

/** What attacks found on a network. */
interface Attacked {
  readonly rows: readonly Row[];
  /** Draws at the adversarial images inside certified radii. */
  readonly checks: readonly { readonly refuted: boolean }[];
}

const imagesOf = (rows: readonly Row[]): number => new Set(rows.map(({ index }) => index)).size;

/** The share of the attacked images of which most draws are right at this norm and radius; null if some are missing there. */
function attackedShare(
  { rows }: Attacked,
  { norm, epsilon }: { readonly norm: string; readonly epsilon: number },
): string | null {
  // The worst of several attacks counts.
  const right = new Map<number, number>();
  for (const { index, majority } of rows.filter(
    (row) => row.norm === norm && row.epsilon === epsilon,
  ))
    right.set(index, Math.min(right.get(index) ?? 1, majority));
  if (right.size === 0 || right.size < imagesOf(rows)) return null;
  return percent([...right.values()].filter((one) => one === 1).length, right.size);
}

/** The rows in a file that may be missing. */
const rowsIn = <T>(path: string | undefined): T[] =>
  path === undefined
    ? []
    : textOf(path)
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as T);

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** One line: a network, and its certified accuracy beside the attacked one. */
function lineOf(name: string, rows: readonly CertificateRow[], attacked: Attacked): string {
  const [{ noise, components }] = rows;
  const isRight = ({ prediction, label }: CertificateRow) => prediction === label;
  const cells = columns.map(([norm, at]) => {
    const certified = rows.filter((row) => isRight(row) && row.radius[norm] >= at).length;
    const share = attackedShare(attacked, { norm, epsilon: at });
    return `${percent(certified, rows.length)}${share === null ? "" : ` / ${share}`}`;
  });
  const seconds = median(rows.map((row) => row.seconds)).toPrecision(2);
  const n = Math.max(...rows.map((row) => row.components[0].n), components[0].n).toLocaleString(
    "en",
  );
  const facts = [`\`${name}\``, `\`${noise}\``, String(rows.length), n, String(Number(seconds))];
  const { checks } = attacked;
  const found = [
    String(imagesOf(attacked.rows)),
    `${checks.filter(({ refuted }) => refuted).length} of ${checks.length}`,
  ];
  const right = percent(rows.filter(isRight).length, rows.length);
  return `| ${[...facts, right, ...cells, ...found].join(" | ")} |`;
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
    "attacked",
    "refuted",
  ];
  const lines = [...files]
    .filter(([name]) => isOfCertificates(name))
    .map(([name, path]) => {
      const network = name.replace(/-(1e\d+|10+)$/, "");
      return lineOf(name, parseCertificates(path, textOf(path)).rows, {
        rows: rowsIn(files.get(`${ATTACKED}${network}`)),
        checks: rowsIn(files.get(`${CHECKS}${network}`)),
      });
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
        .filter(([name]) => isOfCertificates(name))
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
