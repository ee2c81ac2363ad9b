// Bit operations on integers: https://onnx.ai/onnx/operators/onnx__BitShift.html (opset 11) and
// https://onnx.ai/onnx/operators/onnx__BitwiseAnd.html (opset 18), one version each.
//
// Our graph has no bit operators. The import computes constants. It splits values that depend on the
// image into bits by division, which is exact in int64 for types of up to 32 bits.

import { TensorProto_DataType as T } from "onnx-buf";
import * as g from "../../graph/expressions.ts";
import { broadcast } from "../../graph/shapes.ts";
import type { Value } from "../../graph/value.ts";
import { typeName } from "../tensors.ts";
import { type Importer, type Importers, type ImportNode, unknownValue } from "./import-node.ts";

/** An integer type. */
interface IntegerType {
  readonly bits: number;
  readonly signed: boolean;
}

const integerTypes: Readonly<Record<number, IntegerType>> = {
  [T.UINT8]: { bits: 8, signed: false },
  [T.UINT16]: { bits: 16, signed: false },
  [T.UINT32]: { bits: 32, signed: false },
  [T.UINT64]: { bits: 64, signed: false },
  [T.INT8]: { bits: 8, signed: true },
  [T.INT16]: { bits: 16, signed: true },
  [T.INT32]: { bits: 32, signed: true },
  [T.INT64]: { bits: 64, signed: true },
};

/** Operators that move elements and keep the element type. */
const MOVES = new Set([
  "Reshape",
  "Transpose",
  "Expand",
  "Slice",
  "Pad",
  "Gather",
  "GatherElements",
]);

/** The ONNX element type of a value. Looks through operators that only move elements. */
function elementTypeOf(node: ImportNode, value: Value): number {
  for (let v = value; ; v = v.inputs[0]) {
    const type = node.elementType(v);
    if (type !== undefined) return type;
    if (!MOVES.has(v.op)) break;
  }
  throw node.error(
    "the element type of its input is unknown, and with it the number of bits; insert a Cast before this node",
  );
}

function integerTypeOf(node: ImportNode, type: number): IntegerType {
  const found = integerTypes[type];
  if (found === undefined)
    throw node.unsupported(
      `values of type ${typeName(type)} are not supported, only integers of 8 to 64 bits`,
    );
  return found;
}

/** f applied elementwise to constants, modulo 2^bits; null if a value depends on the image. */
function folded(
  node: ImportNode,
  values: readonly Value[],
  { bits, signed }: IntegerType,
  f: (...numbers: bigint[]) => bigint,
): Value | null {
  const shape = broadcast(...values.map((v) => v.shape));
  const arrays = values.map((v) => node.constantOf(g.expand(v, shape)));
  const [{ dtype }] = values;
  const unsigned = arrays.map((array) =>
    array === null
      ? null
      : Array.from(array.data as ArrayLike<number | bigint>, (n) =>
          BigInt.asUintN(bits, BigInt(n)),
        ),
  );
  if (unsigned.includes(null)) return null;
  const wrap = (n: bigint) => (signed ? BigInt.asIntN(bits, n) : BigInt.asUintN(bits, n));
  const results = (unsigned[0] ?? []).map((_, i) =>
    wrap(f(...unsigned.map((numbers) => (numbers as bigint[])[i]))),
  );
  return dtype === "int64"
    ? g.constant({ dtype, shape, data: BigInt64Array.from(results) })
    : g.constant({ dtype: "int32", shape, data: Int32Array.from(results, Number) });
}

const num = (x: Value, value: number): Value => g.scalarLike(x, value);

/** x modulo 2^bits as int64, from 0 to 2^bits − 1. */
function unsignedOf(x: Value, { bits, signed }: IntegerType): Value {
  const wide = g.cast(x, "int64");
  if (!signed) return wide;
  return g.where(g.greater(num(wide, 0), wide), g.add(wide, num(wide, 2 ** bits)), wide);
}

