import type { NodeProto } from "onnx-buf";
import { domainOf, type OnnxModel } from "../model.ts";

/** Operators that draw random numbers. */
const RANDOM = /^(Random(Normal|Uniform)(Like)?|Multinomial|Bernoulli)$/;

/** Why a node without an importer cannot be imported, and what its user can do. */
export function unknownOperator(
  { functions }: OnnxModel,
  { domain, opType, overload }: NodeProto,
  inSubgraph: boolean,
): string {
  if (RANDOM.test(opType))
    return "it draws random numbers, which no key repeats, so the file cannot be read; export it without them, and declare pixel noise with --noise normal:SCALE";
  const others = [...functions.values()].filter(
    (one) => domainOf(one.domain) === domainOf(domain) && one.name === opType,
  );
  if (others.length > 0) {
    const overloads = others.map((one) => JSON.stringify(one.overload)).join(", ");
    return `the file has no overload ${JSON.stringify(overload)} of this function, only ${overloads}; the file is incomplete`;
  }
  return inSubgraph
    ? "this operator cannot be read inside a subgraph"
    : "this operator cannot be read";
}
