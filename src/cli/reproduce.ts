import { z } from "zod";
import { nodeRuntime } from "../engine/runtime/node.ts";
import { evaluationKinds } from "../paper/cells.ts";
import { spoken } from "../paper/cost.ts";
import type { ReproduceEvent } from "../paper/events.ts";
import { leaseReproduction, produce, writeProduct } from "../paper/reproductions/node.ts";
import { scaleNames, scales } from "../paper/scales.ts";
import type { Reproduction } from "../paper/stored/node.ts";
import { sweepPlan } from "../paper/sweep-plan.ts";
import { type Context, command } from "./kit/command.ts";
import { DataDir, Device, Seed, Threads } from "./kit/options.ts";
import { type Progress, progress } from "./kit/progress.ts";
import { quoted } from "./kit/resuming.ts";

/** Shows an event in the progress bar, and emits it for `--json`. */
function show(event: ReproduceEvent, bar: Progress, context: Context): void {
  if (event.event === "progress") {
    bar.update(event.cell, event.done, event.total);
    return;
  }
  if (event.event === "row") return;
  context.emit(event);
  if (event.event === "cost")
    bar.log(
      `${event.left} of ${event.cells} cells are left: ${spoken(event.seconds)} on this machine (training ${spoken(event.training)}, evaluation ${spoken(event.evaluation)} at most)`,
    );
  if (event.event === "cell" && event.finished) bar.log(`${event.cell}: finished before`);
  if (event.event === "note") bar.log(event.text);
}

/** `rampart reproduce`: recomputes tables and figures of the paper beside the printed numbers. */
export const reproduceCommand = command({
  summary:
    "Reproduce a table or figure of the paper, with the printed numbers beside the new ones.",
  options: z.strictObject({
    out: z
      .string()
      .describe("folder to write models, rows and results to; a later run continues it"),
    scale: z
      .enum(scaleNames)
      .default("small")
      .describe(
        "smoke: a few seconds, exercises the pipeline only; small: real CIFAR-10 in hours on two cores; medium: WRN-16-2 and equal numbers of images, in days; paper: WRN-28-10, 200 epochs",
      ),
    real: z
      .boolean()
      .default(false)
      .describe("for figure1: draw a slice through a real image instead of the toy problem"),
    share: z
      .number()
      .positive()
      .max(1)
      .default(1)
      .describe(
        "share of the test images to use; a later run with a larger share extends the rows",
      ),
    defenses: z
      .array(z.string())
      .min(1)
      .optional()
      .describe("only these defences, separated by commas; by default every defence of the table"),
    kinds: z
      .array(z.enum(evaluationKinds))
      .min(1)
      .optional()
      .describe(
        `only these kinds of evaluation, separated by commas; by default all of ${evaluationKinds.join(", ")}`,
      ),
    workers: z
      .int()
      .positive()
      .max(256)
      .optional()
      .describe(
        "number of processes that compute trainings and evaluations, as rampart sweep does, in the store OUT/store",
      ),
    plan: z
      .boolean()
      .default(false)
      .describe("print the trainings and evaluations as a plan for rampart sweep, and stop"),
    dryRun: z
      .boolean()
      .default(false)
      .describe("run one step and one gradient of each defence, estimate the total cost, and stop"),
    seed: Seed,
    device: Device,
    threads: Threads,
    dataDir: DataDir,
  }),
  positionals: ["what"],
  argumentsHelp: { what: "table1, table2, table3, table4, figure1 or artefact" },
  files: { inputs: [], outputs: { out: { folder: [] } } },
  examples: [
    "rampart reproduce table1 --out runs/paper",
    "rampart reproduce table4 --scale smoke --out runs/smoke",
    "rampart reproduce table4 --scale small --share 0.1 --out runs/paper",
    "rampart reproduce figure1 --real --out runs/paper",
    "rampart reproduce table4 --scale paper --dry-run --out runs/whole",
    "rampart reproduce table4 --workers 2 --out runs/paper",
    "rampart reproduce table4 --scale medium --plan --out runs/medium",
  ],
  async run(
    { what, out, scale, device, threads, real, dryRun, plan, ...options },
    context: Context,
  ) {
    if (plan) {
      const target = { device, threads: threads ?? 1 };
      const file = sweepPlan(what, Object.assign({ scale: scales[scale] }, options), target);
      context.stdout.write(`${JSON.stringify(file, null, 2)}\n`);
      return;
    }
    const runtime = await nodeRuntime({ device, threads: threads ?? (options.workers && 1) });
    const reproduction: Reproduction = {
      ...options,
      out,
      runtime,
      threads,
      scale: scales[scale],
      signal: context.signal,
      command: context.argv.map(quoted).join(" "),
    };
    const events = produce(what, reproduction, { real, dryRun });
    // A dry run writes no files, so it may read a folder that another process is using.
    const lease = dryRun
      ? null
      : await leaseReproduction(reproduction, ({ text }) => context.note(text));
    const bar = progress(context.stderr, { json: context.json });
    try {
      let next = await events.next();
      while (!next.done) {
        show(next.value, bar, context);
        next = await events.next();
      }
      bar.stop();
      const product = next.value;
      if (context.signal.aborted)
        context.note(
          "stopped; finished work is kept. Continue with:",
          `  ${context.argv.map(quoted).join(" ")}`,
        );
      if (product === null) return;
      context.emit({ event: "result", name: product.name, data: product.data });
      context.print(...product.text.split("\n"));
      if (lease === null) return;
      for await (const path of writeProduct(product, out, lease)) {
        context.emit({ event: "file", path });
        context.print(`wrote ${path}`);
      }
    } finally {
      bar.stop();
      await lease?.release();
    }
  },
});
