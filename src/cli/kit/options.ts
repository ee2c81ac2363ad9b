import { z } from "zod";
import { ImageOptions } from "../../data/image-options.ts";
import { readingFlags } from "../../data/reading-flags.ts";
import { devices, MAX_THREADS } from "../../engine/runtime/runtime.ts";
import { defined } from "../../math/defined.ts";
import { lookUp } from "../../math/look-up.ts";
import { numberOf } from "../../math/option-text.ts";
import { UsageError } from "../../math/usage-error.ts";
import type { ImportedOptions } from "../../models/imported-network.ts";
import { bytesOf } from "./bytes.ts";

/** Seed of every random stream. */
export const Seed = z.int().nonnegative().default(0).describe("seed of every random stream");

/** Where graphs run. Whether the machine has the device is checked when the runtime is created. */
export const Device = z
  .string()
  .default("cpu")
  .refine((device) => (devices as readonly string[]).includes(device), {
    error: ({ input }) => `there is no device ${input}; use ${devices.join(", ")}`,
  })
  .describe("where graphs run: cpu, webgpu or cuda, see docs/gpu.md");

/** The first folder that is searched for data sets. */
export const DataDir = z
  .string()
  .optional()
  .describe("folder of data sets; by default $RAMPART_DATA, then ~/.cache/rampart/data");

/** Threads within an operator. More threads than cores gain nothing, and thousands of them kill the process. */
export const Threads = z
  .int()
  .positive()
  .max(MAX_THREADS)
  .optional()
  .describe("threads of the runtime; by default one per core");

/** Memory for the constants that importing a third-party file computes, as text for `bytesOf`. */
export const MaxConstants = z
  .string()
  .meta({ placeholder: "size" })
  .optional()
  .describe(
    "memory for constants that are computed on import, such as 4GiB or 500MB; by default 768MiB, more for a large file",
  );

/** The names of a network's outputs. */
export const Classes = z
  .string()
  .optional()
  .describe(
    "file with the names of the outputs, one per line or as JSON; folders are matched to them by name",
  );

/** How to read an .onnx file that rampart did not write. */
export const modelOptions = {
  ...readingFlags,
  imageInput: z
    .string()
    .optional()
    .describe("name of the file's input that takes the images; by default its only one"),
  pictureInput: z
    .string()
    .optional()
    .describe("the old name of --image-input")
    .meta({ deprecated: true }),
  constants: z
    .array(z.string())
    .optional()
    .describe(
      "values of the file's other inputs, for every prediction: keep_prob=1,training=false",
    ),
  output: z
    .string()
    .optional()
    .describe("name of the class scores: an output of the file or of any node in it"),
  blockSize: z
    .int()
    .positive()
    .optional()
    .describe(
      "channels per block, 8 or 16, if the file is optimised for one kind of CPU and does not show which",
    ),
  maxConstants: MaxConstants,
  straightThrough: z
    .boolean()
    .default(false)
    .describe("let gradients through rounding and quantisation, approximately"),
};

const ModelOptions = z.object(modelOptions);
type FileFlags = z.output<typeof ModelOptions>;

const truths: Readonly<Record<string, number>> = { true: 1, false: 0 };

/** `name=1` of --constants. */
function constantOf(text: string): readonly [string, number] {
  const at = text.lastIndexOf("=");
  const value = text.slice(at + 1).trim();
  const number = lookUp(truths, value.toLowerCase()) ?? numberOf(value);
  if (at < 1 || number === undefined)
    throw new UsageError(
      `--constants holds ${JSON.stringify(text)}, but each entry is the name of an input and a number, true or false: keep_prob=1`,
      { code: "bad-option" },
    );
  return [text.slice(0, at).trim(), number];
}

/** The option --image-input, or its old name. */
function imageInputOf({ imageInput, pictureInput }: FileFlags): string | undefined {
  if (imageInput !== undefined && pictureInput !== undefined)
    throw new UsageError(
      "--image-input and --picture-input are the same option; give one of them",
      {
        code: "bad-option",
      },
    );
  return imageInput ?? pictureInput;
}

/** The importer's options in the flags of a command; absent flags give no key. */
export function fileOptions(flags: FileFlags): ImportedOptions {
  const { straightThrough, mean, std, scale, layout, channelOrder, output, blockSize } = flags;
  const { inputShape, constants, maxConstants } = flags;
  return defined({
    straightThrough,
    mean,
    std,
    scale,
    layout,
    channelOrder,
    shape: inputShape,
    input: imageInputOf(flags),
    constants: constants && Object.fromEntries(constants.map(constantOf)),
    output,
    blockSize,
    maxConstants: maxConstants === undefined ? undefined : bytesOf(maxConstants, "--max-constants"),
  });
}

/** The options of a command that runs a model on test images and writes a row for each. `beside` is what lies beside the rows. */
export const rowsOptions = (beside: string) => ({
  data: z.string().optional().describe("data set; by default the one the model was trained on"),
  out: z.string().describe(`the .jsonl file to write rows to; ${beside}`),
  resume: z.boolean().default(false).describe("continue the rows in --out"),
  classes: Classes,
  device: Device,
  threads: Threads,
  dataDir: DataDir,
  ...ImageOptions.shape,
  ...modelOptions,
});
