// Reads constants out of an expression, and compares expressions by their form.

import { evaluateNode } from "../../engine/graph/interpret.ts";
import { is, type Value } from "../../engine/graph/value.ts";
import { elementCount, type NdArray } from "../../math/tensor.ts";

/** The maximum number of operators between a constant and its use, and of elements of an array to evaluate. */
const MAX_DEPTH = 8;
const MAX_ELEMENTS = 2 ** 16;

/** The array, of any shape, of a value that depends on no input; null otherwise, and beyond MAX_ELEMENTS or MAX_DEPTH. */
export function constantArray(value: Value, depth = MAX_DEPTH): NdArray | null {
  if (elementCount(value.shape) > MAX_ELEMENTS) return null;
  if (is(value, "Constant")) return value.attrs.array;
  if (depth === 0 || value.inputs.length === 0) return null;
  const arrays: NdArray[] = [];
  for (const input of value.inputs) {
    const array = constantArray(input, depth - 1);
    if (array === null) return null;
    arrays.push(array);
  }
  return evaluateNode(value, arrays);
}

/** The number that all elements of a constant have; null for any other value. */
export function constantNumber(value: Value): number | null {
  const array = constantArray(value);
  if (array === null || array.data.length === 0) return null;
  const first = Number(array.data[0]);
  return array.data.every((one: number | bigint) => Number(one) === first) ? first : null;
}

/** Whether a value only rearranges or expands another value, or converts it from floating point. */
const isArrangement = (value: Value): boolean =>
  is(value, "Reshape") ||
  is(value, "Expand") ||
  (is(value, "Cast") && value.inputs[0].dtype.startsWith("float"));

/** The value, of any shape, inside reshapes, expansions and casts from floating point. */
export function bare(value: Value): Value {
  let inner = value;
  while (isArrangement(inner)) inner = inner.inputs[0];
  return inner;
}

const attributesOf = ({ attrs }: Value): string =>
  JSON.stringify(attrs, (_, one) =>
    typeof one === "number" && !Number.isFinite(one) ? String(one) : one,
  );

/**
 * Whether two values of any shape are computed by equal expressions, apart from reshapes; a file may contain an
 * expression twice.
 */
export function isSame(a: Value, b: Value, depth = MAX_DEPTH): boolean {
  const [x, y] = [bare(a), bare(b)];
  if (x === y) return true;
  if (depth === 0 || x.op !== y.op || x.inputs.length !== y.inputs.length) return false;
  if (is(x, "Constant")) {
    const [first, second] = [constantArray(x), constantArray(y)];
    if (first === null || second === null || first.shape.join() !== second.shape.join())
      return false;
    return first.data.every((one: number | bigint, i: number) => one === second.data[i]);
  }
  if (x.inputs.length === 0 || attributesOf(x) !== attributesOf(y)) return false;
  return x.inputs.every((input, i) => isSame(input, y.inputs[i], depth - 1));
}

/**
 * The scalar constant c and the other operand x of a binary operation; `first` if x is the first operand. Null if neither
 * operand is one constant number.
 */
export function withNumber({
  inputs: [a, b],
}: Value): { readonly x: Value; readonly c: number; readonly first: boolean } | null {
  const right = constantNumber(b);
  if (right !== null) return { x: a, c: right, first: true };
  const left = constantNumber(a);
  return left === null ? null : { x: b, c: left, first: false };
}
