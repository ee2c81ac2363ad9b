import { z } from "zod";
import type { Note } from "../math/note.ts";
import { loadedPlugins } from "../math/plugin.ts";
import { trainInNode } from "../train/node.ts";
import { trainOptions } from "../train/options.ts";
import { type Context, command } from "./kit/command.ts";
import { DataDir, Device, Threads } from "./kit/options.ts";
import { progress } from "./kit/progress.ts";
import { quoted } from "./kit/resuming.ts";

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

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

/** `rampart train`: trains a model in a run directory, from scratch or from its newest checkpoint. */
export const trainCommand = command({
  summary: "Train a classifier, with or without a defence.",
  options: () =>
    trainOptions().extend({
      out: z.string().describe("run directory to write"),
      resume: z
        .boolean()
        .default(false)
        .describe("continue the run in --out with its stored options"),
      device: Device,
      threads: Threads,
      dataDir: DataDir,
    }),
  files: {
    inputs: ["data"],
    outputs: { out: { folder: ["config.json", "metrics.jsonl", "checkpoints", "model.onnx"] } },
  },
  examples: [
    "rampart train --defense rat-linf-uniform --model cnn-small --data shapes --recipe short --out runs/rat",
    "rampart train --defense at-linf --model wrn-28-10 --data cifar10 --epsilon-linf 8/255 --out runs/at",
    "rampart train --out runs/at --resume",
  ],
  async run({ out, resume, device, threads, dataDir, ...options }, context: Context) {
    const bar = progress(context.stderr, { json: context.json });
    const typed = context.argv.map(quoted).join(" ");
    const where = {
      out,
      resume,
      device,
      threads,
      dataDir,
      signal: context.signal,
      note: ({ text }: Note) => context.note(text),
      command: typed,
    };
    try {
      for await (const event of trainInNode(options, where)) {
        if (event.event === "step") bar.update("training", event.step, event.steps);
        else context.emit(event);
        if (event.event === "warning") bar.log(`warning: ${event.message}`);
        if (event.event === "start" && event.from !== null)
          bar.log(`continuing from ${event.from} (step ${event.step} of ${event.steps})`);
        if (event.event === "epoch")
          bar.log(
            `epoch ${event.epoch}: loss ${event.loss.toFixed(4)}, ${percent(event.trainAccuracy)} of training examples, ${percent(event.testAccuracy)} of ${event.testExamples} clean test images, ${event.seconds.toFixed(1)} s`,
          );
        if (event.event === "interrupted")
          bar.log(
            `stopped after step ${event.step} of ${event.steps}; ${event.path} is saved. Continue with:`,
            `  ${resumeCommand(out, { dataDir, device, threads })}`,
          );
        if (event.event === "done") context.print(`trained ${out} (${event.step} steps)`);
      }
    } finally {
      bar.stop();
    }
  },
});
