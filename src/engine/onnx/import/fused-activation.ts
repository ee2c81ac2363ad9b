// Activations that ONNX Runtime has fused to the product before them.

import { own } from "../../../math/own.ts";
import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import { activations } from "./activations.ts";
import { times } from "./arithmetic.ts";
import type { ImportNode } from "./import-node.ts";

/** The activation that is fused to a product; its numbers stand in a list. */
export function fusedActivation(node: ImportNode, y: Value): Value {
  const name = node.text("activation", "");
  if (name === "") return y;
  if (name === "HardSigmoid" || name === "Clip" || name === "LeakyRelu") {
    const [first = 0.01, second = 0] = node.floats("activation_params") ?? [
      node.float("activation_alpha", 0.01),
    ];
    if (name === "Clip") return g.clip(y, first, second);
    if (name === "LeakyRelu") return g.sub(g.relu(y), times(g.relu(g.neg(y)), first));
    return g.clip(g.add(times(y, first), g.scalarLike(y, second)), 0, 1);
  }
  const f = own(activations, name);
  if (f === undefined) throw node.error(`fuses ${name}, which cannot be read`);
  return [f({ ...node, inputs: [y], input: () => y })].flat()[0];
}
