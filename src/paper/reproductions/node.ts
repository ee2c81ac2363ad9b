// What `rampart reproduce` can make, each as data, as text and as files.

import { unknownName } from "../../math/nearest.ts";
import { keyOf, keysFor } from "../../math/random.ts";
import { argmaxRows } from "../../math/tensor.ts";
import { UsageError } from "../../math/usage-error.ts";
import { type Classifier, classifier } from "../../models/classifier.ts";
import { textTable } from "../../report/text-table.ts";
import { artefactOptions, artefactSummary } from "../artefact.ts";
import { artefactChart, artefactGrid } from "../artefact-grid.ts";
import { defensesOf, type Table } from "../cells.ts";
import { trials } from "../dry-run.ts";
import type { ReproduceEvent } from "../events.ts";
import { figure1 } from "../figure1.ts";
import { figure1Real } from "../figure1-real.ts";
import { table2Grid, table3Grid, table4Grid } from "../grids.ts";
import {
  costOf,
  datasetOf,
  type Reproduction,
  resultsOf,
  runArtefact,
  runCells,
  trainedModel,
} from "../node.ts";
import { planOf } from "../plan.ts";
import { table2, table3 } from "../regions.ts";
import { type Grid, gridMarkdown, gridPage, gridSvg } from "../report/grid.ts";
import { sweepGrid } from "../sweep.ts";
import { table4 } from "../table4.ts";
import { table1 } from "../theory/table1.ts";
import { theoryText } from "../theory-text.ts";

/** A finished reproduction. */
export interface Product {
  readonly name: string;
  readonly data: unknown;
  /** For the terminal. */
  readonly text: string;
  /** Contents by file name. */
  readonly files: Readonly<Record<string, string>>;
}

/** Events, then the product; null if it was stopped before there is anything to show. */
export type Events = AsyncGenerator<ReproduceEvent, Product | null, void>;

/** Radii of the paper, §4.4, pixels in [0, 1]. */
const RADII = { linf: 0.031, l2: 0.83 } as const;

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

/** Where the numbers come from, in the words of a title. */
const whereOf = ({ scale: { name, training } }: Reproduction): string =>
  `${training.model} on ${training.data}, scale ${name}`;

/** A grid for a terminal: labels, values, and in brackets what stands small beneath them. */
const gridText = ({ title, columns, rows, notes }: Grid): string =>
  [
    title,
    textTable([
      ["", ...columns],
      ...rows.map(({ label, cells }) => [label, ...cells.map(({ text }) => text)]),
    ]),
    ...notes,
  ].join("\n");

function productOf(name: string, data: unknown, grids: readonly Grid[], figures: string[] = []) {
  return {
    name,
    data,
    text: grids.map(gridText).join("\n\n"),
    files: {
      [`${name}.json`]: json(data),
      [`${name}.md`]: grids.map(gridMarkdown).join("\n"),
      [`${name}.html`]: gridPage(grids[0].title, grids, figures),
      ...Object.fromEntries(
        grids.map((grid, i) => [i === 0 ? `${name}.svg` : `${name}-${i + 1}.svg`, gridSvg(grid)]),
      ),
    },
  };
}

/** Yields what an action tells while it runs, then gives its result. */
async function* reported<T>(
  action: (tell: (event: ReproduceEvent) => void) => Promise<T>,
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
  finished.catch(() => {}); // it is awaited below, after what it told
  while (running || waiting.length > 0) {
    if (waiting.length === 0)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    yield* waiting.splice(0);
  }
  return finished;
}

type Make = (reproduction: Reproduction) => Events;

/** A table that is made of rows: its cells first, then whatever the rows that are there say. */
const tableMaker = (
  table: Table,
  product: (reproduction: Reproduction) => Promise<Product>,
): Make =>
  async function* (reproduction) {
    yield* runCells(table, reproduction);
    return product(reproduction);
  };

const makers: Readonly<Record<string, Make>> = {
  // biome-ignore lint/correctness/useYield: nothing happens that would be worth an event.
  table1: async function* () {
    const rows = table1([2, 784, 3072, 150528]);
    const text = theoryText(rows);
    return {
      name: "table1",
      data: rows,
      text,
      files: { "table1.json": json(rows), "table1.txt": `${text}\n` },
    };
  },
  table2: tableMaker("table2", async (reproduction) => {
    const columns = table2(publishedRows(await resultsOf("table2", reproduction)), RADII);
    return productOf("table2", columns, [table2Grid(columns, RADII, whereOf(reproduction))]);
  }),
  table3: tableMaker("table3", async (reproduction) => {
    const columns = table3(publishedRows(await resultsOf("table3", reproduction)), RADII);
    return productOf("table3", columns, [table3Grid(columns, RADII, whereOf(reproduction))]);
  }),
  table4: tableMaker("table4", async (reproduction) => {
    const results = await resultsOf("table4", reproduction);
    const columns = table4(results, RADII.l2);
    const sweep = sweepGrid(results, whereOf(reproduction));
    const grids = [
      table4Grid(columns, whereOf(reproduction)),
      ...(sweep === null ? [] : [sweep.grid]),
    ];
    return productOf("table4", { columns, sweep: sweep?.data ?? [] }, grids);
  }),
  artefact: async function* (reproduction) {
    if (!(yield* runCells("artefact", reproduction))) return null;
    const rows = yield* runArtefact("ni-normal", reproduction);
    if (rows.length === 0) return null;
    const { draws } = artefactOptions(reproduction.scale);
    const points = artefactSummary(rows, draws);
    const chart = artefactChart(points);
    const grid = artefactGrid(points, `ni-normal, ${whereOf(reproduction)}`);
    const product = productOf("artefact", points, [grid], [chart]);
    return product;
  },
  figure1: async function* (reproduction) {
    const { runtime, seed, signal, scale } = reproduction;
    const size = scale.name === "smoke" ? "smoke" : "small";
    const { svg, data } = yield* reported((told) =>
      figure1({
        runtime,
        seed,
        scale: size,
        signal,
        onProgress: ({ stage, done, total }) =>
          told({ event: "progress", cell: stage, done, total }),
      }),
    );
    const text = `Figure 1: three panels of real computation\n${json(data.classifiers ?? data)}`;
    return {
      name: "figure1",
      data,
      text,
      files: { "figure1.svg": svg, "figure1.json": `${JSON.stringify(data)}\n` },
    };
  },
};

