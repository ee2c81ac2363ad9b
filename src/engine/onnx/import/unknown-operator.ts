import type { NodeProto } from "onnx-buf";
import { domainOf, type OnnxModel } from "../model.ts";

/** Operators that draw random numbers. */
const RANDOM = /^(Random(Normal|Uniform)(Like)?|Multinomial|Bernoulli)$/;

/** Why a node without an importer cannot be imported, and what the user can do. */
export function unknownOperator(
  { functions }: OnnxModel,
  { domain, opType, overload }: NodeProto,
  inSubgraph: boolean,
): string {
  if (RANDOM.test(opType))
    return "this operator is not supported, because its random numbers cannot be reproduced from a key; export the model without it, and declare pixel noise with --noise normal:SCALE";
  const others = [...functions.values()].filter(
    (one) => domainOf(one.domain) === domainOf(domain) && one.name === opType,
  );
  if (others.length > 0) {
    const overloads = others.map((one) => JSON.stringify(one.overload)).join(", ");
    return `the file has no overload ${JSON.stringify(overload)} of this function, only ${overloads}; it is incomplete, so export the model again`;
  }
  return inSubgraph
    ? "this operator is not supported in a subgraph; export the model without it"
    : "this operator is not supported; export the model without it";
}
