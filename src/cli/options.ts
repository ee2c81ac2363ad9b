import { z } from "zod";

/** The start of every random stream. */
export const Seed = z.int().nonnegative().default(0).describe("start of every random stream");

const devices = ["cpu"];

/** Where graphs run; the CPU is what this version has. */
export const Device = z
  .string()
  .default("cpu")
  .refine((device) => devices.includes(device), {
    error: ({ input }) => `device ${input} is not available in this version; use --device cpu`,
  })
  .describe("where graphs run: cpu");

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
  scale: z.number().positive().default(1).describe("what white is to the network: 1, or 255"),
  layout: z
    .enum(["nchw", "nhwc"])
    .optional()
    .describe("order of the axes that the file takes; found from its shape by default"),
  output: z
    .string()
    .optional()
    .describe("name of the file's output with the classes' scores; the first by default"),
  straightThrough: z
    .boolean()
    .default(false)
    .describe("let gradients through rounding and quantisation, approximately"),
};

const ModelOptions = z.object(modelOptions);

/** The options of a file among those of a command, with what was not given left out. */
export const fileOptions = ({
  mean,
  std,
  scale,
  layout,
  output,
  straightThrough,
}: z.output<typeof ModelOptions>) => ({
  ...{ scale, straightThrough },
  ...(mean !== undefined && { mean }),
  ...(std !== undefined && { std }),
  ...(layout !== undefined && { layout }),
  ...(output !== undefined && { output }),
});
