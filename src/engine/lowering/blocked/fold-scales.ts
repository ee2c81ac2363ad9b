// A frozen batch norm is y = x·s + t per channel. Here s moves into the weights of the convolutions
// around it, forward and backward, so that no pass over the activations is spent on it.

import { sizeOf } from "../../../math/tensor.ts";
import { node as makeNode, mul, reshape, where } from "../../graph/ops.ts";
import { is, topological, type Value } from "../../graph/value.ts";
import { conv, convInputGradient } from "../../graph/windows.ts";

/** Whether `s` holds one number per channel of images like `x`: [1, channel, 1, 1]. */
const perChannel = (s: Value, x: Value) =>
  x.shape.length === 4 &&
  s.shape.length === 4 &&
  s.shape[1] === x.shape[1] &&
  sizeOf(s.shape) === s.shape[1];

/** The weights [out, in, rows, columns] times s along `axis`. */
const scaled = (w: Value, s: Value, axis: 0 | 1) =>
  mul(w, reshape(s, axis === 0 ? [sizeOf(s.shape), 1, 1, 1] : [1, sizeOf(s.shape), 1, 1]));

/** The same outputs with per-channel scales moved into convolution weights where nothing else uses the value between. */
export function foldScales(outputs: readonly Value[]): Value[] {
  const order = topological<Value>(outputs);
  const uses = new Map<Value, number>();
  for (const { inputs } of order) for (const x of inputs) uses.set(x, (uses.get(x) ?? 0) + 1);
  for (const output of outputs) uses.set(output, (uses.get(output) ?? 0) + 1);
  const once = (value: Value) => uses.get(value) === 1;

  const rewritten = new Map<Value, Value>();
  const now = (value: Value) => rewritten.get(value) ?? value;

  /** `value · s` without a multiplication, or null where it would need one. */
  function absorb(value: Value, s: Value): Value | null {
    if (!once(value)) return null;
    const current = now(value);
    const [a, b, c] = current.inputs;
    if (is(current, "Conv") && current.attrs.groups === 1)
      return conv(a, scaled(b, s, 0), current.attrs);
    if (is(current, "ConvInputGradient") && current.attrs.groups === 1) {
      const { inputShape, ...attrs } = current.attrs;
      return convInputGradient(a, scaled(b, s, 1), inputShape, attrs);
    }
    // A mask commutes with a scale: where(m, x, 0)·s = where(m, x·s, 0).
    if (is(current, "Where") && isZero(c) && value.inputs[1].shape.length === 4) {
      const inner = absorb(value.inputs[1], s);
      return inner === null ? null : where(a, inner, c);
    }
    return null;
  }

  /** The scale of a product that only `user` reads, with the other factor. */
  function scaleOf(value: Value): { x: Value; s: Value } | null {
    const product = now(value);
    if (!is(product, "Mul") || !once(value)) return null;
    const [x, s] = product.inputs;
    return perChannel(s, x) ? { x, s } : null;
  }

  for (const value of order) {
    const inputs = value.inputs.map(now);
    if (is(value, "Mul") && perChannel(inputs[1], inputs[0])) {
      const absorbed = absorb(value.inputs[0], inputs[1]);
      if (absorbed !== null) {
        rewritten.set(value, absorbed);
        continue;
      }
    }
    if (is(value, "Conv") && value.attrs.groups === 1) {
      const factor = scaleOf(value.inputs[0]);
      if (factor !== null) {
        rewritten.set(value, conv(factor.x, scaled(inputs[1], factor.s, 1), value.attrs));
        continue;
      }
    }
    if (is(value, "ConvInputGradient") && value.attrs.groups === 1) {
      const factor = scaleOf(value.inputs[0]);
      const { inputShape, ...attrs } = value.attrs;
      if (factor !== null) {
        const w = scaled(inputs[1], factor.s, 0);
        rewritten.set(value, convInputGradient(factor.x, w, inputShape, attrs));
        continue;
      }
    }
    if (inputs.some((input, i) => input !== value.inputs[i]))
      rewritten.set(value, makeNode(value.op, inputs, value.attrs, value.dtype, value.shape));
  }
  return outputs.map(now);
}

const isZero = (value: Value) =>
  is(value, "Constant") && sizeOf(value.shape) === 1 && Number(value.attrs.array.data[0]) === 0;
