import { z } from "zod";
import { openNodeStore } from "../sweep/node.ts";
import { requireRedisUrl } from "../sweep/queue/node-redis.ts";
import { serveQueue } from "../sweep/queue/node-serve.ts";
import type { FailedCell } from "../sweep/status.ts";
import { type Context, command } from "./kit/command.ts";
import { DataDir } from "./kit/options.ts";
import { progress } from "./kit/progress.ts";
import { failedLines, failureCode, Patience, reporter } from "./sweep-output.ts";

/** `rampart worker`: computes the cells of a store's plans that a queue names. */
export const workerCommand = command({
  summary: "Compute the cells of sweeps that a queue names, on any number of machines.",
  options: z.strictObject({
    store: z.string().describe("folder of results, shared by all machines"),
    queue: z
      .string()
      .meta({ placeholder: "url" })
      .describe("Redis of the queue: redis://host:6379"),
    workers: z.int().positive().max(256).default(1).describe("cells to compute at the same time"),
    untilDone: z
      .boolean()
      .default(false)
      .describe("end once every cell is done or has failed; otherwise wait for further plans"),
    rescan: z
      .number()
      .positive()
      .default(60)
      .describe("seconds between checks for cells that the queue has lost"),
    patience: Patience,
    dataDir: DataDir,
  }),
  files: { inputs: [], outputs: {} },
  examples: [
    "rampart worker --store /shared/results --queue redis://head:6379",
    "rampart worker --store /shared/results --queue redis://head:6379 --workers 4 --until-done",
  ],
  async run({ store: folder, queue, ...options }, context: Context) {
    requireRedisUrl(queue);
    const store = await openNodeStore(folder, { create: false });
    const bar = progress(context.stderr, { json: context.json });
    try {
      const counts = { done: 0 };
      const board = await serveQueue({
        ...options,
        store,
        url: queue,
        signal: context.signal,
        note: (text) => bar.log(text),
        onEvent: reporter(
          (event) => {
            if (event.event === "committed") bar.log(`${event.cell.label}: done`);
            if (event.event === "committed") counts.done++;
          },
          bar,
          context,
        ),
      });
      const failed = [...board.failed].map(([key, failure]): FailedCell => {
        const label = board.cells.get(key)?.label ?? key;
        return { key, label, ...failure };
      });
      context.emit({ result: { done: counts.done, failed } });
      context.note(...failedLines(failed));
      context.print(`${counts.done} cells done by this worker; ${board.done.size} in all`);
      context.exitWith(failureCode(failed));
    } finally {
      bar.stop();
    }
  },
});
