// A frozen batch norm is y = x · s + t per channel. Folds s into the weights of adjacent convolutions, forward and backward,
// and a bias before it into t: (conv(x, w) + b) · s + t = conv(x, w · s) + (b · s + t). Each saves a pass over the activations.

import { elementCount } from "../../math/tensor.ts";
import { add, node as makeNode, mul, reshape, where } from "../graph/ops.ts";
import { is, topological, type Value } from "../graph/value.ts";
import { conv, convInputGradient } from "../graph/windows.ts";

/** Whether `s` is a scale or a shift [1, channel, 1, 1] for images `x` [batch, channel, height, width]. */
const isScale = (s: Value, x: Value): boolean =>
  x.shape.length === 4 &&
  s.shape.length === 4 &&
  s.shape[1] === x.shape[1] &&
  elementCount(s.shape) === s.shape[1];

/** The weights [out, in, rows, columns] times s along axis 0 (out) or 1 (in). */
const scaledWeights = (w: Value, s: Value, axis: 0 | 1): Value =>
  mul(
    w,
    reshape(s, axis === 0 ? [elementCount(s.shape), 1, 1, 1] : [1, elementCount(s.shape), 1, 1]),
  );

const isConstantZero = (value: Value): boolean =>
  is(value, "Constant") &&
  elementCount(value.shape) === 1 &&
  Number(value.attrs.array.data[0]) === 0;

/**
 * Equivalent outputs with scales [1, channel, 1, 1] folded into the weights of ungrouped convolutions. A scale stays where
 * anything else reads the value between.
 */
export function foldScales(outputs: readonly Value[]): Value[] {
  const order = topological<Value>(outputs);
  const folding = new ScaleFolding(order, outputs);
  for (const value of order) folding.visit(value);
  return outputs.map((output) => folding.current(output));
}

/** One pass over a graph, inputs before readers. */
class ScaleFolding {
  readonly #readers = new Map<Value, number>();
  readonly #rewritten = new Map<Value, Value>();

  constructor(order: readonly Value[], outputs: readonly Value[]) {
    const count = (value: Value) => this.#readers.set(value, (this.#readers.get(value) ?? 0) + 1);
    for (const { inputs } of order) inputs.forEach(count);
    outputs.forEach(count);
  }

  /** The replacement of a value, or the value itself. */
  current(value: Value): Value {
    return this.#rewritten.get(value) ?? value;
  }

  /** Rewrites one value whose inputs have been visited. */
  visit(value: Value): void {
    const inputs = value.inputs.map((input) => this.current(input));
    const folded = this.#fold(value, inputs);
    if (folded !== null) this.#rewritten.set(value, folded);
    else if (inputs.some((input, i) => input !== value.inputs[i])) {
      const { op, attrs, dtype, shape } = value;
      this.#rewritten.set(value, makeNode(op, inputs, attrs, dtype, shape));
    }
  }

  /** The value without a separate scale; null if it has none that can be folded. */
  #fold(value: Value, [first, second]: readonly Value[]): Value | null {
    if (is(value, "Mul") && isScale(second, first)) return this.#absorb(value.inputs[0], second);
    if (is(value, "Add") && isScale(second, first)) return this.#joined(value.inputs[0], second);
    if (is(value, "Conv") && value.attrs.groups === 1) {
      const product = this.#scaledInput(value.inputs[0]);
      if (product === null) return null;
      return conv(product.x, scaledWeights(second, product.s, 1), value.attrs);
    }
    if (is(value, "ConvInputGradient") && value.attrs.groups === 1) {
      const product = this.#scaledInput(value.inputs[0]);
      if (product === null) return null;
      const { inputShape, ...attrs } = value.attrs;
      return convInputGradient(product.x, scaledWeights(second, product.s, 0), inputShape, attrs);
    }
    return null;
  }

  /** value · s with s in the weights that the value was computed with; null if there are none. */
  #absorb(value: Value, s: Value): Value | null {
    if (this.#readers.get(value) !== 1) return null;
    const current = this.current(value);
    const [a, b, c] = current.inputs;
    if (is(current, "Conv") && current.attrs.groups === 1)
      return conv(a, scaledWeights(b, s, 0), current.attrs);
    if (is(current, "ConvInputGradient") && current.attrs.groups === 1) {
      const { inputShape, ...attrs } = current.attrs;
      return convInputGradient(a, scaledWeights(b, s, 1), inputShape, attrs);
    }
    // (x + b) · s = x · s + b · s.
    if (is(current, "Add") && isScale(b, a) && value.inputs[0].shape.length === 4) {
      const inner = this.#absorb(value.inputs[0], s);
      return inner === null ? null : add(inner, mul(b, s));
    }
    // A mask commutes with a scale: where(m, x, 0) · s = where(m, x · s, 0).
    if (is(current, "Where") && isConstantZero(c) && value.inputs[1].shape.length === 4) {
      const inner = this.#absorb(value.inputs[1], s);
      return inner === null ? null : where(a, inner, c);
    }
    return null;
  }

  /** (x + b) + t as x + (b + t) for a `sum` x + b of a convolution that nothing else reads; otherwise null. */
  #joined(sum: Value, t: Value): Value | null {
    const current = this.current(sum);
    if (!is(current, "Add") || this.#readers.get(sum) !== 1) return null;
    const [x, b] = current.inputs;
    return is(x, "Conv") && isScale(b, x) ? add(x, add(b, t)) : null;
  }

  /** The factors of a product x · s with a scale s, if it has a single reader; otherwise null. */
  #scaledInput(value: Value): { readonly x: Value; readonly s: Value } | null {
    const product = this.current(value);
    if (!is(product, "Mul") || this.#readers.get(value) !== 1) return null;
    const [x, s] = product.inputs;
    return isScale(s, x) ? { x, s } : null;
  }
}
