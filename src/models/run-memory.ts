// How much memory the programs of an imported network may take, and how many images they may therefore see at once.

import { gradient } from "../engine/autodiff/gradient.ts";
import { input, mul, sum } from "../engine/graph/ops.ts";
import type { Value } from "../engine/graph/value.ts";
import { InternalError } from "../math/internal-error.ts";
import type { Architecture } from "./architecture.ts";
import { estimateResources } from "./resources.ts";

/** Bytes of the values of all open programs of one network. Two programs of the largest batch fit: gradient and logits. */
export const MAX_PROGRAM_BYTES = 2 ** 31;

/** ONNX Runtime's memory per byte of values that are alive: it does not reuse a freed block for less than half of its size. */
const ARENA = 2;

/** Bytes that a program which computes these outputs, of any shape, keeps for values. */
export const programBytes = (outputs: readonly Value[]): number =>
  ARENA * estimateResources(outputs).alive;

/** Images of the trace: a file with an open batch can be read for two. */
const TRACED = 2;

/**
 * The largest number of images whose logits and gradient take at most half of `maxBytes`, and at least 1. A network that
 * is not imported, or that runs in one batch size only, has no limit.
 */
export function imagesAtOnce(architecture: Architecture, maxBytes = MAX_PROGRAM_BYTES): number {
  const { fixedBatch = null, foreign, inputShape } = architecture;
  if (foreign !== true || fixedBatch !== null) return Number.POSITIVE_INFINITY;
  const x = input("x", [TRACED, ...inputShape]);
  const parameter = (name: string): Value => {
    throw new InternalError(`an imported network has no parameter ${name}`);
  };
  const { logits } = architecture.forward(x, parameter, "frozen");
  const [dx] = gradient(sum(mul(logits, input("slopes", logits.shape, logits.dtype))), [x]);
  const bytesPerImage = programBytes([logits, dx]) / TRACED;
  return Math.max(1, Math.floor(maxBytes / 2 / bytesPerImage));
}
