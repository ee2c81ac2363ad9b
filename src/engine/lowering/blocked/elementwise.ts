// Elementwise operators on blocked arrays: sums and scales stay forms, the rest is the same operator on the array in
// memory, with vectors laid out beside it.

import { sizeOf } from "../../../math/tensor.ts";
import {
  isLowered,
  type Lowered,
  type LoweredAttributes,
  type LoweredOp,
} from "../../graph/lowered.ts";
import { is, type Op, type Value } from "../../graph/value.ts";
import { computed, type Deferred, materialized } from "./deferred.ts";
import type { Blocked, Layouts } from "./layouts.ts";

/** How an operand lies against the result [batch, channel, height, width]. */
type Operand =
  | { readonly kind: "full"; readonly value: Value }
  /** One number per channel. */
  | { readonly kind: "channel"; readonly value: Value }
  /** One number per example and channel. */
  | { readonly kind: "image"; readonly value: Value }
  | { readonly kind: "scalar"; readonly value: Value };

/** Operators on 0 that give a finite number, so that the channels which fill a block stay harmless. */
const HARMLESS: readonly Op[] = [
  ...(["Add", "Sub", "Mul", "Neg", "Tanh", "Sigmoid", "Relu", "Abs", "Sign"] as const),
  ...(["Floor", "Ceil", "Round", "Erf", "Sin", "Cos", "Atan", "Max", "Min", "Clip"] as const),
  ...(["Greater", "Equal", "And", "Or", "Not", "Where", "Cast", "Exp", "Sqrt"] as const),
];
const OTHERS: readonly Op[] = ["Div", "Log", "Pow"];
const ALL: ReadonlySet<Op> = new Set([...HARMLESS, ...OTHERS]);

export const isElementwise = (node: Value): boolean => ALL.has(node.op);

/** Null where an operand lies otherwise. */
function operandOf(value: Value, shape: readonly number[]): Operand | null {
  const inner = is(value, "Expand") ? value.inputs[0] : value;
  if (inner === value && value.shape.join() === shape.join()) return { kind: "full", value };
  if (sizeOf(inner.shape) === 1) return { kind: "scalar", value: inner };
  const lead = 4 - inner.shape.length;
  const at = (axis: number) => (axis < lead ? 1 : inner.shape[axis - lead]);
  if (at(2) !== 1 || at(3) !== 1 || at(1) !== shape[1])
    return value.shape.join() === shape.join() ? { kind: "full", value } : null;
  if (at(0) === 1) return { kind: "channel", value: inner };
  return at(0) === shape[0] ? { kind: "image", value: inner } : null;
}

export function blockedElementwise(layouts: Layouts, node: Value): Blocked {
  const { n, isBlocked } = layouts;
  const { shape } = node;
  const operands: Operand[] = [];
  for (const input of node.inputs) {
    const operand = operandOf(input, shape);
    if (operand === null) return null;
    operands.push(operand);
  }
  if (!operands.some(({ kind, value }) => kind === "full" && isBlocked(value))) return null;
  if (shape[1] % n.block !== 0 && OTHERS.includes(node.op)) return null;
  return (
    asForm(layouts, node, operands) ??
    reluMask(layouts, node, operands) ??
    sameOperator(layouts, node, operands)
  );
}

/** One number per channel, with those that fill the last block. */
function vectorOf({ b, n, plain }: Layouts, { kind, value }: Operand, channels: number): Lowered {
  const array = plain(value);
  if (kind !== "scalar") return n.vector(array, channels);
  const shape = [n.whole(channels)];
  return b.make("Expand", [n.reshape(array, [1])], { shape }, array.dtype, shape);
}

