import { Crown } from "../engine/bounds/crown.ts";
import type { Compile } from "../engine/bounds/program.ts";
import * as g from "../engine/graph/expressions.ts";
import type { Value } from "../engine/graph/value.ts";
import { elementCount } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Architecture, Parameters } from "../models/architecture.ts";
import { beforeOrderedHead, beforeSoftmax } from "./ordered-head.ts";
import type { Property } from "./property.ts";

/** A network's graph for one input. The input is of integers if the network takes only those. */
export function graphOf(
  network: Pick<Architecture, "inputShape" | "forward" | "integers">,
  parameters: Parameters = {},
): { readonly x: Value; readonly logits: Value } {
  const x = g.input("x", [1, ...network.inputShape], network.integers);
  const { logits } = network.forward(x, (one) => g.constant(parameters[one]), "frozen");
  return { x, logits };
}

/** Throws `UsageError` unless a network runs on one input. */
function requireSingle({ fixedBatch = null, name }: Architecture): void {
  if (fixedBatch !== null && fixedBatch !== 1)
    throw new UsageError(
      `${name} runs in batches of ${fixedBatch} only, and a proof is about one input; export it for a batch of 1`,
      { code: "misfit" },
    );
}

/**
 * Bounds of a network's outputs for one input; an imported network has no parameters. Throws `UsageError` if a file runs in
 * larger batches only, or has an operator without a bound.
 */
export function proverOf(
  network: Architecture,
  compile: Compile,
  parameters: Parameters = {},
): Crown {
  requireSingle(network);
  const { x, logits } = graphOf(network, parameters);
  return new Crown(compile, x, logits);
}

/** Bounds for a property, and the operators at the network's end that they leave out. */
export interface PropertyProver {
  readonly crown: Crown;
  /** `Softmax`, `Sigmoid` and the like, from the output backwards; empty if the bounds are of the outputs themselves. */
  readonly leftOut: readonly string[];
}

/**
 * Bounds that decide a property in real arithmetic. If all its conditions compare two outputs, operators at the end of the
 * network that keep the order of outputs are left out. Throws `UsageError` as `proverOf` does.
 */
export function propertyProverOf(
  network: Architecture,
  compile: Compile,
  { cases, outputs }: Property,
): PropertyProver {
  requireSingle(network);
  const { x, logits } = graphOf(network);
  const conditions = cases.flatMap((one) => one.conditions);
  const isOrder =
    conditions.length > 0 &&
    conditions.every((one) => one.isOrder === true) &&
    elementCount(logits.shape) === outputs;
  const { scores, leftOut } = isOrder ? beforeOrderedHead(logits) : { scores: logits, leftOut: [] };
  return { crown: new Crown(compile, x, scores), leftOut };
}

/**
 * Bounds of a classifier's scores, and by how much the label's score must exceed all others for the classifier to
 * decide for it.
 */
export interface ClassProver {
  readonly crown: Crown;
  readonly least: number;
}

/**
 * By class: a margin m of the scores before a Softmax that float32 keeps. Of C classes, the label's probability p is at least
 * 1/(1 + (C − 1)·e⁻ᵐ), and it exceeds each other by p·(1 − e⁻ᵐ), which for m > C·2⁻¹⁴ is above 2⁻¹⁵. The kernel's errors
 * of 2⁻²⁰ for both, and those of a logarithm or of a division by one number behind it, do not make up for that.
 */
const LEAST_MARGIN = 2 ** -14;

/**
 * Bounds that prove what a classifier decides as a runtime evaluates it. If its file ends in a Softmax, they are of the
 * scores before it. Throws `UsageError` as `proverOf` does.
 */
export function classProverOf(
  network: Architecture,
  compile: Compile,
  parameters: Parameters = {},
): ClassProver {
  const x = g.input("x", [1, ...network.inputShape]);
  const file = network.answers?.(x) ?? null;
  const scores = file === null ? null : beforeSoftmax(file.rows);
  if (scores === null) return { crown: proverOf(network, compile, parameters), least: 0 };
  requireSingle(network);
  const rows = g.reshape(scores, [1, elementCount(scores.shape)]);
  return { crown: new Crown(compile, x, rows), least: network.classes * LEAST_MARGIN };
}