const publishedRows = (results: Awaited<ReturnType<typeof resultsOf>>) =>
  Object.fromEntries(
    Object.entries(results).map(([defense, { rows }]) => [defense, rows.published ?? []]),
  );

/** How many test images are looked at for one that every classifier gets right. */
const LOOK = 200;

/** The plane of both attacks through the first test image that all three classifiers get right. */
async function* realFigure(reproduction: Reproduction): Events {
  if (!(yield* runCells("figure1", reproduction))) return null;
  const { out, runtime, seed, signal } = reproduction;
  const { test, classes } = await datasetOf(reproduction);
  const indices = Array.from({ length: Math.min(LOOK, test.size) }, (_, i) => i);
  const classifiers: { readonly name: string; readonly network: Classifier }[] = [];
  const right = new Set(indices);
  try {
    for (const name of defensesOf("figure1")) {
      const model = await trainedModel(out, name);
      const network = classifier(runtime, model.architecture, model.parameters);
      classifiers.push({ name, network });
      const logits = await network.logits(test.images(indices), keysFor(keyOf(0), indices));
      for (const [i, guess] of argmaxRows(logits).entries())
        if (guess !== Number(test.labels[i])) right.delete(i);
    }
    const [index] = right;
    if (index === undefined)
      throw new UsageError(
        `none of the first ${indices.length} test images is classified correctly by all three classifiers; train them at a larger --scale`,
        { code: "misfit" },
      );
    // The image itself is the data set's, not ours to write anywhere: it stays out of the drawing and the data.
    const { svg, data } = yield* reported((told) =>
      figure1Real({
        classifiers,
        x: test.images([index]),
        label: Number(test.labels[index]),
        classNames: classes,
        epsilonLinf: RADII.linf,
        epsilonL2: RADII.l2,
        seed,
        signal,
        onProgress: ({ stage, done, total }) =>
          told({ event: "progress", cell: stage, done, total }),
      }),
    );
    const result = { index, ...data };
    const text = `Figure 1 through test image ${index} (${classes[data.label]}): ${data.panels.length} panels`;
    const files = { "figure1-real.svg": svg, "figure1-real.json": `${JSON.stringify(result)}\n` };
    return { name: "figure1-real", data: result, text, files };
  } finally {
    await Promise.all(classifiers.map(({ network }) => network.release()));
  }
}

/** One step of each defence at this scale, and the cost of the whole. */
async function* tried(table: Table, reproduction: Reproduction): Events {
  const dataset = await datasetOf(reproduction);
  const plan = planOf(table, reproduction, dataset);
  const cost = await costOf(table, reproduction);
  if (cost !== null) yield cost;
  const all = [];
  for await (const trial of trials(plan, dataset, reproduction.runtime, 8)) {
    all.push(trial);
    yield { event: "progress", cell: "dry run", done: all.length, total: plan.defenses.length };
    if (reproduction.signal?.aborted) return null;
  }
  const lines = all.map(({ defense, loss, trainSeconds, pgdSeconds, cwSeconds }) => [
    defense,
    loss.toFixed(3),
    ...[trainSeconds, pgdSeconds, cwSeconds].map((one) => `${one.toFixed(2)} s`),
  ]);
  return {
    name: `${table}-dry-run`,
    data: { cost, trials: all },
    text: textTable([
      ["one batch of 8", "loss", "training step", "PGD gradient", "C&W gradient"],
      ...lines,
    ]),
    files: {},
  };
}

/** The names that `rampart reproduce` knows. */
export const productNames: readonly string[] = Object.keys(makers);

/** Makes one table or figure; `dryRun` only shows that it could be made, and at what cost. */
export function produce(
  what: string,
  reproduction: Reproduction,
  { real, dryRun }: { readonly real: boolean; readonly dryRun: boolean },
): Events {
  if (!Object.hasOwn(makers, what))
    throw new UsageError(unknownName("reproduction", what, productNames), { code: "unknown-name" });
  if (real && what !== "figure1")
    throw new UsageError(`--real is about figure1, not ${what}; leave it out`, {
      code: "bad-option",
    });
  if (!dryRun) return real ? realFigure(reproduction) : makers[what](reproduction);
  if (what !== "table2" && what !== "table3" && what !== "table4")
    throw new UsageError(
      `--dry-run is about table2, table3 and table4, not ${what}; leave it out`,
      { code: "bad-option" },
    );
  return tried(what, reproduction);
}
