// What ONNX Runtime's WebGPU provider lacks, or computes too coarsely, in operators that it has. Anything it
// lacks and that is not listed here runs on the CPU inside ONNX Runtime: the same numbers, and two copies.

import { isLowered, type Lowered, type LoweredOp } from "../../graph/lowered.ts";
import type { Value } from "../../graph/value.ts";
import type { Builder } from "../builder.ts";
import { maker } from "../maker.ts";
import { lowerPlain } from "../plain/plain.ts";
import { poolIndices } from "./pool.ts";
import { groupedTransposed } from "./transposed.ts";

/** Swaps the last two axes. */
function swapped(b: Builder, x: Lowered): Lowered {
  const rank = x.shape.length;
  const perm = [...x.shape.keys()];
  [perm[rank - 2], perm[rank - 1]] = [rank - 1, rank - 2];
  const shape = perm.map((axis) => x.shape[axis]);
  return b.make("Transpose", [x], { perm }, x.dtype, shape);
}

/**
 * WGSL allows sine and cosine an error of 2⁻¹¹, and SwiftShader uses all of it. In float64, which no provider but the
 * CPU's has, they are computed on the host.
 */
const onHost = (b: Builder, { op, inputs: [x], shape }: Lowered): Lowered | null => {
  if (x.dtype !== "float32") return null;
  const { cast } = maker(b);
  const y = b.make(op as "Sin" | "Cos", [cast(x, "float64")], {}, "float64", shape);
  return cast(y, "float32");
};

type Substitute<O extends LoweredOp> = (b: Builder, node: Lowered<O>) => Lowered | null;

/** Stands for a node in the provider's own operators, or null where the node may stay. */
const substitutes: { readonly [O in LoweredOp]?: Substitute<O> } = {
  FusedMatMul(b, { attrs: { transA, transB, alpha }, inputs: [x, y], dtype, shape }) {
    const factors = [transA ? swapped(b, x) : x, transB ? swapped(b, y) : y];
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

  // ⌊x⌋ + 1 above a half, ⌊x⌋ below, and the even one of the two at a half; x − ⌊x⌋ is exact.
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

  // Indices that were made as int32 stay so, since a cast to int64 would run on the CPU.
  Reshape(b, { inputs: [x], attrs, shape }) {
    if (!isIndex(x)) return null;
    return maker(b).cast(b.make("Reshape", [x.inputs[0]], attrs, "int32", shape), "int64");
  },
  ScatterElements(b, { inputs: [zeros, indices, updates], attrs, dtype, shape }) {
    if (!isIndex(indices)) return null;
    return b.make("ScatterElements", [zeros, indices.inputs[0], updates], attrs, dtype, shape);
  },
};

const isIndex = (x: Lowered): boolean =>
  isLowered(x, "Cast") && x.dtype === "int64" && x.inputs[0].dtype === "int32";

/** A builder that makes only what the provider has, as far as `substitutes` knows. */
function webgpuBuilder(b: Builder): Builder {
  const own: Builder = {
    make(op, inputs, attrs, dtype, shape) {
      const node = { op, inputs, attrs, dtype, shape } as Lowered;
      const substitute = substitutes[op] as Substitute<LoweredOp> | undefined;
      return substitute?.(own, node) ?? b.make(op, inputs, attrs, dtype, shape);
    },
  };
  return own;
}

/** The plain lowering for WebGPU: every value that it can keep on the device stays there. */
export const lowerWebgpu = (outputs: Readonly<Record<string, Value>>): Record<string, Lowered> =>
  lowerPlain(outputs, webgpuBuilder);
