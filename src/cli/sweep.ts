import { z } from "zod";
import { nodeHost } from "../files/host/node.ts";
import { writeWhole } from "../files/node.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Cell } from "../sweep/cell.ts";
import { type Asked, ask } from "../sweep/control.ts";
import { attemptContext, NodeWorkers, openNodeStore, planInNode } from "../sweep/node.ts";
import { planSchemaText } from "../sweep/plan/schema.ts";
import { addPlan, readPlans, type StoredPlan } from "../sweep/plans.ts";
import { CellQueue } from "../sweep/queue/node.ts";
import { requireRedisUrl } from "../sweep/queue/node-redis.ts";
import { committedKeys } from "../sweep/results.ts";
import { inShard, shardOf } from "../sweep/shard.ts";
import { type FailedCell, sweepStatus } from "../sweep/status.ts";
import type { Store } from "../sweep/store/store.ts";
import { resultTable, tableCsv } from "../sweep/table.ts";
import { type Context, command } from "./kit/command.ts";
import { DataDir } from "./kit/options.ts";
import { progress } from "./kit/progress.ts";
import { quoted } from "./kit/resuming.ts";
import { failedLines, failureCode, Patience, reporter, statusLines } from "./sweep-output.ts";

async function showStatus(store: Store, patience: number, context: Context): Promise<void> {
  const status = await sweepStatus(store, await attemptContext(patience));
  context.emit({ status });
  context.print(...statusLines(status));
  context.exitWith(failureCode(status.failed));
}

async function writeTable(
  store: Store,
  { table, patience }: { readonly table: string; readonly patience: number },
  context: Context,
): Promise<void> {
  const cells = (await readPlans(store)).flatMap((plan) => plan.cells);
  const unique = [...new Map(cells.map((cell) => [cell.key, cell])).values()];
  const rows = await resultTable(store, unique, nodeHost);
  await writeWhole(
    table,
    table.endsWith(".json") ? `${JSON.stringify(rows, null, 2)}\n` : tableCsv(rows),
  );
  context.print(`table: ${table} (${rows.length} lines)`);
  const { done, cells: all, failed } = await sweepStatus(store, await attemptContext(patience));
  if (done < all)
    context.note(
      `${all - done} of ${all} cells are not done, so the table has no lines of them; --status says why`,
    );
  context.exitWith(failureCode(failed));
}

/** What the flags ask of the workers of a store; null if nothing. Throws `UsageError` for two of them. */
function askedIn({
  pause,
  drain,
  proceed,
}: Readonly<Record<"pause" | "drain" | "proceed", boolean>>): Asked | null {
  if (Number(pause) + Number(drain) + Number(proceed) > 1)
    throw new UsageError("--pause, --drain and --proceed exclude each other; give one", {
      code: "bad-option",
    });
  if (pause) return "pause";
  if (drain) return "drain";
  return proceed ? "run" : null;
}

/** Shows the cells of a plan and their cost. */
function showPlan({ name, cells, target }: StoredPlan, context: Context): void {
  for (const { key, label, cost, work } of cells)
    context.emit({ cell: { key, label, kind: work.kind, inputs: work.inputs, flops: cost } });
  context.print(
    ...cells.map(({ label, cost }) => `${label.padEnd(60)} ${(cost / 1e9).toPrecision(3)} GFLOP`),
  );
  const total = cells.reduce((sum, { cost }) => sum + cost, 0);
  context.print(
    `${name}: ${cells.length} cells, at most ${(total / 1e12).toPrecision(3)} TFLOP, on ${target.engine}, lowering ${target.lowering}, ${target.threads} threads per cell`,
  );
}

/** The typed command without a shard's number, for the message on how to continue. */
const continuing = (context: Context): string => context.argv.map(quoted).join(" ");

/** Queues the cells of a plan that are ready, for `rampart worker`. */
async function enqueue(
  store: Store,
  plan: StoredPlan,
  {
    queue: url,
    patience,
    dataDir,
  }: {
    readonly queue: string;
    readonly patience: number;
    readonly dataDir: string | undefined;
  },
  context: Context,
): Promise<void> {
  const { note, signal } = context;
  const queue = await CellQueue.open(url, store, (text) => note(text));
  try {
    await addPlan(store, plan, nodeHost);
    await ask(store, "run");
    const pool = await NodeWorkers.open(plan, { store, patience, dataDir, signal, note });
    pool.board.setDone(await committedKeys(store));
    await pool.retryFailed(() => true);
    const open = plan.cells.filter(({ key }) => !pool.board.done.has(key));
    const ready = open.filter((cell) => pool.board.isReady(cell));
    await queue.add(ready);
    context.emit({ queued: ready.length, waiting: open.length - ready.length });
    context.print(
      `${ready.length} cells queued, ${open.length - ready.length} wait for them, ${plan.cells.length - open.length} are done`,
      `  watch them with: rampart sweep --status --store ${quoted(store.path)}`,
    );
  } finally {
    await queue.close();
  }
}

interface LocalSweep {
  readonly store: Store;
  readonly plan: StoredPlan;
  readonly workers: number;
  readonly patience: number;
  readonly shard: string | undefined;
  readonly dataDir: string | undefined;
}

