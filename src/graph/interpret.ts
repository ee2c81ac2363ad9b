// A reference interpreter: slow, plain, and right. It folds constants and is what runtimes are tested against.

import { type DType, type NdArray, type Shape, type Storage, sizeOf } from "../math/tensor.ts";
import { convolve, convolveInputGradient, convolveWeightGradient } from "./interpret-conv.ts";
import { is, type Op, topological, type Value } from "./value.ts";

const ARRAYS: { readonly [D in DType]: new (size: number) => Storage[D] } = {
  float32: Float32Array,
  float64: Float64Array,
  int64: BigInt64Array,
  int32: Int32Array,
  bool: Uint8Array,
  uint8: Uint8Array,
};

/** The distance in memory between neighbours along each axis. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

/** Fills an array of `shape`: `at` gets the multi-index of each element in row-major order. */
function fill(dtype: DType, shape: Shape, at: (index: readonly number[]) => number): NdArray {
  const data = new ARRAYS[dtype](sizeOf(shape));
  const index = new Array<number>(shape.length).fill(0);
  for (let i = 0; i < data.length; i++) {
    const value = at(index);
    data[i] = dtype === "int64" ? BigInt(value) : value;
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis] === shape[axis]; axis--)
      index[axis] = 0;
  }
  return { dtype, shape, data } as NdArray;
}

/** Reads `x` at a multi-index of its own shape. */
function reader(x: NdArray): (index: readonly number[]) => number {
  const strides = stridesOf(x.shape);
  return (index) => {
    let offset = 0;
    for (let axis = 0; axis < strides.length; axis++) offset += index[axis] * strides[axis];
    return Number(x.data[offset]);
  };
}

