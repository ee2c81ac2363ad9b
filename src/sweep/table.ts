// The results of a sweep as one table: a line per training, accuracy, certified or proven share and audit.
import type { CertificateRow } from "../certify/row.ts";
import { certifiedShares } from "../certify/share.ts";
import { parseNpz } from "../data/npz.ts";
import { summarize } from "../evaluate/summary.ts";
import type { Host } from "../files/host/host.ts";
import { readRowLines } from "../files/row-lines.ts";
import { evaluationsOf } from "../report/evaluations.ts";
import { provenBalls } from "../report/proven-balls.ts";
import { readRows } from "../report/read-rows.ts";
import { records } from "../report/records.ts";
import { type ProofRow, parseProofs } from "../verify/proof-row.ts";
import type { Cell } from "./cell.ts";
import { ROWS, SETTINGS } from "./cells/evaluate.ts";
import { PRUNED } from "./cells/pruned.ts";
import { compareFingerprints, type TableRow, TOLERANCE } from "./fingerprints.ts";
import { rangesOfOne } from "./ranges-of-one.ts";
import { committedKeys, manifestOf, readResult, timesOf } from "./results.ts";
import type { Store } from "./store/store.ts";

/** A line of the table. Missing columns are empty. */
export type { TableRow } from "./fingerprints.ts";

const decoder = new TextDecoder();

const isTraining = ({ kind }: Cell["work"]): boolean => kind === "train" || kind === "harden";

/** Reads the results of cells. */
class TableReader {
  readonly #store: Store;
  readonly #host: Pick<Host, "sha256">;

  constructor(store: Store, host: Pick<Host, "sha256">) {
    this.#store = store;
    this.#host = host;
  }

  async #text(key: string, name: string): Promise<string> {
    return decoder.decode(await readResult(this.#store, key, name, this.#host));
  }

  async #seconds(cells: readonly Cell[]): Promise<number> {
    let sum = 0;
    for (const { key } of cells) sum += (await timesOf(this.#store, key))?.seconds ?? 0;
    return sum;
  }

  /** The lines of one training, evaluation, certification or audit. `done` states the committed ranges. */
  async lines(cells: readonly Cell[]): Promise<TableRow[]> {
    const [{ work, labels }] = cells;
    const common = Object.assign({ step: work.kind }, labels, {
      cellSeconds: await this.#seconds(cells),
    });
    const { files = {} } = (await manifestOf(this.#store, cells[0].key)) ?? {};
    if (Object.hasOwn(files, PRUNED))
      return isTraining(work) ? [Object.assign({}, common, { kind: "pruned" })] : [];
    switch (work.kind) {
      case "train":
      case "harden":
        return this.#training(cells[0], common);
      case "evaluate":
        return this.#evaluation(cells, common);
      case "certify":
        return this.#certification(cells, common);
      case "prove":
        return this.#proofs(cells, common);
      case "audit":
        return this.#audit(cells[0], common);
      default:
        return [];
    }
  }

  async #training({ key }: Cell, common: TableRow): Promise<TableRow[]> {
    const { rows } = readRowLines("metrics.jsonl", await this.#text(key, "metrics.jsonl"));
    const last = rows.at(-1)?.value as Record<string, unknown> | undefined;
    return [
      Object.assign({}, common, {
        kind: "clean",
        accuracy: last?.testAccuracy ?? null,
        examples: last?.testExamples ?? null,
      }),
    ];
  }

  async #evaluation(cells: readonly Cell[], common: TableRow): Promise<TableRow[]> {
    const texts: string[] = [];
    for (const { key } of cells) texts.push(await this.#text(key, ROWS));
    const settings = await this.#text(cells[cells.length - 1].key, SETTINGS);
    const file = { file: ROWS, ...readRows(ROWS, texts.join("")), settings, examples: null };
    const evaluations = evaluationsOf([file], { summarize, parseNpz });
    return records(evaluations).map(({ file: _, label: __, seconds: ___, ...record }) =>
      Object.assign({}, record, common),
    );
  }

  async #certification(cells: readonly Cell[], common: TableRow): Promise<TableRow[]> {
    const rows: CertificateRow[] = [];
    for (const { key } of cells)
      for (const { value } of readRowLines(ROWS, await this.#text(key, ROWS)).rows)
        rows.push(value as CertificateRow);
    const { norms, radii, data } = cells[0].work.options;
    const shares = certifiedShares(rows, norms as never, radii as readonly number[]);
    return shares.map(({ norm, radius, certified, of, low }) =>
      Object.assign({}, common, {
        kind: "certified",
        data,
        norm,
        epsilon: radius,
        examples: of,
        accuracy: certified / of,
        low,
      }),
    );
  }

  async #proofs(cells: readonly Cell[], common: TableRow): Promise<TableRow[]> {
    const rows: ProofRow[] = [];
    for (const { key } of cells) rows.push(...parseProofs(ROWS, await this.#text(key, ROWS)).rows);
    const { data } = cells[0].work.options;
    return provenBalls(rows).map(({ norm, epsilon, examples, proven, undecided }) =>
      Object.assign({}, common, {
        kind: "proven",
        data,
        norm,
        epsilon,
        examples,
        accuracy: proven / examples,
        undecided: undecided / examples,
      }),
    );
  }

  async #audit({ key, work }: Cell, common: TableRow): Promise<TableRow[]> {
    const { clean, union } = JSON.parse(await this.#text(key, "summary.json"));
    const line = (kind: string, share: { mean?: number; low?: number; high?: number } | null) =>
      Object.assign({}, common, {
        kind,
        data: work.options.data,
        accuracy: share?.mean ?? null,
        low: share?.low ?? null,
        high: share?.high ?? null,
      });
    return [line("clean", clean ?? null), line("audit union", union ?? null)];
  }
}

/**
 * The table of all committed results. An evaluation with missing ranges covers the images of the finished ranges. Results
 * of several runtimes or versions of the code are compared: accuracies may differ by `tolerance`.
 */
export async function resultTable(
  store: Store,
  cells: readonly Cell[],
  host: Pick<Host, "sha256">,
  tolerance = TOLERANCE,
): Promise<TableRow[]> {
  const committed = await committedKeys(store);
  const reader = new TableReader(store, host);
  const groups: { readonly cell: Cell; readonly rows: TableRow[] }[] = [];
  for (const group of rangesOfOne(cells.filter(({ key }) => committed.has(key))))
    groups.push({ cell: group[0], rows: await reader.lines(group) });
  return compareFingerprints(groups, cells, tolerance);
}

/** One value. Spreadsheets treat text that starts with =, +, - or @ as a formula, so such text gets a quote. */
const field = (value: unknown): string => {
  const plain =
    typeof value === "object" && value !== null ? JSON.stringify(value) : String(value ?? "");
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${plain}` : plain;
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

/** The table as CSV (RFC 4180), with a column for every name in any line. */
export function tableCsv(rows: readonly TableRow[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const lines = rows.map((row) => columns.map((name) => field(row[name])).join(","));
  return `${[columns.join(","), ...lines].join("\n")}\n`;
}
