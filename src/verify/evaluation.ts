import type { Evaluation } from "../engine/bounds/evaluation.ts";
import { winogradCostsLess } from "../engine/lowering/blocked/cost.ts";
import { blockOf, breakEvenOf } from "../engine/runtime/lowerings.ts";
import type { RuntimeTarget } from "../engine/runtime/runtime.ts";
import { UsageError } from "../math/usage-error.ts";

/**
 * How a runtime evaluates networks, for bounds of its rounding. Throws `UsageError` for a GPU, whose kernels may round
 * more coarsely than float32.
 */
export function evaluationOf({ device, lowering }: RuntimeTarget): Evaluation {
  if (device !== "cpu" && device !== "wasm")
    throw new UsageError(
      `nothing can be proven about evaluations on ${device}, whose kernels may round more coarsely than float32; use --device cpu`,
      { code: "unavailable" },
    );
  const breakEven = breakEvenOf(lowering);
  const block = blockOf(lowering);
  // A lowering fills channels up to whole blocks before it chooses. More channels never make Winograd dearer than the direct form.
  const filled = (channels: number) => block * Math.ceil(channels / block);
  return {
    winograd: ({ into, out, height, width }) =>
      breakEven !== null &&
      winogradCostsLess(breakEven.images, { into: filled(into), out: filled(out), height, width }),
  };
}
