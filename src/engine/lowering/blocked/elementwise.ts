// Elementwise operators on blocked arrays. Sums and scales stay deferred; the other operators run on the array in memory,
// with vectors laid out to match.

import { elementCount } from "../../../math/tensor.ts";
import type { Lowered, LoweredAttributes, LoweredOp } from "../../graph/lowered.ts";
import { is, type Op, type Value } from "../../graph/value.ts";
import { isConstantZero } from "../plain/elementwise.ts";
import { computed, type Deferred, materialized } from "./deferred.ts";
import type { Layouts, RuleResult } from "./layouts.ts";

/** An operand, and what it holds relative to the result [batch, channel, height, width]. */
interface Operand {
  /** One number per element, per channel, per example and channel, or one for all. */
  readonly kind: "full" | "channel" | "image" | "scalar";
  readonly value: Value;
}

/** Operators that map 0 to a finite number, so that the channels that fill a block stay finite. */
const FINITE_AT_0: readonly Op[] = [
  "Add",
  "Sub",
  "Mul",
  "Neg",
  "Tanh",
  "Sigmoid",
  "Relu",
  "Abs",
  "Sign",
  "Floor",
  "Ceil",
  "Round",
  "Erf",
  "Sin",
  "Cos",
  "Atan",
  "Max",
  "Min",
  "Clip",
  "Greater",
  "Equal",
  "And",
  "Or",
  "Not",
  "Where",
  "Cast",
  "Exp",
  "Sqrt",
];
const NOT_FINITE_AT_0: readonly Op[] = ["Div", "Log", "Pow"];
const ELEMENTWISE: ReadonlySet<Op> = new Set([...FINITE_AT_0, ...NOT_FINITE_AT_0]);

/** Whether `blockedElementwise` is the rule for a node. */
export const isElementwise = (node: Value): boolean => ELEMENTWISE.has(node.op);

/** The kind of an operand; null if it is broadcast in another way. */
function operandOf(value: Value, shape: readonly number[]): Operand | null {
  const inner = is(value, "Expand") ? value.inputs[0] : value;
  const isFull = value.shape.join() === shape.join();
  if (inner === value && isFull) return { kind: "full", value };
  if (elementCount(inner.shape) === 1) return { kind: "scalar", value: inner };
  const lead = 4 - inner.shape.length;
  const at = (axis: number) => (axis < lead ? 1 : inner.shape[axis - lead]);
  if (at(2) !== 1 || at(3) !== 1 || at(1) !== shape[1])
    return isFull ? { kind: "full", value } : null;
  if (at(0) === 1) return { kind: "channel", value: inner };
  return at(0) === shape[0] ? { kind: "image", value: inner } : null;
}

/** Lowers an elementwise operator if an operand is blocked, and the others are full arrays, vectors or scalars. */
export function blockedElementwise(layouts: Layouts, node: Value): RuleResult {
  const { shape } = node;
  const operands: Operand[] = [];
  for (const input of node.inputs) {
    const operand = operandOf(input, shape);
    if (operand === null) return null;
    operands.push(operand);
  }
  if (!operands.some(({ kind, value }) => kind === "full" && layouts.isBlocked(value))) return null;
  const fillsBlocks = shape[1] % layouts.nchwc.block === 0;
  if (!fillsBlocks && NOT_FINITE_AT_0.includes(node.op)) return null;
  return (
    deferredResult(layouts, node, operands) ??
    reluMask(layouts, node, operands) ??
    inMemory(layouts, node, node.op as LoweredOp, operands)
  );
}

/** A vector or scalar operand as [channel], including the channels that fill the last block. */
function vectorOf(layouts: Layouts, { kind, value }: Operand, channels: number): Lowered {
  const { b, nchwc } = layouts;
  const array = layouts.plain(value);
  if (kind !== "scalar") return nchwc.vector(array, channels);
  const shape = [nchwc.whole(channels)];
  return b.make("Expand", [nchwc.reshape(array, [1])], { shape }, array.dtype, shape);
}

/** Sums, scales, shifts and relu as deferred values; null for any other operator. */
function deferredResult(
  layouts: Layouts,
  node: Value,
  operands: readonly Operand[],
): Deferred | null {
  if (node.dtype !== "float32") return null;
  const { deferredValues } = layouts;
  const [x, y] = operands;
  if (node.op === "Relu") {
    const array = deferredValues.materialize(layouts.deferred(x.value), { relu: true });
    return computed(array, node.shape[1]);
  }
  if (x === undefined || y === undefined || operands.length > 2) return null;
  if (x.kind === "full" && y.kind === "full") return sumOfImages(layouts, node, x.value, y.value);
  return x.kind === "full"
    ? withVector(layouts, node, x.value, y)
    : vectorFirst(layouts, node, x, y.value);
}

/** −x. */
const negative = ({ deferredValues, nchwc }: Layouts, x: Deferred): Deferred =>
  deferredValues.scaled(x, nchwc.filled([x.shape[1]], -1));