/** The inverse of `unsignedOf`, in the dtype of `like`. Drops the bits that the type does not have. */
function wrapped(x: Value, { bits, signed }: IntegerType, like: Value): Value {
  const size = num(x, 2 ** bits);
  const low = g.sub(x, g.mul(g.div(x, size), size));
  const half = num(x, 2 ** (bits - 1) - 1);
  return g.cast(signed ? g.where(g.greater(low, half), g.sub(low, size), low) : low, like.dtype);
}

function requireNarrow(node: ImportNode, type: IntegerType): number {
  if (type.bits <= 32) return type.bits;
  throw node.unsupported(
    "64-bit integers that depend on the image are not supported, only 64-bit constants",
  );
}

/** (x, distance) ↦ x·2^distance or x/2^distance; bits that are shifted out are lost. */
function bitShift(node: ImportNode): Value {
  const [x, distance] = [node.input(0), node.input(1)];
  const type = elementTypeOf(node, x);
  const integerType = integerTypeOf(node, type);
  const direction = node.string("direction", "");
  if (direction !== "LEFT" && direction !== "RIGHT")
    throw unknownValue(node, "direction", direction, ["LEFT", "RIGHT"]);
  const left = direction === "LEFT";
  const stored = folded(node, [x, distance], integerType, (a, n) => {
    if (n >= BigInt(integerType.bits)) return 0n;
    return left ? a << n : a >> n;
  });
  if (stored !== null) return node.withElementType(stored, type);
  const bits = requireNarrow(node, integerType);
  const unsigned = unsignedOf(x, integerType);
  const shift = g.cast(distance, "int64");
  const isTooFar = g.greater(shift, num(shift, bits - 1));
  const exponent = g.cast(g.where(isTooFar, num(shift, 0), shift), "float64");
  const factor = g.cast(g.pow(num(exponent, 2), exponent), "int64");
  const moved = left ? g.mul(unsigned, factor) : g.div(unsigned, factor);
  const result = g.where(isTooFar, num(shift, 0), moved);
  return node.withElementType(wrapped(result, integerType, x), type);
}

/** An importer of a bitwise operator on two integers: `ofBits` for values 0 and 1, `ofNumbers` for constants. */
const bitwise =
  (ofBits: (a: Value, b: Value) => Value, ofNumbers: (a: bigint, b: bigint) => bigint): Importer =>
  (node) => {
    const [a, b] = [node.input(0), node.input(1)];
    const type = elementTypeOf(node, a);
    const integerType = integerTypeOf(node, type);
    const stored = folded(node, [a, b], integerType, ofNumbers);
    if (stored !== null) return node.withElementType(stored, type);
    const bits = requireNarrow(node, integerType);
    let rest = [unsignedOf(a, integerType), unsignedOf(b, integerType)];
    let sum: Value | undefined;
    for (let bit = 0; bit < bits; bit++) {
      node.countNodes();
      const halves = rest.map((v) => g.div(v, num(v, 2)));
      const [p, q] = rest.map((v, i) => g.sub(v, g.add(halves[i], halves[i])));
      const part = g.mul(ofBits(p, q), num(p, 2 ** bit));
      sum = sum === undefined ? part : g.add(sum, part);
      rest = halves;
    }
    return node.withElementType(wrapped(sum as Value, integerType, a), type);
  };

/** All bits inverted: −1 − x for signed types, 2^bits − 1 − x for unsigned ones. */
function bitwiseNot(node: ImportNode): Value {
  const x = node.input(0);
  const type = elementTypeOf(node, x);
  const { bits, signed } = integerTypeOf(node, type);
  if (!signed && bits === 64) throw node.unsupported("values of type uint64 are not supported");
  return node.withElementType(g.sub(num(x, signed ? -1 : 2 ** bits - 1), x), type);
}

/** Importers of BitShift and the bitwise operators. */
export const bits: Importers = {
  BitShift: bitShift,
  BitwiseAnd: bitwise(g.mul, (a, b) => a & b),
  BitwiseOr: bitwise(g.maximum, (a, b) => a | b),
  BitwiseXor: bitwise(
    (a, b) => g.abs(g.sub(a, b)),
    (a, b) => a ^ b,
  ),
  BitwiseNot: bitwiseNot,
};
