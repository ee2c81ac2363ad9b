// What a file computes of its own constants, within a budget.

import type { GraphProto } from "onnx-buf";
import { type NdArray, sizeOf } from "../../../math/tensor.ts";
import { evaluateNode } from "../../graph/interpret.ts";
import type { Value } from "../../graph/value.ts";
import { workOf } from "../../graph/work.ts";
import { storedElements } from "./graph-size.ts";
import type { ImportContext } from "./import-node.ts";

/** Elements of one array that may be computed while a file is read, and steps that all of them may take. */
const MAX_FOLDED = 2 ** 26;
const FEW_FOLDED = 2 ** 21;
const MAX_STEPS = 2 ** 23;
/** Steps per element that the file stores, of a file that stores more: chains on weights. */
const STEPS_PER_STORED = 32;

/** Whether values depend on what is fed, and the arrays of those that do not, each computed once. */
export function constantFolding(
  graph: GraphProto,
  maxConstants = 0,
): Pick<ImportContext, "constantOf" | "isConstant"> {
  const constants = new Map<Value, NdArray | null>();
  const known = new Map<Value, boolean>();
  const stored = graph.initializer.reduce((sum, one) => sum + storedElements(one), 0);
  const elements = stored + maxConstants / 4;
  const mostFolded = Math.max(
    Math.min(MAX_FOLDED, Math.max(FEW_FOLDED, 2 * stored)),
    maxConstants / 4,
  );
  const mostSteps = Math.max(MAX_STEPS, STEPS_PER_STORED * elements);
  let steps = 0;

  const isConstant = (value: Value): boolean =>
    settled(value, known, (node) =>
      node.op === "Input" ? false : node.inputs.every((input) => known.get(input) === true),
    );

  function evaluated(node: Value): NdArray | null {
    const arrays = node.inputs.map((input) => constants.get(input) ?? null);
    if (arrays.includes(null)) return null;
    if (sizeOf(node.shape) > mostFolded) return null;
    steps += workOf(node);
    if (!(steps <= mostSteps))
      throw new Error(
        `its constants take ${steps} steps to compute while the file is read, and ${mostSteps} are allowed; if you trust it, allow more with --max-constants SIZE`,
      );
    return evaluateNode(node, arrays as NdArray[]);
  }

  return {
    isConstant,
    constantOf: (value) => (isConstant(value) ? settled(value, constants, evaluated) : null),
  };
}

/** What `of` says of a value, asked once of each value behind it that `settled` does not hold yet, inputs first. */
function settled<T>(value: Value, settled: Map<Value, T>, of: (node: Value) => T): T {
  const stack = [value];
  while (stack.length > 0) {
    const node = stack[stack.length - 1];
    const waiting = settled.has(node) ? [] : node.inputs.filter((input) => !settled.has(input));
    if (waiting.length === 0) {
      if (!settled.has(node)) settled.set(node, of(node));
      stack.pop();
    } else for (const input of waiting) stack.push(input);
  }
  return settled.get(value) as T;
}
