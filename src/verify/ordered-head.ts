// Operators at the end of a network that keep the order of its outputs, in real arithmetic.

import { is, type Value } from "../engine/graph/value.ts";
import { elementCount } from "../math/tensor.ts";

/** Functions of one number that grow everywhere. */
const GROWING: ReadonlySet<string> = new Set(["Sigmoid", "Tanh", "Exp", "Atan", "Erf"]);
/** Operators that leave numbers and their order as they are, if the number of elements stays. */
const SAME: ReadonlySet<string> = new Set(["Reshape", "StopGradient", "Expand"]);

/** The scores before the operators that keep their order, and the names of these operators. */
export interface OrderedHead {
  readonly scores: Value;
  readonly leftOut: readonly string[];
}

/**
 * The scores [1, …] whose order is that of a network's outputs for each input: element i is smaller than element j exactly
 * if output i is smaller than output j, and likewise for equality. A Softmax along all outputs, for example, is left out,
 * and also one that is written as Exp, ReduceSum and Div.
 */
export function beforeOrderedHead(output: Value): OrderedHead {
  const passed: string[] = [];
  let leftOut: readonly string[] = [];
  let scores = output;
  for (let y = output, before = scoresBefore(y); before !== null; before = scoresBefore(y)) {
    if (!isSame(y)) {
      passed.push(y.op);
      leftOut = passed.slice();
      scores = before;
    }
    y = before;
  }
  return { scores, leftOut };
}

/**
 * The values [1, …] that a network's output is the Softmax or LogSoftmax of, along all outputs; null if it is neither. The
 * Softmax may be divided by its sum.
 */
export function beforeSoftmax(output: Value): Value | null {
  let y = reshaped(output);
  y = reshaped(dividedBySum(y) ?? y);
  if (y.op === "Log" && is(reshaped(y.inputs[0]), "Softmax")) y = reshaped(y.inputs[0]);
  if (!is(y, "Softmax") && !is(y, "LogSoftmax")) return null;
  return y.shape[y.attrs.axis] === elementCount(y.shape) ? y.inputs[0] : null;
}

/**
 * p of p / max(Σ|p|, low) with 0 < low ≤ 1, as the Normalizer of scikit-learn's files is read, for a Softmax p; null for other
 * nodes. The sum of logarithms of probabilities may be infinite in float32, and quotients by it lose the order.
 */
function dividedBySum(node: Value): Value | null {
  if (!is(node, "Div")) return null;
  const [p, total] = node.inputs;
  if (!is(total, "Clip") || !(total.attrs.low > 0 && total.attrs.low <= 1)) return null;
  const [sum] = total.inputs;
  if (total.attrs.high !== Number.POSITIVE_INFINITY || !is(sum, "ReduceSum")) return null;
  const [sizes] = sum.inputs;
  const isSumOfP = isSingle(sum) && is(sizes, "Abs") && sizes.inputs[0] === p;
  return isSumOfP && is(reshaped(p), "Softmax") ? p : null;
}

function reshaped(node: Value): Value {
  let y = node;
  while (y.op === "Reshape") [y] = y.inputs;
  return y;
}

const isSame = (node: Value): boolean => SAME.has(node.op) || node.op === "Cast";

/** The values that a node keeps the order of; null if there are none, or if it may not. */
function scoresBefore(node: Value): Value | null {
  const [a, b] = node.inputs;
  if (a === undefined) return null;
  const before = keptInput(node, a, b);
  if (before === null || elementCount(before.shape) !== elementCount(node.shape)) return null;
  return before.dtype.startsWith("float") ? before : null;
}

function keptInput(node: Value, a: Value, b: Value): Value | null {
  if (GROWING.has(node.op) || SAME.has(node.op)) return a;
  if (is(node, "Cast")) return node.dtype.startsWith("float") ? a : null;
  if (is(node, "Softmax") || is(node, "LogSoftmax"))
    return node.shape[node.attrs.axis] === elementCount(node.shape) ? a : null;
  if (node.op === "Log") return isPositive(a) ? a : null;
  // One number for all outputs shifts or scales them alike.
  if (node.op === "Add") {
    if (isSingle(b)) return a;
    return isSingle(a) ? b : null;
  }
  if (node.op === "Sub") return isSingle(b) ? a : null;
  if (node.op === "Mul") {
    if (isSingle(b) && isPositive(b)) return a;
    return isSingle(a) && isPositive(a) ? b : null;
  }
  if (node.op === "Div") return isSingle(b) && isPositive(b) ? a : null;
  return null;
}

const isSingle = ({ shape }: Value): boolean => elementCount(shape) === 1;

/** Whether all elements are above 0 for every input. */
function isPositive(node: Value): boolean {
  if (is(node, "Constant")) return Array.from(node.attrs.array.data, Number).every((v) => v > 0);
  if (node.op === "Exp" || node.op === "Sigmoid" || node.op === "Softmax") return true;
  if (SAME.has(node.op) || node.op === "Cast" || node.op === "ReduceSum")
    return isPositive(node.inputs[0]);
  if (node.op === "Add") return node.inputs.every(isPositive);
  return false;
}
