import { lookUp } from "../../../math/look-up.ts";
import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import { activations } from "./activations.ts";
import { times } from "./arithmetic.ts";
import { type ImportNode, importWith } from "./import-node.ts";

type Parameterised = (x: Value, first: number, second: number) => Value;

/** Activations whose parameters the node lists in `activation_params`. */
const parameterised: Readonly<Record<string, Parameterised>> = {
  Clip: g.clip,
  LeakyRelu: (x, alpha) => g.sub(g.relu(x), times(g.relu(g.neg(x)), alpha)),
  HardSigmoid: (x, alpha, beta) => g.clip(g.add(times(x, alpha), g.scalarLike(x, beta)), 0, 1),
};

/**
 * The activation that ONNX Runtime has fused into a convolution or a matrix product, applied to its result x:
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.FusedConv
 */
export function fusedActivation(node: ImportNode, x: Value): Value {
  const name = node.string("activation", "");
  if (name === "") return x;
  const f = lookUp(parameterised, name);
  if (f !== undefined) {
    const [first = Math.fround(0.01), second = 0] = node.floats("activation_params") ?? [
      node.float("activation_alpha", 0.01),
    ];
    return f(x, first, second);
  }
  const importer = lookUp(activations, name);
  if (importer === undefined)
    throw node.unsupported(`the fused activation ${name} is not supported`);
  return importWith(importer, node, x);
}
