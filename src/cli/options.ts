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
