import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { writeWhole, writing } from "../files/node.ts";
import { exportOnnx } from "../models/export.ts";
import { openModelNode } from "../train/node.ts";
import { command } from "./command.ts";

/** `rampart export`: the noise-free network of a model as an .onnx file that any ONNX runtime opens. */
export const exportCommand = command({
  summary: "Write a trained model as an .onnx file.",
  options: z.strictObject({ out: z.string().describe("the .onnx file to write") }),
  positionals: ["model"],
  examples: ["rampart export runs/rat --out rat.onnx"],
  async run({ model, out }, context) {
    const opened = await openModelNode(model);
    const bytes = exportOnnx(opened.architecture, opened.parameters, opened);
    await writing(out, mkdir(dirname(out), { recursive: true }));
    await writeWhole(out, bytes);
    const { defense, noise } = opened;
    context.print(`wrote ${out} (${bytes.length} bytes)`);
    if (noise !== null)
      context.note(
        `${out} holds the noise-free network; its noise, ${noise} on pixels in [0, 1], is in the file's metadata`,
      );
    context.emit({ out, bytes: bytes.length, defense, noise });
  },
});