/** Sums, scales and relu; null for what is none of them. */
function asForm(layouts: Layouts, node: Value, operands: readonly Operand[]): Deferred | null {
  const { b, f, form, n } = layouts;
  const channels = node.shape[1];
  if (node.dtype !== "float32") return null;
  const [x, y] = operands;
  const negative = (v: Lowered) => b.make("Neg", [v], {}, v.dtype, v.shape);
  if (node.op === "Relu") {
    const array = f.settle(form(x.value), true);
    return computed(array, channels);
  }
  if (x === undefined || y === undefined || operands.length > 2) return null;
  const [full, other] = x.kind === "full" ? [x, y] : [y, x];
  if (other.kind === "image") return null;
  const swapped = full !== x;
  if (other.kind === "full") {
    if (node.op === "Add") return f.sum(form(x.value), form(y.value));
    const both = [form(x.value), form(y.value)].every((known) => materialized(known) !== null);
    if (node.op !== "Sub" || both) return null;
    const minus = f.scaled(form(y.value), n.filled([n.whole(channels)], -1));
    return f.sum(form(x.value), minus);
  }
  const vector = () => vectorOf(layouts, other, channels);
  switch (node.op) {
    case "Add":
      return f.shifted(form(full.value), vector());
    case "Sub": {
      if (!swapped) return f.shifted(form(full.value), negative(vector()));
      const minus = f.scaled(form(full.value), n.filled([n.whole(channels)], -1));
      return f.shifted(minus, vector());
    }
    case "Mul":
      return f.scaled(form(full.value), vector());
    case "Div": {
      if (swapped) return null;
      const v = vector();
      return f.scaled(form(full.value), b.make("Div", [n.filled([], 1), v], {}, v.dtype, v.shape));
    }
    default:
      return null;
  }
}

/** where(y > 0, dy, 0) for y = relu(x), as HardSigmoid(10³⁰ · y) · dy; see the plain lowering. */
function reluMask(layouts: Layouts, node: Value, operands: readonly Operand[]): Deferred | null {
  const { b, blocked, plain } = layouts;
  if (!is(node, "Where") || node.dtype !== "float32") return null;
  const [condition, , otherwise] = node.inputs;
  const zero = otherwise;
  if (!is(condition, "Greater") || operands[2].kind !== "scalar" || !isZero(plain(zero)))
    return null;
  const [y, threshold] = condition.inputs;
  if (!is(y, "Relu") || !isZero(plain(threshold)) || y.shape.join() !== node.shape.join())
    return null;
  const array = blocked(y);
  const attrs = { alpha: 1e30, beta: 0 };
  const mask = b.make("HardSigmoid", [array], attrs, array.dtype, array.shape);
  return product(layouts, node, "Mul", [computed(mask, node.shape[1]), operands[1]]);
}

const isZero = (value: Lowered) =>
  isLowered(value, "Constant") &&
  sizeOf(value.shape) === 1 &&
  Number(value.attrs.array.data[0]) === 0;

const sameOperator = (layouts: Layouts, node: Value, operands: readonly Operand[]): Deferred =>
  product(layouts, node, node.op as LoweredOp, operands);

/** `op` on arrays in memory: where vectors take part, as [batch, channel / B, pixel, B]. */
function product(
  { b, n, blocked, f, plain }: Layouts,
  node: Value,
  op: LoweredOp,
  operands: readonly (Operand | Deferred)[],
): Deferred {
  const { dtype } = node;
  const channels = node.shape[1];
  const shape = node.shape.with(1, n.whole(channels));
  const [batch] = shape;
  const blocks = shape[1] / n.block;
  const flat = operands.every(
    (operand) => !("kind" in operand) || operand.kind === "full" || operand.kind === "scalar",
  );
  const arrays = operands.map((operand) => {
    if (!("kind" in operand)) {
      const array = f.settle(operand);
      return flat ? array : n.view(array);
    }
    const { kind, value } = operand;
    if (kind === "full") return flat ? blocked(value) : n.view(blocked(value));
    const array = plain(value);
    if (kind === "scalar") return n.reshape(array, []);
    if (kind === "channel") return n.reshape(n.vector(array, channels), [1, blocks, 1, n.block]);
    const rows = n.extended(n.reshape(array, [batch, channels]), 1, shape[1]);
    return n.reshape(rows, [batch, blocks, 1, n.block]);
  });
  const attrs = (op === node.op ? node.attrs : {}) as LoweredAttributes[LoweredOp];
  const result = b.make(op, arrays, attrs, dtype, flat ? shape : n.viewShape(shape));
  const back = flat ? result : b.make("Reshape", [result], { shape }, dtype, shape);
  return computed(back, channels);
}