/** Works on a plan in this process until it is done, and reports. */
async function runLocal(
  { store, plan, workers, patience, shard, dataDir }: LocalSweep,
  context: Context,
): Promise<void> {
  const wanted: (cell: Cell) => boolean =
    shard === undefined ? () => true : inShard(plan.cells, shardOf(shard, process.env));
  const own = plan.cells.filter(wanted);
  const bar = progress(context.stderr, { json: context.json });
  const doneCells = () => own.filter(({ key }) => pool.board.done.has(key)).length;
  const pool = await NodeWorkers.open(plan, {
    store,
    patience,
    dataDir,
    signal: context.signal,
    note: (text) => bar.log(text),
    onEvent: reporter(
      ({ event }) => {
        if (event === "committed") bar.update("cells", doneCells(), own.length);
      },
      bar,
      context,
    ),
    onProgress: ({ label }, done, total) => {
      if (workers === 1) bar.update(label, done, total);
    },
  });
  try {
    const again = await pool.retryFailed(wanted);
    if (again > 0) bar.log(`trying ${again} failed ${again === 1 ? "cell" : "cells"} again`);
    await pool.run(workers, wanted);
  } finally {
    bar.stop();
  }
  const failed = own.flatMap(({ key, label }): FailedCell[] => {
    const failure = pool.board.failed.get(key);
    return failure === undefined ? [] : [{ key, label, ...failure }];
  });
  const done = doneCells();
  const blocked = own.filter(
    (cell) => !pool.board.failed.has(cell.key) && pool.board.isBlocked(cell),
  );
  context.emit({ result: { done, cells: own.length, failed, blocked: blocked.length } });
  context.note(...failedLines(failed));
  if (blocked.length > 0) context.note(`${blocked.length} more cells need them`);
  context.print(`${done} of ${own.length} cells done: ${store.path}`);
  if (done < own.length && failed.length === 0)
    context.note("stopped; finished cells are kept. Continue with:", `  ${continuing(context)}`);
  context.exitWith(failureCode(failed));
}

/** `rampart sweep`: runs a plan of trainings and evaluations as cells that survive the loss of any process. */
export const sweepCommand = command({
  summary:
    "Run a plan of trainings, evaluations and audits on any number of processes and machines.",
  options: z.strictObject({
    store: z
      .string()
      .optional()
      .describe("folder of results, local or shared by machines; the same plan continues there"),
    workers: z
      .int()
      .positive()
      .max(256)
      .default(1)
      .describe("worker processes on this machine; each cell has the threads that the plan states"),
    shard: z
      .string()
      .optional()
      .meta({ placeholder: "i/n" })
      .describe(
        "i/n computes only every n-th cell, from the i-th (from 0); /n takes i, and auto both, from Slurm, Kubernetes or MPI",
      ),
    queue: z
      .string()
      .optional()
      .meta({ placeholder: "url" })
      .describe("queue the cells on this Redis for rampart worker, and stop: redis://host:6379"),
    dryRun: z.boolean().default(false).describe("print the cells and their cost, and stop"),
    status: z
      .boolean()
      .default(false)
      .describe("print what is done, running, failed and left in --store, and stop"),
    pause: z
      .boolean()
      .default(false)
      .describe("stop all workers of --store from starting further cells"),
    drain: z.boolean().default(false).describe("end each worker of --store after its current cell"),
    proceed: z.boolean().default(false).describe("let paused workers continue"),
    table: z
      .string()
      .optional()
      .describe("file to write all results of --store to as one table, .csv or .json"),
    schema: z.boolean().default(false).describe("print the JSON Schema of plans, and stop"),
    patience: Patience,
    dataDir: DataDir,
  }),
  positionals: ["plan?"],
  argumentsHelp: { plan: "JSON file of the sweep; --schema prints its form" },
  files: { inputs: ["plan"], outputs: { table: "stream" } },
  examples: [
    "rampart sweep plan.json --store results --workers 2",
    "rampart sweep plan.json --dry-run",
    "rampart sweep --status --store results",
    "rampart sweep plan.json --store /shared/results --shard auto",
    "rampart sweep --store results --table results.csv",
    "exit code 2: a cell failed for a reason that you can fix; 1: because of a bug; 0: no cell failed",
  ],
  async run(values, context: Context) {
    const { plan: path, store: folder, workers, shard, dataDir, patience, table, queue } = values;
    if (values.schema) {
      context.stdout.write(planSchemaText());
      return;
    }
    if (queue !== undefined) requireRedisUrl(queue);
    if (queue !== undefined && shard !== undefined)
      throw new UsageError("--queue and --shard both share out the cells; leave one of them out", {
        code: "bad-option",
      });
    if (queue !== undefined && table !== undefined)
      throw new UsageError(
        "--queue only queues the cells, so there is no table yet; leave out --table, and write it once the workers are done",
        { code: "bad-option" },
      );
    if (values.dryRun && path === undefined)
      throw new UsageError("--dry-run prints the cells of a plan; give its file", {
        code: "missing-option",
      });
    if (shard !== undefined) shardOf(shard, process.env);
    if (path === undefined && folder === undefined)
      throw new UsageError("a sweep needs a plan, or --store with --status, --table or --pause", {
        code: "missing-option",
        next: "for example: rampart sweep plan.json --store results --workers 2",
      });
    const plan = path === undefined ? null : await planInNode(path, { dataDir });
    if (plan !== null && values.dryRun) return showPlan(plan, context);
    if (folder === undefined)
      throw new UsageError("--store is missing: the folder of the results", {
        code: "missing-option",
      });
    const store = await openNodeStore(folder, { create: plan !== null });
    const asked = askedIn(values);
    if (asked !== null) await ask(store, asked);
    if (values.status || asked !== null || plan === null) {
      if (table === undefined || values.status) await showStatus(store, patience, context);
      if (table !== undefined) await writeTable(store, { table, patience }, context);
      return;
    }
    if (queue !== undefined) return enqueue(store, plan, { queue, patience, dataDir }, context);
    await addPlan(store, plan, nodeHost);
    if (shard === undefined) await ask(store, "run");
    await runLocal({ store, plan, workers, patience, shard, dataDir }, context);
    if (table !== undefined) await writeTable(store, { table, patience }, context);
  },
});
