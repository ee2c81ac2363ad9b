// Rows that are 1 at one class and 0 at the others: OneHot of an index, and Hardmax.

import { is, type Value } from "../../engine/graph/value.ts";
import { sizeOf } from "../../math/tensor.ts";
import { bare, constantArray, constantNumber } from "./constants.ts";

/** What a row of a one-hot output is made of. */
export interface OneHot {
  /** The index [batch, ..] of the class, as the file computes it. */
  readonly index: Value;
  readonly classes: number;
}

/** The comparison behind numbers of which the one where it holds is the larger. */
function comparison(output: Value): Value | null {
  if (!is(output, "Where")) return is(output, "Equal") ? output : null;
  const [condition, on, off] = output.inputs;
  const [high, low] = [constantNumber(on), constantNumber(off)];
  return high !== null && low !== null && high > low ? bare(condition) : null;
}

/** An index without the step that counts a negative one from the end. */
function fromTheStart(index: Value): Value {
  const inner = bare(index);
  return is(inner, "Where") && is(bare(inner.inputs[0]), "Greater") ? bare(inner.inputs[2]) : inner;
}

/** Whether numbers are 0, 1, 2, … */
const isCount = (data: ArrayLike<number | bigint>): boolean =>
  Array.from(data).every((one, i) => Number(one) === i);

/** The index that an output [batch, .., classes, ..] is 1 at; null where it is no such output. */
export function oneHotOf(output: Value): OneHot | null {
  const equal = comparison(bare(output));
  if (equal === null || !is(equal, "Equal")) return null;
  const [a, b] = equal.inputs;
  const [index, places] = constantArray(bare(a)) === null ? [a, b] : [b, a];
  const known = constantArray(bare(places));
  if (known === null || !isCount(known.data)) return null;
  const classes = known.data.length;
  const batch = sizeOf(equal.shape) / classes;
  // Along an axis before the batch a row is not the scores of an image.
  const axis = places.shape.indexOf(classes);
  const isBehind = sizeOf(equal.shape.slice(0, axis)) === batch;
  return classes > 1 && isBehind ? { index: fromTheStart(index), classes } : null;
}
