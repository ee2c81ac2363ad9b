import { Crown } from "../engine/bounds/crown.ts";
import type { Compile } from "../engine/bounds/program.ts";
import * as g from "../engine/graph/expressions.ts";
import { InternalError } from "../math/internal-error.ts";
import { UsageError } from "../math/usage-error.ts";
import type { ImportedNetwork } from "../models/imported-network.ts";

const noParameter = (name: string): never => {
  throw new InternalError(`an imported network has no parameter ${name}`);
};

/**
 * Bounds of an imported network's outputs for one input. Throws `UsageError` if the file runs in larger batches only, or
 * has an operator without a bound.
 */
export function proverOf(imported: ImportedNetwork, compile: Compile): Crown {
  const { inputShape, fixedBatch, name } = imported;
  if (fixedBatch !== null && fixedBatch !== 1)
    throw new UsageError(
      `${name} runs in batches of ${fixedBatch} only, and a proof is about one input; export it for a batch of 1`,
      { code: "misfit" },
    );
  const x = g.input("x", [1, ...inputShape]);
  const { logits } = imported.forward(x, noParameter, "frozen");
  return new Crown(compile, x, logits);
}