/** x + y or x − y. Leaves the difference of two computed arrays to the operator, which is one pass. */
function sumOfImages(layouts: Layouts, { op }: Value, x: Value, y: Value): Deferred | null {
  if (op !== "Add" && op !== "Sub") return null;
  const [left, right] = [layouts.deferred(x), layouts.deferred(y)];
  if (op === "Add") return layouts.deferredValues.sum(left, right);
  if (materialized(left) !== null && materialized(right) !== null) return null;
  return layouts.deferredValues.sum(left, negative(layouts, right));
}

/** x + v, x − v, x · v or x / v for a vector or scalar v. */
function withVector(layouts: Layouts, node: Value, x: Value, v: Operand): Deferred | null {
  if (v.kind === "image") return null;
  const { b, nchwc, deferredValues } = layouts;
  const channels = node.shape[1];
  switch (node.op) {
    case "Add":
      return deferredValues.shifted(layouts.deferred(x), vectorOf(layouts, v, channels));
    case "Sub": {
      const vector = vectorOf(layouts, v, channels);
      const minus = b.make("Neg", [vector], {}, vector.dtype, vector.shape);
      return deferredValues.shifted(layouts.deferred(x), minus);
    }
    case "Mul":
      return deferredValues.scaled(layouts.deferred(x), vectorOf(layouts, v, channels));
    case "Div": {
      const vector = vectorOf(layouts, v, channels);
      const one = nchwc.filled([], 1);
      const inverse = b.make("Div", [one, vector], {}, vector.dtype, vector.shape);
      return deferredValues.scaled(layouts.deferred(x), inverse);
    }
    default:
      return null;
  }
}

/** v + y, v − y or v · y for a vector or scalar v. */
function vectorFirst(layouts: Layouts, node: Value, v: Operand, y: Value): Deferred | null {
  if (v.kind === "image" || node.op === "Div") return null;
  if (node.op !== "Sub") return withVector(layouts, node, y, v);
  const vector = vectorOf(layouts, v, node.shape[1]);
  return layouts.deferredValues.shifted(negative(layouts, layouts.deferred(y)), vector);
}

/** where(y > 0, dy, 0) for y = relu(x), as HardSigmoid(10³⁰ · y) · dy; see `reluMask` of the plain lowering. */
function reluMask(layouts: Layouts, node: Value, operands: readonly Operand[]): Deferred | null {
  if (!is(node, "Where") || node.dtype !== "float32") return null;
  const [condition, , otherwise] = node.inputs;
  const isZero = (value: Value) => isConstantZero(layouts.plain(value));
  if (!is(condition, "Greater") || operands[2].kind !== "scalar" || !isZero(otherwise)) return null;
  const [y, threshold] = condition.inputs;
  if (!is(y, "Relu") || !isZero(threshold) || y.shape.join() !== node.shape.join()) return null;
  const array = layouts.blocked(y);
  const attrs = { alpha: 1e30, beta: 0 };
  const mask = layouts.b.make("HardSigmoid", [array], attrs, array.dtype, array.shape);
  return inMemory(layouts, node, "Mul", [computed(mask, node.shape[1]), operands[1]]);
}

/** `op` on arrays in memory. With a vector among the operands, images are viewed as [batch, channel / B, pixel, B]. */
function inMemory(
  layouts: Layouts,
  node: Value,
  op: LoweredOp,
  operands: readonly (Operand | Deferred)[],
): Deferred {
  const { b, nchwc } = layouts;
  const channels = node.shape[1];
  const shape = node.shape.with(1, nchwc.whole(channels));
  const hasVector = operands.some(
    (operand) => "kind" in operand && (operand.kind === "channel" || operand.kind === "image"),
  );
  const arrays = operands.map((operand) => {
    if ("kind" in operand && operand.kind !== "full") return smallOperand(layouts, operand, shape);
    const image =
      "kind" in operand
        ? layouts.blocked(operand.value)
        : layouts.deferredValues.materialize(operand);
    return hasVector ? nchwc.view(image) : image;
  });
  const attrs = (op === node.op ? node.attrs : {}) as LoweredAttributes[LoweredOp];
  if (!hasVector) return computed(b.make(op, arrays, attrs, node.dtype, shape), channels);
  const viewed = b.make(op, arrays, attrs, node.dtype, nchwc.viewShape(shape));
  return computed(b.make("Reshape", [viewed], { shape }, node.dtype, shape), channels);
}

/** A scalar as [], a vector as [1, channel / B, 1, B], one number per example and channel as [batch, channel / B, 1, B]. */
function smallOperand(
  layouts: Layouts,
  { kind, value }: Operand,
  [batch, channels]: readonly number[],
): Lowered {
  const { nchwc } = layouts;
  const array = layouts.plain(value);
  const blocks = channels / nchwc.block;
  if (kind === "scalar") return nchwc.reshape(array, []);
  if (kind === "channel") {
    const vector = nchwc.vector(array, elementCount(value.shape));
    return nchwc.reshape(vector, [1, blocks, 1, nchwc.block]);
  }
  const rows = nchwc.reshape(array, [batch, elementCount(value.shape) / batch]);
  return nchwc.reshape(nchwc.extended(rows, 1, channels), [batch, blocks, 1, nchwc.block]);
}
