import { Crown } from "../engine/bounds/crown.ts";
import type { Compile } from "../engine/bounds/program.ts";
import * as g from "../engine/graph/expressions.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Architecture, Parameters } from "../models/architecture.ts";

/**
 * Bounds of a network's outputs for one input; an imported network has no parameters. Throws `UsageError` if a file runs in
 * larger batches only, or has an operator without a bound.
 */
export function proverOf(
  network: Architecture,
  compile: Compile,
  parameters: Parameters = {},
): Crown {
  const { inputShape, fixedBatch = null, name } = network;
  if (fixedBatch !== null && fixedBatch !== 1)
    throw new UsageError(
      `${name} runs in batches of ${fixedBatch} only, and a proof is about one input; export it for a batch of 1`,
      { code: "misfit" },
    );
  const x = g.input("x", [1, ...inputShape]);
  const { logits } = network.forward(x, (one) => g.constant(parameters[one]), "frozen");
  return new Crown(compile, x, logits);
}
