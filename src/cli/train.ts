import { z } from "zod";
import { nodeRuntime } from "../engine/runtime/node.ts";
import { trainFileInNode } from "../harden/node.ts";
import type { Note } from "../math/note.ts";
import { loadedPlugins } from "../math/plugin.ts";
import { UsageError } from "../math/usage-error.ts";
import { trainInNode } from "../train/node.ts";
import { type TrainOptions, trainOptions } from "../train/options.ts";
import { type Context, command } from "./kit/command.ts";
import {
  type FileReadingFlags,
  fileReading,
  readingIn,
  statedReading,
} from "./kit/file-reading.ts";
import { flagOf } from "./kit/flags.ts";
import { DataDir, Device, Threads } from "./kit/options.ts";
import { namesOf, pick } from "./kit/pick.ts";
import { progress } from "./kit/progress.ts";
import { quoted, resuming } from "./kit/resuming.ts";
import { RUN_FILES, tellTraining } from "./kit/training-events.ts";

/** The command that continues a run. Its other options are stored in the run directory. */
function resumeCommand(
  out: string,
  flags: {
    readonly dataDir: string | undefined;
    readonly device: string;
    readonly threads: number | undefined;
  },
): string {
  const words = ["rampart", "train", "--out", out, "--resume"];
  if (flags.dataDir !== undefined) words.push("--data-dir", flags.dataDir);
  if (flags.device !== "cpu") words.push("--device", flags.device);
  if (flags.threads !== undefined) words.push("--threads", String(flags.threads));
  for (const plugin of loadedPlugins()) words.push("--plugin", plugin);
  return words.map(quoted).join(" ");
}

const From = z
  .string()
  .optional()
  .describe(
    "any .onnx file, whose weights are trained further, instead of --model; model.onnx in --out is the same file with trained weights",
  );

/** `rampart train`: trains a model in a run directory, from scratch, from a file, or from its newest checkpoint. */
export const trainCommand = command({
  summary: "Train a classifier, with or without a defence.",
  options: () =>
    trainOptions().extend({
      out: z.string().describe("run directory to write"),
      from: From,
      resume: z
        .boolean()
        .default(false)
        .describe("continue the run in --out with its stored options"),
      device: Device,
      threads: Threads,
      dataDir: DataDir,
      ...fileReading,
    }),
  files: {
    inputs: ["data", "from", "classes", "preprocessing"],
    outputs: { out: { folder: [...RUN_FILES] } },
  },
  examples: [
    "rampart train --defense rat-linf-uniform --model cnn-small --data shapes --recipe short --out runs/rat",
    "rampart train --defense at-linf --model wrn-28-10 --data cifar10 --epsilon-linf 8/255 --out runs/at",
    "rampart train --defense e-at --from model.onnx --data folder:photos --recipe harden --out runs/e-at",
    "rampart train --out runs/at --resume",
  ],
  async run(values, context: Context) {
    const { out, from, resume, device, threads, dataDir } = values;
    const options = pick(values, namesOf(trainOptions().shape));
    const bar = progress(context.stderr, { json: context.json });
    const where = {
      out,
      resume,
      dataDir,
      signal: context.signal,
      note: ({ text }: Note) => context.note(text),
      command: context.argv.map(quoted).join(" "),
    };
    if (from === undefined) refuseReading(values);
    const events =
      from === undefined
        ? trainInNode(options, Object.assign({ device, threads }, where))
        : trainFileInNode(
            withoutModel(options),
            Object.assign(
              { path: from, runtime: await nodeRuntime({ device, threads }) },
              where,
              readingIn(values),
            ),
          );
    const next =
      from === undefined
        ? resumeCommand(out, { dataDir, device, threads })
        : resuming(context.argv);
    try {
      for await (const event of events) {
        tellTraining(event, bar, context, next);
        if (event.event === "done") context.print(`trained ${out} (${event.step} steps)`);
      }
    } finally {
      bar.stop();
    }
  },
});

/** Throws `UsageError` if both a built-in network and a file are named. */
function withoutModel(options: TrainOptions): TrainOptions {
  if (options.model === undefined) return options;
  throw new UsageError(`--from and --model ${options.model} both name the network; give one`, {
    code: "bad-option",
  });
}

/** Throws `UsageError` for flags about a file where there is none. */
function refuseReading(values: FileReadingFlags): void {
  const unused = statedReading(values);
  if (unused === undefined) return;
  throw new UsageError(
    `${flagOf(unused)} says how to read a file, but there is none; give --from FILE`,
    { code: "bad-option" },
  );
}
