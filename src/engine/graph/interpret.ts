// The reference interpreter: slow and simple. It folds constants, and runtimes are tested against it.

import { normalCdf } from "../../math/special.ts";
import { elementCount, type NdArray } from "../../math/tensor.ts";
import {
  broadcastTo,
  fill,
  flat,
  linesOf,
  reader,
  strided,
  stridesOf,
} from "./interpret-arrays.ts";
import { convolve, convolveInputGradient, convolveWeightGradient } from "./interpret-conv.ts";
import { argMax, gather, gatherElements, scatterAdd, topKIndices } from "./interpret-indexing.ts";
import { averagePool, maxPool, maxPoolIndices } from "./interpret-pool.ts";
import { is, type Op, topological, type Value } from "./value.ts";

type Kernel<O extends Op> = (node: Value<O>, inputs: readonly NdArray[]) => NdArray;

const erf = (x: number): number => 2 * normalCdf(x * Math.SQRT2) - 1;

function roundHalfEven(x: number): number {
  const below = Math.floor(x);
  const fraction = x - below;
  if (fraction !== 0.5) return fraction < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}

const unary =
  <O extends Op>(f: (x: number) => number): Kernel<O> =>
  ({ dtype, shape }, [x]) =>
    flat(dtype, shape, (i) => f(Number(x.data[i])));

/** f of each pair, rounded once. A plain loop, because folding weights spends its time here. */
function pairwise(a: Float32Array, b: Float32Array, f: (a: number, b: number) => number) {
  const out = new Float32Array(a.length);
  for (let i = 0; i < out.length; i++) out[i] = f(a[i], b[i]);
  return out;
}

const binary =
  <O extends Op>(f: (a: number, b: number) => number): Kernel<O> =>
  ({ dtype, shape }, inputs) => {
    const [a, b] = inputs.map((input) => broadcastTo(input, shape).data);
    if (dtype === "float32" && a instanceof Float32Array && b instanceof Float32Array)
      return { dtype, shape, data: pairwise(a, b, f) };
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
    const count = elementCount(lengths);
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

/** Softmax, or its logarithm, along one axis. */
const softmaxKernel =
  <O extends "Softmax" | "LogSoftmax">(op: O): Kernel<O> =>
  ({ dtype, shape, attrs: { axis } }, [x]) => {
    const result = flat(dtype, shape, () => 0);
    const data = result.data as Float64Array;
    for (const [start, step] of linesOf(shape, axis)) {
      const stop = start + shape[axis] * step;
      let top = Number.NEGATIVE_INFINITY;
      for (let i = start; i < stop; i += step) top = Math.max(top, Number(x.data[i]));
      let total = 0;
      for (let i = start; i < stop; i += step) total += Math.exp(Number(x.data[i]) - top);
      for (let i = start; i < stop; i += step) {
        const log = Number(x.data[i]) - top - Math.log(total);
        data[i] = op === "LogSoftmax" ? log : Math.exp(log);
      }
    }
    return result;
  };

/** The same elements under the node's shape. */
const sameElements: Kernel<"Reshape" | "StopGradient" | "StraightThrough"> = (
  { dtype, shape },
  [x],
) => ({ dtype, shape, data: x.data }) as NdArray;

/** One kernel per source operator: the value of a node, given the values of its inputs. */
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
  Abs: unary(Math.abs),
  Sign: unary(Math.sign),
  Floor: unary(Math.floor),
  Ceil: unary(Math.ceil),
  Round: unary(roundHalfEven),
  Erf: unary(erf),
  Sin: unary(Math.sin),
  Cos: unary(Math.cos),
  Atan: unary(Math.atan),
  Pow: binary((a, b) => a ** b),
  Max: binary(Math.max),
  Min: binary(Math.min),
  Clip: ({ dtype, shape, attrs: { low, high } }, [x]) =>
    flat(dtype, shape, (i) => Math.min(Math.max(Number(x.data[i]), low), high)),
  Greater: binary((a, b) => (a > b ? 1 : 0)),
  Equal: binary((a, b) => (a === b ? 1 : 0)),
  And: binary((a, b) => a & b),
  Or: binary((a, b) => a | b),
  Not: unary((x) => 1 - x),
  Where: ({ dtype, shape }, inputs) => {
    const [c, a, b] = inputs.map((input) => broadcastTo(input, shape).data);
    return flat(dtype, shape, (i) => Number(c[i] ? a[i] : b[i]));
  },
  Cast: ({ dtype, shape, attrs: { to } }, [x]) => {
    const whole = to === "bool" ? (v: number) => (v === 0 ? 0 : 1) : Math.trunc;
    const convert = to.startsWith("float") ? (v: number) => v : whole;
    return flat(dtype, shape, (i) => convert(Number(x.data[i])));
  },
  StopGradient: sameElements as Kernel<"StopGradient">,
  StraightThrough: sameElements as Kernel<"StraightThrough">,
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
  Softmax: softmaxKernel("Softmax"),
  LogSoftmax: softmaxKernel("LogSoftmax"),
  ReduceSum: reduce(0, (total, x) => total + x),
  ReduceMax: reduce(Number.NEGATIVE_INFINITY, Math.max),
  Reshape: sameElements as Kernel<"Reshape">,
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
  Gather: ({ attrs: { axis } }, [x, indices]) => gather(x, indices, axis),
  GatherElements: ({ attrs: { axis } }, [x, indices]) => gatherElements(x, indices, axis),
  ScatterAdd: ({ attrs: { axis, shape } }, [updates, indices]) =>
    scatterAdd(updates, indices, axis, shape),
  ArgMax: ({ attrs: { axis } }, [x]) => argMax(x, axis),
  TopKIndices: ({ attrs }, [x]) => topKIndices(x, attrs),
  MaxPool: ({ attrs, shape }, [x]) => maxPool(x, shape, attrs),
  MaxPoolIndices: ({ attrs, shape }, [x]) => maxPoolIndices(x, shape, attrs),
  AveragePool: ({ attrs, shape }, [x]) => averagePool(x, shape, attrs),
  Conv: ({ dtype, shape, attrs }, [x, w]) => convolve(dtype, shape, x, w, attrs),
  ConvInputGradient: ({ dtype, attrs }, [dy, w]) => convolveInputGradient(dtype, dy, w, attrs),
  ConvWeightGradient: ({ dtype, shape, attrs }, [x, dy]) =>
    convolveWeightGradient(dtype, shape, x, dy, attrs),
};

/** The value of a node, given the values of its inputs. */
export const evaluateNode = (node: Value, inputs: readonly NdArray[]): NdArray =>
  (kernels as Record<Op, Kernel<never>>)[node.op](node as never, inputs);

/**
 * The values of `outputs`, given the inputs by name. Throws if an input is missing.
 *
 * @example
 * ```ts
 * import { interpret, ops, tensor } from "rampart";
 *
 * const x = ops.input("x", [2]);
 * const [y] = interpret([ops.relu(x)], { x: tensor([2], [-1, 2]) });
 * console.log(y.data); // 0, 2
 * ```
 */
export function interpret(
  outputs: readonly Value[],
  feeds: Readonly<Record<string, NdArray>> = {},
): NdArray[] {
  const values = new Map<Value, NdArray>();
  for (const node of topological<Value>(outputs)) {
    const fed = is(node, "Input") ? feeds[node.attrs.name] : undefined;
    const inputs = node.inputs.map((input) => values.get(input) as NdArray);
    values.set(node, fed ?? evaluateNode(node, inputs));
  }
  return outputs.map((output) => values.get(output) as NdArray);
}
