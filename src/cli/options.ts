import { z } from "zod";
import { UsageError } from "../math/usage-error.ts";
import type { ImportedOptions } from "../models/imported.ts";
import { devices } from "../runtime/runtime.ts";
import { numberOf } from "./flags.ts";

/** The start of every random stream. */
export const Seed = z.int().nonnegative().default(0).describe("start of every random stream");

/** Where graphs run; that it is there is found when a runtime is made. */
export const Device = z
  .string()
  .default("cpu")
  .refine((device) => (devices as readonly string[]).includes(device), {
    error: ({ input }) => `there is no device ${input}; use ${devices.join(", ")}`,
  })
  .describe("where graphs run: cpu, webgpu or cuda, see docs/gpu.md");

/** Where data sets are looked for first. */
export const DataDir = z
  .string()
  .optional()
  .describe("folder of data sets; by default $RAMPART_DATA, then ~/.cache/rampart/data");

/** Threads within an operator. */
export const Threads = z
  .int()
  .positive()
  .optional()
  .describe("threads of the runtime; by default one per core");

const PerChannel = z.array(z.number()).min(1);

/** How an .onnx file that rampart did not write takes its pictures, which are in [0, 1] everywhere else. */
export const modelOptions = {
  mean: PerChannel.optional().describe(
    "what the file's network expects to be subtracted from pixels in [0, 1], per channel",
  ),
  std: PerChannel.optional().describe("what it expects pixels to be divided by, per channel"),
  scale: z
    .number()
    .positive()
    .optional()
    .describe(
      "what white is to the network: 1 (the default), or 255 (the default where the file takes bytes)",
    ),
  layout: z
    .enum(["nchw", "nhwc"])
    .optional()
    .describe("order of the axes that the file takes; found from its shape by default"),
  output: z
    .string()
    .optional()
    .describe("name of the file's output with the classes' scores; the first by default"),
  pictureInput: z
    .string()
    .optional()
    .describe("name of the file's input that takes the picture, where it has several"),
  feed: z
    .array(z.string())
    .optional()
    .describe("what other inputs are fed at every prediction: keep_prob=1,training=0"),
  straightThrough: z
    .boolean()
    .default(false)
    .describe("let gradients through rounding and quantisation, approximately"),
};

const ModelOptions = z.object(modelOptions);

/** `name=1` of --feed. */
function fedNumber(text: string): readonly [string, number] {
  const at = text.lastIndexOf("=");
  const value = numberOf(text.slice(at + 1));
  if (at < 1 || value === undefined)
    throw new UsageError(
      `--feed holds "${text}", but each entry is the name of an input and a number: keep_prob=1`,
    );
  return [text.slice(0, at), value];
}

/** The options of a file among those of a command, with what was not given left out. */
export function fileOptions(values: z.output<typeof ModelOptions>): ImportedOptions {
  const { mean, std, scale, layout, output, pictureInput, feed, straightThrough } = values;
  return {
    straightThrough,
    ...(mean !== undefined && { mean }),
    ...(std !== undefined && { std }),
    ...(scale !== undefined && { scale }),
    ...(layout !== undefined && { layout }),
    ...(output !== undefined && { output }),
    ...(pictureInput !== undefined && { input: pictureInput }),
    ...(feed !== undefined && { feed: Object.fromEntries(feed.map(fedNumber)) }),
  };
}
