// Replaces operators that ONNX Runtime's WebGPU provider lacks, or computes with too large an error, by operators that it
// has. ONNX Runtime runs any other missing operator on the CPU: the numbers are the same, at the price of two copies.

import { isLowered, type Lowered, type LoweredOp } from "../../graph/lowered.ts";
import type { Value } from "../../graph/value.ts";
import type { Builder } from "../builder.ts";
import { maker } from "../maker.ts";
import { lowerPlain } from "../plain/plain.ts";
import { poolIndices } from "./pool.ts";
import { groupedTransposed } from "./transposed.ts";

/** x with its last two axes swapped. */
function transposed(b: Builder, x: Lowered): Lowered {
  const rank = x.shape.length;
  const perm = [...x.shape.keys()];
  [perm[rank - 2], perm[rank - 1]] = [rank - 1, rank - 2];
  const shape = perm.map((axis) => x.shape[axis]);
  return b.make("Transpose", [x], { perm }, x.dtype, shape);
}

/**
 * WGSL allows an error of 2⁻¹¹ for sine and cosine, and SwiftShader uses all of it. Only the CPU provider has float64, so
 * ONNX Runtime computes them on the host in float64.
 */
const onHost = (b: Builder, { op, inputs: [x], shape }: Lowered): Lowered | null => {
  if (x.dtype !== "float32") return null;
  const { cast } = maker(b);
  const y = b.make(op as "Sin" | "Cos", [cast(x, "float64")], {}, "float64", shape);
  return cast(y, "float32");
};

/** Replaces a node by operators of the provider; null keeps the node. */
type Substitute<O extends LoweredOp> = (b: Builder, node: Lowered<O>) => Lowered | null;

const substitutes: { readonly [O in LoweredOp]?: Substitute<O> } = {
  FusedMatMul(b, { attrs: { transA, transB, alpha }, inputs: [x, y], dtype, shape }) {
    const factors = [transA ? transposed(b, x) : x, transB ? transposed(b, y) : y];
    const product = b.make("MatMul", factors, {}, dtype, shape);
    const { mul, number } = maker(b);
    return alpha === 1 ? product : mul(product, number(alpha, dtype));
  },

  // x − max − log Σ exp(x − max)
  LogSoftmax(b, { attrs: { axis }, inputs: [x], dtype, shape }) {
    if (dtype !== "float32") return null;
    const { sub, unary } = maker(b);
    const kept = shape.map((n, i) => (i === axis ? 1 : n));
    const attrs = { axes: [axis], keepdims: true };
    const below = sub(x, b.make("ReduceMax", [x], attrs, dtype, kept));
    const total = b.make("ReduceSum", [unary("Exp", below)], attrs, dtype, kept);
    return sub(below, unary("Log", total));
  },

  Sign(b, { inputs: [x], dtype, shape }) {
    if (dtype !== "float32") return null;
    const { sub, cast, greater, number } = maker(b);
    const zero = number(0, dtype);
    return sub(cast(greater(x, zero, shape), dtype), cast(greater(zero, x, shape), dtype));
  },

  // Let r = x − ⌊x⌋, which is exact: ⌊x⌋ + 1 if r > ½, ⌊x⌋ if r < ½, and the even one of the two if r = ½.
  Round(b, { inputs: [x], dtype, shape }) {
    if (dtype !== "float32") return null;
    const { add, sub, mul, cast, greater, equal, unary, number } = maker(b);
    const half = number(0.5, dtype);
    const low = unary("Floor", x);
    const rest = sub(x, low);
    const odd = sub(low, mul(unary("Floor", mul(low, half)), number(2, dtype)));
    const above = cast(greater(rest, half, shape), dtype);
    return add(low, add(above, mul(odd, cast(equal(rest, half, shape), dtype))));
  },

  Or(b, { inputs: [x, y], shape }) {
    const { unary } = maker(b);
    return unary("Not", b.make("And", [unary("Not", x), unary("Not", y)], {}, "bool", shape));
  },

  Sin: onHost,
  Cos: onHost,
  MaxPoolIndices: poolIndices,
  ConvTranspose: groupedTransposed,

  // Indices that were computed as int32 stay int32: a cast to int64 would run on the CPU.
  Reshape(b, { inputs: [x], attrs, shape }) {
    if (!isIndex(x)) return null;
    return maker(b).cast(b.make("Reshape", [x.inputs[0]], attrs, "int32", shape), "int64");
  },
  ScatterElements(b, { inputs: [zeros, indices, updates], attrs, dtype, shape }) {
    if (!isIndex(indices)) return null;
    return b.make("ScatterElements", [zeros, indices.inputs[0], updates], attrs, dtype, shape);
  },
};

/** Whether a value is an int32 array cast to int64. */
const isIndex = (x: Lowered): boolean =>
  isLowered(x, "Cast") && x.dtype === "int64" && x.inputs[0].dtype === "int32";

/** A builder that applies `substitutes` to every node, and to the nodes of the replacements. */
function webgpuBuilder(b: Builder): Builder {
  const substituting: Builder = {
    make(op, inputs, attrs, dtype, shape) {
      const node = { op, inputs, attrs, dtype, shape } as Lowered;
      const substitute = substitutes[op] as Substitute<LoweredOp> | undefined;
      return substitute?.(substituting, node) ?? b.make(op, inputs, attrs, dtype, shape);
    },
  };
  return substituting;
}

/** Lowers a graph for WebGPU. Values stay on the device unless their operator has no replacement. */
export const lowerWebgpu = (outputs: Readonly<Record<string, Value>>): Record<string, Lowered> =>
  lowerPlain(outputs, webgpuBuilder);
