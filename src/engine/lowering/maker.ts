import type { DType, NdArray, Shape } from "../../math/tensor.ts";
import type { Lowered, LoweredAttributes } from "../graph/lowered.ts";
import { scalar } from "../graph/ops.ts";
import type { Builder } from "./builder.ts";

type Two = (x: Lowered, y: Lowered) => Lowered;
type Compare = (x: Lowered, y: Lowered, shape: Shape) => Lowered;

/** Nodes that stand for others; of two inputs the first one has the shape of the result. */
export interface Maker {
  constant(array: NdArray): Lowered;
  number(value: number, dtype: DType): Lowered;
  unary(op: "Floor" | "Exp" | "Log" | "Not", x: Lowered): Lowered;
  cast(x: Lowered, to: DType): Lowered;
  readonly add: Two;
  readonly sub: Two;
  readonly mul: Two;
  readonly min: Two;
  readonly greater: Compare;
  readonly equal: Compare;
}

/** Short ways of making nodes. */
export function maker(b: Builder): Maker {
  const constant = (array: NdArray): Lowered =>
    b.make("Constant", [], { array }, array.dtype, array.shape);
  const binary =
    (op: "Add" | "Sub" | "Mul" | "Min"): Two =>
    (x, y) =>
      b.make(op, [x, y], {}, x.dtype, x.shape);
  const compare =
    (op: "Greater" | "Equal"): Compare =>
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
    greater: compare("Greater"),
    equal: compare("Equal"),
    unary: (op, x) => b.make(op, [x], {}, x.dtype, x.shape),
    cast: (x, to) => b.make("Cast", [x], { to }, to, x.shape),
  };
}
