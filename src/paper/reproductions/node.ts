// The tables and figures that `rampart reproduce` makes.

import { join } from "node:path";
import { leaseWork, type WorkLease } from "../../files/lease/node.ts";
import { writeWhole } from "../../files/node.ts";
import { unknownName } from "../../math/nearest.ts";
import type { OnNote } from "../../math/note.ts";
import { UsageError } from "../../math/usage-error.ts";
import { textTable } from "../../report/text-table.ts";
import { artefactOptions, artefactSummary } from "../artefact.ts";
import { artefactChart, artefactGrid } from "../artefact-grid.ts";
import type { Table } from "../cells.ts";
import { runArtefact } from "../demonstration/node.ts";
import { type Trial, trials } from "../dry-run.ts";
import { figure1 } from "../figure1.ts";
import { table2Grid, table3Grid } from "../grids.ts";
import { costOf, runCells } from "../node.ts";
import { planOf } from "../plan.ts";
import { gridProduct, json, type Product, type ProductEvents, reported } from "../product.ts";
import { realFigure } from "../real-figure/node.ts";
import { PAPER_RADII, table2, table3 } from "../regions.ts";
import { datasetOf, type Reproduction, resultsOf } from "../stored/node.ts";
import { table4Product } from "../table4-product.ts";
import { table1 } from "../theory/table1.ts";
import { theoryText } from "../theory-text.ts";

type Make = (reproduction: Reproduction) => ProductEvents;

/** The setting that completes the titles of tables: network, data set and scale. */
const settingOf = ({ scale: { name, training } }: Reproduction): string =>
  `${training.model} on ${training.data}, scale ${name}`;

/** Rows of the published protocol by defence. */
const publishedRows = (results: Awaited<ReturnType<typeof resultsOf>>) =>
  Object.fromEntries(
    Object.entries(results).map(([defense, { rows }]) => [defense, rows.published ?? []]),
  );

// biome-ignore lint/correctness/useYield: Table 1 takes a moment and reports no events.
async function* theoryTable(): ProductEvents {
  const rows = table1([2, 784, 3072, 150528]);
  const text = theoryText(rows);
  return {
    name: "table1",
    data: rows,
    text,
    files: { "table1.json": json(rows), "table1.txt": `${text}\n` },
  };
}

/** A table made of rows: runs its cells, then makes the table from all stored rows, even after an interruption. */
const rowTable = (table: Table, product: (reproduction: Reproduction) => Promise<Product>): Make =>
  async function* (reproduction) {
    const { workers } = reproduction;
    if (workers !== undefined) {
      // Loaded late: most of it is not needed in one process.
      const { runBySweep } = await import("../by-sweep/node.ts");
      yield* runBySweep(table, reproduction, workers);
    }
    yield* runCells(table, reproduction);
    return product(reproduction);
  };

async function regionsTable2(reproduction: Reproduction): Promise<Product> {
  const columns = table2(publishedRows(await resultsOf("table2", reproduction)), PAPER_RADII);
  return gridProduct("table2", columns, [
    table2Grid(columns, PAPER_RADII, settingOf(reproduction)),
  ]);
}

async function regionsTable3(reproduction: Reproduction): Promise<Product> {
  const columns = table3(publishedRows(await resultsOf("table3", reproduction)), PAPER_RADII);
  return gridProduct("table3", columns, [
    table3Grid(columns, PAPER_RADII, settingOf(reproduction)),
  ]);
}

async function defensesTable4(reproduction: Reproduction): Promise<Product> {
  return table4Product(await resultsOf("table4", reproduction), settingOf(reproduction));
}

async function* demonstration(reproduction: Reproduction): ProductEvents {
  if (!(yield* runCells("artefact", reproduction))) return null;
  const rows = yield* runArtefact("ni-normal", reproduction);
  if (rows.length === 0) return null;
  const points = artefactSummary(rows, artefactOptions(reproduction.scale).draws);
  const grid = artefactGrid(points, `ni-normal, ${settingOf(reproduction)}`);
  return gridProduct("artefact", points, [grid], [artefactChart(points)]);
}

