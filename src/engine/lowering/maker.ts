import type { DType, NdArray, Shape } from "../../math/tensor.ts";
import type { Lowered, LoweredAttributes } from "../graph/lowered.ts";
import { scalar } from "../graph/ops.ts";
import type { Builder } from "./builder.ts";

/** x ∘ y, with y broadcast to the shape of x. */
type Binary = (x: Lowered, y: Lowered) => Lowered;
/** Whether x compares to y, broadcast to `shape`; bool. */
type Comparison = (x: Lowered, y: Lowered, shape: Shape) => Lowered;

/** Shorthands for nodes that lowerings make often. */
export interface Maker {
  constant(array: NdArray): Lowered;
  /** A constant of shape []. */
  number(value: number, dtype: DType): Lowered;
  unary(op: "Floor" | "Exp" | "Log" | "Not", x: Lowered): Lowered;
  cast(x: Lowered, to: DType): Lowered;
  readonly add: Binary;
  readonly sub: Binary;
  readonly mul: Binary;
  readonly min: Binary;
  readonly greater: Comparison;
  readonly equal: Comparison;
}

/** Shorthands that make their nodes with `b`. */
export function maker(b: Builder): Maker {
  const constant = (array: NdArray): Lowered =>
    b.make("Constant", [], { array }, array.dtype, array.shape);
  const binary =
    (op: "Add" | "Sub" | "Mul" | "Min"): Binary =>
    (x, y) =>
      b.make(op, [x, y], {}, x.dtype, x.shape);
  const comparison =
    (op: "Greater" | "Equal"): Comparison =>
    (x, y, shape) =>
      b.make(op, [x, y], {}, "bool", shape);
  return {
    constant,
    number: (value, dtype) =>
      constant((scalar(value, dtype).attrs as LoweredAttributes["Constant"]).array),
    add: binary("Add"),
    sub: binary("Sub"),
    mul: binary("Mul"),
    min: binary("Min"),
    greater: comparison("Greater"),
    equal: comparison("Equal"),
    unary: (op, x) => b.make(op, [x], {}, x.dtype, x.shape),
    cast: (x, to) => b.make("Cast", [x], { to }, to, x.shape),
  };
}