/** The view of `x` with these strides (in elements) from `offset`, copied into row-major order. */
function strided(x: NdArray, shape: Shape, strides: readonly number[], offset = 0): NdArray {
  const data = new ARRAYS[x.dtype](sizeOf(shape));
  const index = new Array<number>(shape.length).fill(0);
  let from = offset;
  for (let i = 0; i < data.length; i++) {
    data[i] = x.data[from];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return { dtype: x.dtype, shape, data } as NdArray;
}

/** `x` broadcast to `shape`. */
function broadcastTo(x: NdArray, shape: Shape): NdArray {
  if (x.shape.length === shape.length && sizeOf(x.shape) === sizeOf(shape)) return x;
  const own = stridesOf(x.shape).map((stride, axis) => (x.shape[axis] === 1 ? 0 : stride));
  return strided(x, shape, [...new Array(shape.length - own.length).fill(0), ...own]);
}

/** An array of `shape` whose i-th element is at(i), in row-major order. */
function flat(dtype: DType, shape: Shape, at: (i: number) => number): NdArray {
  const data = new ARRAYS[dtype](sizeOf(shape));
  for (let i = 0; i < data.length; i++) data[i] = dtype === "int64" ? BigInt(at(i)) : at(i);
  return { dtype, shape, data } as NdArray;
}

type Kernel<O extends Op> = (node: Value<O>, inputs: readonly NdArray[]) => NdArray;

const unary =
  <O extends Op>(f: (x: number) => number): Kernel<O> =>
  ({ dtype, shape }, [x]) =>
    flat(dtype, shape, (i) => f(Number(x.data[i])));

const binary =
  <O extends Op>(f: (a: number, b: number) => number): Kernel<O> =>
  ({ dtype, shape }, inputs) => {
    const [a, b] = inputs.map((input) => broadcastTo(input, shape).data);
    return flat(dtype, shape, (i) => f(Number(a[i]), Number(b[i])));
  };

const reduce =
  <O extends "ReduceSum" | "ReduceMax">(
    start: number,
    f: (total: number, x: number) => number,
  ): Kernel<O> =>
  ({ dtype, shape, attrs: { axes, keepdims } }, [x]) => {
    const read = reader(x);
    const lengths = axes.map((axis) => x.shape[axis]);
    const count = sizeOf(lengths);
    const kept = x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
    return fill(dtype, shape, (index) => {
      const at = new Array<number>(x.shape.length);
      for (const [i, axis] of kept.entries()) at[axis] = index[keepdims ? axis : i];
      let total = start;
      for (let i = 0; i < count; i++) {
        let rest = i;
        for (let k = axes.length - 1; k >= 0; k--) {
          at[axes[k]] = rest % lengths[k];
          rest = Math.floor(rest / lengths[k]);
        }
        total = f(total, read(at));
      }
      return total;
    });
  };

const normalised =
  <O extends "Softmax" | "LogSoftmax">(logarithm: boolean): Kernel<O> =>
  ({ dtype, shape, attrs: { axis } }, [x]) => {
    const read = reader(x);
    const along = (index: readonly number[]) =>
      Array.from({ length: shape[axis] }, (_, i) => read(index.with(axis, i)));
    return fill(dtype, shape, (index) => {
      const row = along(index);
      const top = Math.max(...row);
      const total = row.reduce((sum, v) => sum + Math.exp(v - top), 0);
      const log = read(index) - top - Math.log(total);
      return logarithm ? log : Math.exp(log);
    });
  };

const same: Kernel<"Reshape" | "StopGradient"> = ({ dtype, shape }, [x]) =>
  ({ dtype, shape, data: x.data }) as NdArray;

/** One entry per source operator. */
const kernels: { readonly [O in Op]: Kernel<O> } = {
  Input: ({ attrs: { name } }) => {
    throw new Error(`no value for input ${name}`);
  },
  Constant: ({ attrs: { array } }) => array,
  Add: binary((a, b) => a + b),
  Sub: binary((a, b) => a - b),
  Mul: binary((a, b) => a * b),
  Div: (node, inputs) =>
    binary(node.dtype.startsWith("float") ? (a, b) => a / b : (a, b) => Math.trunc(a / b))(
      node as never,
      inputs,
    ),
  Neg: unary((x) => -x),
  Exp: unary(Math.exp),
  Log: unary(Math.log),
  Sqrt: unary(Math.sqrt),
  Tanh: unary(Math.tanh),
  Sigmoid: unary((x) => 1 / (1 + Math.exp(-x))),
  Relu: unary((x) => Math.max(x, 0)),
  Greater: binary((a, b) => (a > b ? 1 : 0)),
  Where: ({ dtype, shape }, inputs) => {
    const [c, a, b] = inputs.map((input) => broadcastTo(input, shape).data);
    return flat(dtype, shape, (i) => Number(c[i] ? a[i] : b[i]));
  },
  Cast: ({ dtype, shape, attrs: { to } }, [x]) => {
    const whole = to === "bool" ? (v: number) => (v === 0 ? 0 : 1) : Math.trunc;
    const convert = to.startsWith("float") ? (v: number) => v : whole;
    return flat(dtype, shape, (i) => convert(Number(x.data[i])));
  },
  StopGradient: same as Kernel<"StopGradient">,
  MatMul: ({ dtype, shape }, [a, b]) => {
    const batch = shape.slice(0, -2);
    const [rows, inner] = a.shape.slice(-2);
    const columns = shape[shape.length - 1];
    const x = broadcastTo(a, [...batch, rows, inner]).data;
    const y = broadcastTo(b, [...batch, inner, columns]).data;
    return flat(dtype, shape, (i) => {
      const [row, column] = [Math.floor(i / columns), i % columns];
      const matrix = Math.floor(row / rows) * inner;
      let total = 0;
      for (let k = 0; k < inner; k++)
        total += Number(x[row * inner + k]) * Number(y[(matrix + k) * columns + column]);
      return total;
    });
  },
  Softmax: normalised(false),
  LogSoftmax: normalised(true),
  ReduceSum: reduce(0, (total, x) => total + x),
  ReduceMax: reduce(Number.NEGATIVE_INFINITY, Math.max),
  Reshape: same as Kernel<"Reshape">,
  Transpose: ({ shape, attrs: { perm } }, [x]) => {
    const strides = stridesOf(x.shape);
    return strided(
      x,
      shape,
      perm.map((axis) => strides[axis]),
    );
  },
  Expand: ({ shape }, [x]) => broadcastTo(x, shape),
  Slice: ({ shape, attrs: { starts, steps } }, [x]) => {
    const strides = stridesOf(x.shape);
    const offset = starts.reduce((sum, start, axis) => sum + start * strides[axis], 0);
    return strided(
      x,
      shape,
      strides.map((stride, axis) => stride * steps[axis]),
      offset,
    );
  },
  Concat: ({ dtype, shape, attrs: { axis } }, inputs) => {
    const owners = inputs.flatMap((x, which) =>
      Array.from({ length: x.shape[axis] }, (_, i) => ({ which, i })),
    );
    const readers = inputs.map((x) => reader(x));
    return fill(dtype, shape, (index) => {
      const { which, i } = owners[index[axis]];
      return readers[which](index.with(axis, i));
    });
  },
  Pad: ({ dtype, shape, attrs: { before } }, [x]) => {
    const read = reader(x);
    return fill(dtype, shape, (index) => {
      const at = index.map((i, axis) => i - before[axis]);
      return at.every((i, axis) => i >= 0 && i < x.shape[axis]) ? read(at) : 0;
    });
  },
  Conv: ({ dtype, shape, attrs }, [x, w]) => convolve(dtype, shape, x, w, attrs),
  ConvInputGradient: ({ dtype, attrs }, [dy, w]) => convolveInputGradient(dtype, dy, w, attrs),
  ConvWeightGradient: ({ dtype, shape, attrs }, [x, dy]) =>
    convolveWeightGradient(dtype, shape, x, dy, attrs),
};

/** The value of one node, given its inputs' values. */
export const evaluateNode = (node: Value, inputs: readonly NdArray[]): NdArray =>
  (kernels as Record<Op, Kernel<never>>)[node.op](node as never, inputs);

/** The values of `outputs`; `feeds` gives each input by name. */
export function interpret(
  outputs: readonly Value[],
  feeds: Readonly<Record<string, NdArray>> = {},
): NdArray[] {
  const values = new Map<Value, NdArray>();
  for (const node of topological<Value>(outputs)) {
    const fed = is(node, "Input") ? feeds[node.attrs.name] : undefined;
    values.set(
      node,
      fed ??
        evaluateNode(
          node,
          node.inputs.map((input) => values.get(input) as NdArray),
        ),
    );
  }
  return outputs.map((output) => values.get(output) as NdArray);
}