async function* planeFigure({ runtime, seed, signal, scale }: Reproduction): ProductEvents {
  const { svg, data } = yield* reported((report) =>
    figure1({
      runtime,
      seed,
      scale: scale.name === "smoke" ? "smoke" : "small",
      signal,
      onProgress: ({ stage, done, total }) =>
        report({ event: "progress", cell: stage, done, total }),
    }),
  );
  return {
    name: "figure1",
    data,
    text: `Figure 1: three panels of real computation\n${json(data.classifiers ?? data)}`,
    files: { "figure1.svg": svg, "figure1.json": `${JSON.stringify(data)}\n` },
  };
}

const makers: Readonly<Record<string, Make>> = {
  table1: theoryTable,
  table2: rowTable("table2", regionsTable2),
  table3: rowTable("table3", regionsTable3),
  table4: rowTable("table4", defensesTable4),
  artefact: demonstration,
  figure1: planeFigure,
};

/** Examples per step of a dry run. */
const TRIAL_BATCH = 8;

const trialText = (all: readonly Trial[]): string =>
  textTable([
    [`one batch of ${TRIAL_BATCH}`, "loss", "training step", "PGD gradient", "C&W gradient"],
    ...all.map(({ defense, loss, trainSeconds, pgdSeconds, cwSeconds }) => [
      defense,
      loss.toFixed(3),
      `${trainSeconds.toFixed(2)} s`,
      `${pgdSeconds.toFixed(2)} s`,
      `${cwSeconds.toFixed(2)} s`,
    ]),
  ]);

/** Tries each defence of a table for one step and two gradients, and estimates the whole cost; writes no files. */
async function* dryRun(table: Table, reproduction: Reproduction): ProductEvents {
  const dataset = await datasetOf(reproduction);
  const plan = planOf(table, reproduction, dataset);
  const cost = await costOf(table, reproduction);
  if (cost !== null) yield cost;
  const all: Trial[] = [];
  for await (const trial of trials(plan, dataset, reproduction.runtime, TRIAL_BATCH)) {
    all.push(trial);
    yield { event: "progress", cell: "dry run", done: all.length, total: plan.defenses.length };
    if (reproduction.signal?.aborted) return null;
  }
  return {
    name: `${table}-dry-run`,
    data: { cost, trials: all },
    text: trialText(all),
    files: {},
  };
}

/** Names of everything that can be reproduced. */
export const productNames: readonly string[] = Object.keys(makers);

/** Options of `produce`. */
export interface ProduceOptions {
  /** Computes Figure 1 through a real test image instead of the two-dimensional problem. */
  readonly real: boolean;
  /** Tries each defence for one step and estimates the whole cost, instead of making the table. */
  readonly dryRun: boolean;
}

/** Makes one table or figure. Throws `UsageError` for an unknown name, or for an option that does not fit the name. */
export function produce(
  name: string,
  reproduction: Reproduction,
  { real, dryRun: isDryRun }: ProduceOptions,
): ProductEvents {
  if (!Object.hasOwn(makers, name))
    throw new UsageError(unknownName("reproduction", name, productNames), { code: "unknown-name" });
  if (reproduction.workers !== undefined && !["table2", "table3", "table4"].includes(name))
    throw new UsageError(
      `--workers works with table2, table3 and table4 only, not with ${name}; leave it out`,
      { code: "bad-option" },
    );
  if (real && name !== "figure1")
    throw new UsageError(`--real works with figure1 only, not with ${name}; leave it out`, {
      code: "bad-option",
    });
  if (!isDryRun) return real ? realFigure(reproduction) : makers[name](reproduction);
  if (name !== "table2" && name !== "table3" && name !== "table4")
    throw new UsageError(
      `--dry-run works with table2, table3 and table4 only, not with ${name}; leave it out`,
      { code: "bad-option" },
    );
  return dryRun(name, reproduction);
}

/** Takes the lease of a reproduction's folder. Throws `UsageError` if another process has it. */
export const leaseReproduction = (
  { out, signal }: Pick<Reproduction, "out" | "signal">,
  note?: OnNote,
): Promise<WorkLease> =>
  leaseWork({
    prefix: join(out, "lease"),
    owned: out,
    remedy: "choose another --out",
    note,
    signal,
  });

/**
 * Writes the files of a product atomically, and yields their paths. Throws `UsageError` before the next file once another
 * process has taken over the folder.
 */
export async function* writeProduct(
  { files }: Product,
  out: string,
  lease: Pick<WorkLease, "check">,
): AsyncGenerator<string, void, void> {
  for (const [name, contents] of Object.entries(files)) {
    await lease.check();
    const path = join(out, name);
    await writeWhole(path, contents);
    yield path;
  }
}
