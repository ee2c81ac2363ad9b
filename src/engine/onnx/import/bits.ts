// Bits of whole numbers: https://onnx.ai/onnx/operators/onnx__BitShift.html (opset 11) and
// https://onnx.ai/onnx/operators/onnx__BitwiseAnd.html (opset 18), one version each.
//
// The graph has no such operators. Stored numbers are computed here; those that depend on the image are taken apart into
// bits by division, which is exact in 64 bits for types of up to 32.

import { TensorProto_DataType as T } from "onnx-buf";
import * as g from "../../graph/expressions.ts";
import { broadcast } from "../../graph/shapes.ts";
import type { Value } from "../../graph/value.ts";
import { typeName } from "../tensors.ts";
import type { Importer, Importers, ImportNode } from "./import-node.ts";

interface Whole {
  readonly bits: number;
  readonly signed: boolean;
}

const wholes: Readonly<Record<number, Whole>> = {
  [T.UINT8]: { bits: 8, signed: false },
  [T.UINT16]: { bits: 16, signed: false },
  [T.UINT32]: { bits: 32, signed: false },
  [T.UINT64]: { bits: 64, signed: false },
  [T.INT8]: { bits: 8, signed: true },
  [T.INT16]: { bits: 16, signed: true },
  [T.INT32]: { bits: 32, signed: true },
  [T.INT64]: { bits: 64, signed: true },
};

/** Operators that move elements and leave their type. */
const MOVES = new Set([
  "Reshape",
  "Transpose",
  "Expand",
  "Slice",
  "Pad",
  "Gather",
  "GatherElements",
]);

/** ONNX's element type of a value, also behind operators that only move elements. */
function elementTypeOf(node: ImportNode, value: Value): number {
  for (let v = value; ; v = v.inputs[0]) {
    const type = node.elementType(v);
    if (type !== undefined) return type;
    if (!MOVES.has(v.op)) break;
  }
  throw node.error(
    "works on the bits of a value whose element type does not follow from the file; put a Cast before it",
  );
}

function wholeOf(node: ImportNode, type: number): Whole {
  const whole = wholes[type];
  if (whole === undefined) throw node.error(`works on the bits of ${typeName(type)}`);
  return whole;
}

/** f on stored numbers, bits beyond the type cut off; null where they depend on the image. */
function computed(
  node: ImportNode,
  values: readonly Value[],
  { bits, signed }: Whole,
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

/** As a number from 0 to 2^bits − 1, in 64 bits. */
function unsignedOf(x: Value, { bits, signed }: Whole): Value {
  const wide = g.cast(x, "int64");
  if (!signed) return wide;
  return g.where(g.greater(num(wide, 0), wide), g.add(wide, num(wide, 2 ** bits)), wide);
}

/** Back from such a number, its higher bits cut off. */
function wrapped(x: Value, { bits, signed }: Whole, like: Value): Value {
  const size = num(x, 2 ** bits);
  const low = g.sub(x, g.mul(g.div(x, size), size));
  const half = num(x, 2 ** (bits - 1) - 1);
  return g.cast(signed ? g.where(g.greater(low, half), g.sub(low, size), low) : low, like.dtype);
}

function narrow(node: ImportNode, whole: Whole): Whole {
  if (whole.bits <= 32) return whole;
  throw node.error(
    "works on bits of 64-bit numbers that depend on the image; only stored ones can be read",
  );
}

/** (x, distance): bits moved up or down; those that leave the type are lost. */
function bitShift(node: ImportNode): Value {
  const [x, distance] = [node.input(0), node.input(1)];
  const type = elementTypeOf(node, x);
  const whole = wholeOf(node, type);
  const direction = node.text("direction", "");
  if (direction !== "LEFT" && direction !== "RIGHT")
    throw node.error(`shifts to ${JSON.stringify(direction)}; LEFT and RIGHT exist`);
  const left = direction === "LEFT";
  const stored = computed(node, [x, distance], whole, (a, n) => {
    if (n >= BigInt(whole.bits)) return 0n;
    return left ? a << n : a >> n;
  });
  if (stored !== null) return node.withElementType(stored, type);
  const { bits } = narrow(node, whole);
  const [from, by] = [unsignedOf(x, whole), g.cast(distance, "int64")];
  const far = g.greater(by, num(by, bits - 1));
  const inside = g.cast(g.where(far, num(by, 0), by), "float64");
  const factor = g.cast(g.pow(num(inside, 2), inside), "int64");
  const moved = left ? g.mul(from, factor) : g.div(from, factor);
  return node.withElementType(wrapped(g.where(far, num(by, 0), moved), whole, x), type);
}

/** A rule on two bits, and the same on whole numbers. */
const bitwise =
  (ofBits: (a: Value, b: Value) => Value, ofNumbers: (a: bigint, b: bigint) => bigint): Importer =>
  (node) => {
    const [a, b] = [node.input(0), node.input(1)];
    const type = elementTypeOf(node, a);
    const whole = wholeOf(node, type);
    const stored = computed(node, [a, b], whole, ofNumbers);
    if (stored !== null) return node.withElementType(stored, type);
    const { bits } = narrow(node, whole);
    let rest = [unsignedOf(a, whole), unsignedOf(b, whole)];
    let sum: Value | undefined;
    for (let bit = 0; bit < bits; bit++) {
      node.countNodes();
      const halves = rest.map((v) => g.div(v, num(v, 2)));
      const [p, q] = rest.map((v, i) => g.sub(v, g.add(halves[i], halves[i])));
      const part = g.mul(ofBits(p, q), num(p, 2 ** bit));
      sum = sum === undefined ? part : g.add(sum, part);
      rest = halves;
    }
    return node.withElementType(wrapped(sum as Value, whole, a), type);
  };

/** All bits turned over. */
function bitwiseNot(node: ImportNode): Value {
  const x = node.input(0);
  const type = elementTypeOf(node, x);
  const { bits, signed } = wholeOf(node, type);
  if (!signed && bits === 64) throw node.error("turns bits of uint64, which cannot be read");
  return node.withElementType(g.sub(num(x, signed ? -1 : 2 ** bits - 1), x), type);
}

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
