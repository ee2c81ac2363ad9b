// How images reach a file of another tool: the flags of the command line, and the form of the lab.
import { z } from "zod";

const PerChannel = z.array(z.number()).min(1);

/** What an .onnx file does not state about its input [batch, ...pixels]. Everywhere else pixels are in [0, 1]. */
export const readingFlags = {
  mean: PerChannel.optional().describe(
    "mean that the network expects to be subtracted from pixels in [0, 1], per channel",
  ),
  std: PerChannel.optional().describe(
    "standard deviation that the network expects pixels to be divided by, per channel",
  ),
  scale: z
    .number()
    .positive()
    .optional()
    .describe(
      "value of white for the network, 1 or 255; by default 255 if its input takes integers, else 1",
    ),
  layout: z
    .enum(["nchw", "nhwc"])
    .optional()
    .describe("order of the axes of the file's input; by default inferred from its shape"),
  channelOrder: z
    .enum(["rgb", "bgr"])
    .optional()
    .describe(
      "order of the channels of the file's input; --mean and --std follow it (default: rgb)",
    ),
  inputShape: z
    .array(z.int().positive())
    .min(1)
    .optional()
    .describe("channels, rows and columns of the images, if the file leaves them open"),
};
