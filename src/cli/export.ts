import { z } from "zod";
import { exportOnnx } from "../models/export.ts";
import { openModelInNode } from "../models/opening/node.ts";
import { command } from "./kit/command.ts";
import { writeOutput } from "./kit/outputs.ts";

/** `rampart export`: writes the network of a model, without its noise, as an .onnx file for any ONNX runtime. */
export const exportCommand = command({
  summary: "Write a trained model as an .onnx file.",
  options: z.strictObject({
    out: z.string().describe("the .onnx file to write; - for standard output"),
  }),
  positionals: ["model"],
  files: { inputs: ["model"], outputs: { out: "stream" } },
  examples: ["rampart export runs/rat --out rat.onnx"],
  async run({ model, out }, context) {
    const opened = await openModelInNode(model);
    const bytes = exportOnnx(opened.architecture, opened.parameters, opened);
    await writeOutput(context, out, bytes);
    for (const { text } of opened.notes ?? []) context.note(text);
    const { defense, noise } = opened;
    context.print(`wrote ${out} (${bytes.length} bytes)`);
    if (noise !== null)
      context.note(
        `${out} holds the noise-free network; its noise, ${noise} on pixels in [0, 1], is in the file's metadata`,
      );
    context.emit({ out, bytes: bytes.length, defense, noise });
  },
});
