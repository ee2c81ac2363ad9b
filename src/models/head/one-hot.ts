// Recognises one-hot outputs: OneHot of an index, and Hardmax.

import { is, type Value } from "../../engine/graph/value.ts";
import { elementCount } from "../../math/tensor.ts";
import { bare, constantArray, constantNumber } from "./constants.ts";

/** The index behind a one-hot output. */
export interface OneHot {
  /** The index [batch, ..] of the class, as the file computes it. */
  readonly index: Value;
  readonly classes: number;
}

/** The condition behind an output that is larger where the condition holds. */
function comparison(output: Value): Value | null {
  if (!is(output, "Where")) return is(output, "Equal") ? output : null;
  const [condition, on, off] = output.inputs;
  const [high, low] = [constantNumber(on), constantNumber(off)];
  return high !== null && low !== null && high > low ? bare(condition) : null;
}

/** The index inside the expression that lets a negative index count from the end. */
function fromTheStart(index: Value): Value {
  const inner = bare(index);
  return is(inner, "Where") && is(bare(inner.inputs[0]), "Greater") ? bare(inner.inputs[2]) : inner;
}

/** Whether the numbers are 0, 1, 2, … */
const isCount = (data: ArrayLike<number | bigint>): boolean =>
  Array.from(data).every((one, i) => Number(one) === i);

/** The index at which an output [batch, .., classes, ..] is 1; null for any other output. */
export function oneHotOf(output: Value): OneHot | null {
  const equal = comparison(bare(output));
  if (equal === null || !is(equal, "Equal")) return null;
  const [a, b] = equal.inputs;
  const [index, places] = constantArray(bare(a)) === null ? [a, b] : [b, a];
  const counted = constantArray(bare(places));
  if (counted === null || !isCount(counted.data)) return null;
  const classes = counted.data.length;
  const batch = elementCount(equal.shape) / classes;
  // A class axis before the batch does not hold the scores of an image.
  const axis = places.shape.indexOf(classes);
  const isBehind = elementCount(equal.shape.slice(0, axis)) === batch;
  return classes > 1 && isBehind ? { index: fromTheStart(index), classes } : null;
}
