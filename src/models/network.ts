import type { Runtime } from "../engine/runtime/runtime.ts";
import { keyOf, keysFor } from "../math/random.ts";
import type { Shape, Tensor } from "../math/tensor.ts";
import { classifier } from "./classifier.ts";
import type { ImportedNetwork } from "./imported-network.ts";

/** Any differentiable function of arrays that a file holds: what a property about its outputs is checked on. */
export interface Network {
  readonly inputs: readonly { readonly name: string; readonly shape: Shape }[];
  /** [batch, ...input] → [batch, outputs]. */
  outputs(x: Tensor): Promise<Tensor>;
  /** Outputs, and Σ weights·∂outputs/∂x per row: weights [batch, outputs] → gradient as x. */
  vectorJacobian(
    x: Tensor,
    weights: Tensor,
  ): Promise<{ readonly outputs: Tensor; readonly gradient: Tensor }>;
  release(): Promise<void>;
}

/** A deterministic network ignores its keys. */
const keysOf = ({ shape: [batch] }: Tensor) =>
  keysFor(
    keyOf(0),
    Array.from({ length: batch }, (_, i) => i),
  );

/** An imported file as the function that it is: its classifier, whose logits are the outputs. */
export function network(runtime: Runtime, imported: ImportedNetwork): Network {
  const victim = classifier(runtime, imported, {});
  return {
    inputs: [{ name: imported.name, shape: imported.inputShape }],
    outputs: (x) => victim.logits(x, keysOf(x)),
    async vectorJacobian(x, weights) {
      const { logits, gradient } = await victim.lossAndGradient(
        x,
        { kind: "linear", weights },
        keysOf(x),
      );
      return { outputs: logits, gradient };
    },
    release: () => victim.release(),
  };
}
