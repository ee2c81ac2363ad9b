import { z } from "zod";
import { devices, MAX_THREADS } from "../../engine/runtime/runtime.ts";
import { own } from "../../math/own.ts";
import { UsageError } from "../../math/usage-error.ts";
import type { ImportedOptions } from "../../models/imported-network.ts";
import { bytesOf } from "./bytes.ts";
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

/** Threads within an operator: more than a machine has cores are of no use, and thousands end the process. */
export const Threads = z
  .int()
  .positive()
  .max(MAX_THREADS)
  .optional()
  .describe("threads of the runtime; by default one per core");

/** Constants that a foreign file may make, as text for `bytesOf`. */
export const MaxConstants = z
  .string()
  .meta({ placeholder: "size" })
  .optional()
  .describe(
    "constants that the file may make beside what it stores: 4GiB, 500MB; by default 768MiB, or more if it stores much",
  );

const PerChannel = z.array(z.number()).min(1);

/** How an .onnx file that rampart did not write takes its images, which are in [0, 1] everywhere else. */
export const modelOptions = {
  mean: PerChannel.optional().describe(
    "what the file's network expects to be subtracted from pixels in [0, 1], per channel",
  ),
  std: PerChannel.optional().describe("what it expects pixels to be divided by, per channel"),
  scale: z
    .number()
    .positive()
    .optional()
    .describe("what white is to the network, 1 or 255; by default 255 if it takes whole numbers"),
  layout: z
    .enum(["nchw", "nhwc"])
    .optional()
    .describe("order of the axes that the file takes; found from its shape by default"),
  channelOrder: z
    .enum(["rgb", "bgr"])
    .optional()
    .describe(
      "order of the channels that the file takes; --mean and --std are in it (default: rgb)",
    ),
  inputShape: z
    .array(z.int().positive())
    .min(1)
    .optional()
    .describe("channels, rows and columns of the images, where the file leaves them open"),
  pictureInput: z
    .string()
    .optional()
    .describe("name of the file's input that takes the images; the only one by default"),
  constants: z
    .array(z.string())
    .optional()
    .describe(
      "what the file's other inputs are fed at every prediction: keep_prob=1,training=false",
    ),
  output: z
    .string()
    .optional()
    .describe("name of the classes' scores, an output of the file or of any of its nodes"),
  blockSize: z
    .int()
    .positive()
    .optional()
    .describe("8 or 16, for a file that was optimised for one kind of CPU and does not show which"),
  maxConstants: MaxConstants,
  straightThrough: z
    .boolean()
    .default(false)
    .describe("let gradients through rounding and quantisation, approximately"),
};

const ModelOptions = z.object(modelOptions);

const truths: Readonly<Record<string, number>> = { true: 1, false: 0 };

/** `name=1` of --constants. */
function constantOf(text: string): readonly [string, number] {
  const at = text.lastIndexOf("=");
  const value = text.slice(at + 1).trim();
  const number = own(truths, value.toLowerCase()) ?? numberOf(value);
  if (at < 1 || number === undefined)
    throw new UsageError(
      `--constants holds ${JSON.stringify(text)}, but each entry is the name of an input and a number, true or false: keep_prob=1`,
    );
  return [text.slice(0, at).trim(), number];
}

/** The options of a file among those of a command, with what was not given left out. */
export function fileOptions(values: z.output<typeof ModelOptions>): ImportedOptions {
  const { mean, std, scale, layout, channelOrder, inputShape, pictureInput, constants } = values;
  const { output, blockSize, maxConstants, straightThrough } = values;
  return {
    straightThrough,
    ...(mean !== undefined && { mean }),
    ...(std !== undefined && { std }),
    ...(scale !== undefined && { scale }),
    ...(layout !== undefined && { layout }),
    ...(channelOrder !== undefined && { channelOrder }),
    ...(inputShape !== undefined && { shape: inputShape }),
    ...(pictureInput !== undefined && { input: pictureInput }),
    ...(constants !== undefined && { constants: Object.fromEntries(constants.map(constantOf)) }),
    ...(output !== undefined && { output }),
    ...(blockSize !== undefined && { blockSize }),
    ...(maxConstants !== undefined && { maxConstants: bytesOf(maxConstants, "--max-constants") }),
  };
}
