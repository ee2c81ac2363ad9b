import * as g from "../engine/graph/expressions.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import { keyOf, keysFor } from "../math/random.ts";
import type { DType, Shape, Tensor } from "../math/tensor.ts";
import { classifier } from "./classifier.ts";
import type { ImportedNetwork } from "./imported-network.ts";

/** A file as a differentiable function of one array, about whose outputs a property can be checked. */
export interface Network {
  /** Names, and shapes without the batch. */
  readonly inputs: readonly {
    readonly name: string;
    readonly shape: Shape;
    /** Whether it takes whole numbers only. */
    readonly isWhole?: boolean;
  }[];
  /** [batch, ...input] → [batch, outputs]. Integers are computed with as such, and not as the floats that have gradients. */
  outputs(x: Tensor): Promise<Tensor>;
  /**
   * Outputs [batch, outputs], and per row ∂(Σ weights · outputs)/∂x [batch, ...input], from weights [batch, outputs].
   */
  vectorJacobian(
    x: Tensor,
    weights: Tensor,
  ): Promise<{ readonly outputs: Tensor; readonly gradient: Tensor }>;
  release(): Promise<void>;
}

/** Any keys: a deterministic network ignores them. */
const keysOf = ({ shape: [batch] }: Tensor) =>
  keysFor(
    keyOf(0),
    Array.from({ length: batch }, (_, i) => i),
  );

/** A network of integers that gets them as integers. Unlike floats that are rounded, they have no gradient. */
const ofIntegers = (imported: ImportedNetwork, dtype: DType): ImportedNetwork => ({
  ...imported,
  forward: (x, ...rest) => imported.forward(g.cast(x, dtype), ...rest),
});

/** An imported network as a function: its logits are the outputs. */
export function network(runtime: Runtime, imported: ImportedNetwork): Network {
  const predictor = classifier(runtime, imported, {});
  const { integers } = imported;
  const exact =
    integers === undefined ? predictor : classifier(runtime, ofIntegers(imported, integers), {});
  return {
    inputs: [
      {
        name: imported.name,
        shape: imported.inputShape,
        isWhole: imported.integers !== undefined,
      },
    ],
    outputs: (x) => exact.logits(x, keysOf(x)),
    async vectorJacobian(x, weights) {
      const { logits, gradient } = await predictor.lossAndGradient(
        x,
        { kind: "linear", weights },
        keysOf(x),
      );
      return { outputs: logits, gradient };
    },
    release: async () => {
      await predictor.release();
      if (exact !== predictor) await exact.release();
    },
  };
}
