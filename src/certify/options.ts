import { z } from "zod";
import { UsageError } from "../math/usage-error.ts";
import type { CertifyOptions } from "./certify.ts";
import { samplings } from "./noisy-images.ts";
import { certifiedNorms } from "./radii.ts";

/** The choices of test images. */
const choices = ["first", "random"] as const;

/** Options of `rampart certify`. */
export const CertificationOptions = z.strictObject({
  noise: z
    .string()
    .optional()
    .describe("noise of the smoothed classifier, for example normal:0.25; by default the model's"),
  examples: z.int().positive().default(100).describe("number of test images"),
  choose: z
    .enum(choices)
    .default("first")
    .describe("which test images: the first ones, or a random choice that depends on --seed"),
  n: z.number().default(100_000).describe("draws that bound the probability of the class"),
  n0: z.number().default(100).describe("draws that choose the class"),
  alpha: z.number().default(0.001).describe("highest probability that a radius is wrong"),
  norms: z
    .array(z.enum(certifiedNorms))
    .min(1)
    .default(["l2", "l1"])
    .describe("norms of the printed table: l2, l1, linf"),
  radii: z
    .array(z.number().nonnegative())
    .min(1)
    .default([0, 0.25, 0.5, 0.75, 1])
    .describe("radii of the printed table, for pixels in [0, 1]"),
  sampling: z
    .enum(samplings)
    .optional()
    .describe(
      "sound (integers on the grid of 8-bit pixels; default for 8-bit images) or naive (float32, where certificates may be wrong)",
    ),
  predict: z
    .boolean()
    .default(false)
    .describe("predict only the class of each image, by a two-sided test of --n draws; no radii"),
  sequential: z
    .boolean()
    .default(false)
    .describe("test only the radius --target, and stop once it is decided"),
  target: z
    .number()
    .positive()
    .optional()
    .describe("the radius of --sequential, in the first of --norms"),
  batch: z.int().positive().default(100).describe("images per call of the network"),
  seed: z.int().nonnegative().default(0).describe("seed of every random stream"),
});
export type CertificationOptions = z.output<typeof CertificationOptions>;

/** The request for `certify`. Throws `UsageError` for a target without `sequential`, and for the reverse. */
export function drawsOf(options: CertificationOptions): CertifyOptions {
  const { n0, n, alpha, sequential, target, norms, predict } = options;
  if (predict && sequential)
    throw new UsageError(
      "--predict tests which class is the most frequent, and --sequential for a radius; leave one of them out",
      { code: "misfit" },
    );
  if (sequential !== (target !== undefined))
    throw new UsageError(
      sequential
        ? "--sequential needs the radius to test for; add --target 0.5"
        : "--target is the radius of a sequential test; add --sequential, or leave it out",
      { code: "missing-option" },
    );
  return {
    n0,
    n,
    alpha,
    target: target === undefined ? undefined : { norm: norms[0], radius: target },
  };
}
