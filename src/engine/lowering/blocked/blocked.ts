// The lowering for x64 processors: images stay in blocks of channels from the first convolution to the last, forward
// and backward, and leave them only for an operator that does not know them. What it has no form for is lowered plainly.

import { sizeOf } from "../../../math/tensor.ts";
import type { Lowered } from "../../graph/lowered.ts";
import { is, type Op, topological, type Value } from "../../graph/value.ts";
import { type Builder, builder } from "../builder.ts";
import { lowerNode } from "../plain/plain.ts";
import { type BreakEven, defaultBreakEven } from "./cost.ts";
import { computed, type Deferred, deferredOf, deferredValues, materialized } from "./deferred.ts";
import { blockedElementwise, isElementwise } from "./elementwise.ts";
import { foldScales } from "./fold-scales.ts";
import { blockedInputGradient, fewChannelsGradient } from "./input-gradient.ts";
import type { Blocked, Layouts } from "./layouts.ts";
import { blockedMaxPoolGradient, maxPoolGradientParts } from "./max-pool.ts";
import { nchwc } from "./nchwc.ts";
import { blockedWeightGradient } from "./weight-gradient.ts";

type Rule<O extends Op> = (layouts: Layouts, node: Value<O>) => Blocked;

const rules: { readonly [O in Op]?: Rule<O> } = {
  Conv: ({ n, isBlocked, blocked, plain }, { inputs: [x, w], attrs, shape }) => {
    const [into, out] = [x.shape[1], shape[1]];
    const depthwise = attrs.groups === into && out === into && attrs.groups > 1;
    if (attrs.groups > 1 && !depthwise) return null;
    const asPlain = !isBlocked(x) && into < n.block && !depthwise;
    const weights = depthwise ? n.depthwiseWeights(plain(w)) : n.weights(plain(w), asPlain);
    const groups = depthwise ? weights.shape[0] : 1;
    const open = { x: asPlain ? plain(x) : blocked(x), w: weights, attrs: { ...attrs, groups } };
    return deferredOf(shape.with(1, weights.shape[0]), out, { convs: [open] });
  },

  ConvInputGradient: ({ n, blocked, plain }, node) => {
    const [dy, w] = node.inputs;
    const few = fewChannelsGradient(n, node, blocked(dy), plain(w));
    if (few !== null) return { plain: few };
    const parts = blockedInputGradient(n, node, blocked(dy), plain(w));
    if (parts === null) return null;
    const shape = node.shape.with(1, n.whole(node.shape[1]));
    const summand = "parts" in parts ? { phases: [parts] } : { convs: [parts] };
    return deferredOf(shape, node.shape[1], summand);
  },

  ConvWeightGradient: ({ b, n, breakEven, isBlocked, blocked, plain }, node) => {
    const [x, dy] = node.inputs;
    const asPlain = !isBlocked(x) && x.shape[1] < n.block;
    const operands = { x: asPlain ? plain(x) : blocked(x), plain: asPlain, dy: blocked(dy) };
    const gradient = blockedWeightGradient(b, n, node, operands, breakEven.weights);
    return gradient === null ? null : { plain: gradient };
  },

  // Sums over images leave the blocks: [batch, channel] lies in memory as it would plainly.
  ReduceSum: ({ b, n, isBlocked, blocked }, { inputs: [x], attrs: { axes }, shape }) => {
    const overBatch = axes.join() === "0,2,3";
    if (!isBlocked(x) || (!overBatch && axes.join() !== "2,3")) return null;
    const isImage = (y: Value) => isBlocked(y) && y.shape.join() === x.shape.join();
    const each =
      is(x, "Mul") && x.inputs.every(isImage)
        ? n.productsOfImages(blocked(x.inputs[0]), blocked(x.inputs[1]))
        : n.sumOfImages(blocked(x));
    const sums = n.cut(each, 1, 0, x.shape[1]);
    if (!overBatch) return { plain: n.reshape(sums, shape) };
    const attrs = { axes: [0], keepdims: false };
    const total = b.make("ReduceSum", [sums], attrs, sums.dtype, [x.shape[1]]);
    return { plain: n.reshape(total, shape) };
  },

  MaxPool: ({ n, isBlocked, blocked }, { inputs: [x], attrs }) =>
    isBlocked(x) ? computed(n.pool("NchwcMaxPool", blocked(x), attrs), x.shape[1]) : null,
  AveragePool: ({ n, isBlocked, blocked }, { inputs: [x], attrs }) =>
    isBlocked(x) && attrs.dilations.every((d) => d === 1)
      ? computed(n.pool("NchwcAveragePool", blocked(x), attrs), x.shape[1])
      : null,

  // Whole blocks of channels lie next to each other, as channels do plainly.
  Concat: ({ n, isBlocked, blocked }, { inputs, attrs: { axis }, shape }) => {
    const whole = inputs.every((x) => x.shape.length === 4 && x.shape[1] % n.block === 0);
    if (axis !== 1 || !whole || !inputs.some(isBlocked)) return null;
    return computed(n.concat(inputs.map(blocked), 1), shape[1]);
  },
  Slice: ({ n, isBlocked, blocked }, { inputs: [x], attrs: { starts, stops, steps }, shape }) => {
    const others = [0, 2, 3].every((axis) => shape[axis] === x.shape[axis] && steps[axis] === 1);
    const whole = starts[1] % n.block === 0 && stops[1] % n.block === 0 && steps[1] === 1;
    if (!isBlocked(x) || !others || !whole) return null;
    return computed(n.cut(blocked(x), 1, starts[1], stops[1]), shape[1]);
  },
  Pad: ({ n, isBlocked, blocked }, { inputs: [x], attrs: { before, after }, shape }) => {
    if (!isBlocked(x) || [0, 1].some((axis) => before[axis] + after[axis] !== 0)) return null;
    const array = blocked(x);
    const planes = n.reshape(array, [
      (array.shape[0] * array.shape[1]) / n.block,
      x.shape[2],
      x.shape[3] * n.block,
    ]);
    const padded = n.pad(
      planes,
      [0, before[2], before[3] * n.block],
      [0, after[2], after[3] * n.block],
    );
    return computed(n.reshape(padded, shape.with(1, array.shape[1])), x.shape[1]);
  },

  Reshape({ b, n, isBlocked, blocked }, node) {
    const parts = maxPoolGradientParts(node);
    if (parts === null || !isBlocked(parts.x)) return null;
    return blockedMaxPoolGradient(b, n, parts, blocked(parts.x), blocked(parts.dy));
  },

  StopGradient: ({ isBlocked, form }, { inputs: [x] }) => (isBlocked(x) ? form(x) : null),
  StraightThrough: ({ isBlocked, form }, { inputs: [y] }) => (isBlocked(y) ? form(y) : null),
};

/** Constants up to this many elements are computed here; the runtime prepares the others in a program of its own. */
const FOLDED = 4096;

/** A graph of source operators for ONNX Runtime on a processor that works in blocks of `block` channels, where Winograd's form wins from `breakEven` on. */
export function lowerBlocked(
  outputs: Readonly<Record<string, Value>>,
  block: number,
  breakEven: BreakEven = defaultBreakEven,
): Record<string, Lowered> {
  const names = Object.keys(outputs);
  const roots = foldScales(Object.values(outputs));
  const order = topological<Value>(roots);
  const uses = new Map<Value, number>();
  for (const value of [...order.flatMap(({ inputs }) => inputs), ...roots])
    uses.set(value, (uses.get(value) ?? 0) + 1);

  const b = builder(FOLDED);
  const n = nchwc(b, block);
  const f = deferredValues(b, n, breakEven);
  const inBlocks = new Map<Value, Deferred>();
  const plainly = new Map<Value, Lowered>();

  /** Its array, which from now on is what the form is. */
  function blocked(value: Value): Lowered {
    const form = layouts.form(value);
    const known = materialized(form);
    if (known !== null) return known;
    const array = f.settle(form);
    inBlocks.set(value, computed(array, form.channels));
    return array;
  }
  const layouts: Layouts = {
    b,
    n,
    f,
    breakEven,
    isBlocked: (value) => inBlocks.has(value),
    form: (value) =>
      inBlocks.get(value) ??
      computed(asFloat(b, layouts.plain(value), n.fromPlain), value.shape[1]),
    blocked,
    plain(value) {
      const known = plainly.get(value);
      if (known !== undefined) return known;
      const result = asFloat(b, blocked(value), (x) => n.toPlain(x, value.shape[1]));
      plainly.set(value, result);
      return result;
    },
  };

  for (const node of order) {
    const rule = isElementwise(node) ? blockedElementwise : rules[node.op];
    const possible = node.shape.length === 4 || is(node, "ReduceSum");
    const result =
      rule !== undefined && possible && floats(node) && sizeOf(node.shape) > 0
        ? (rule as Rule<never>)(layouts, node as never)
        : null;
    if (result === null) {
      const inputs = node.inputs.map((input) => layouts.plain(input));
      plainly.set(node, lowerNode(b, node, inputs));
    } else if ("plain" in result) plainly.set(node, result.plain);
    else {
      inBlocks.set(node, result);
      // What several values read is computed once.
      if ((uses.get(node) ?? 0) > 1) blocked(node);
    }
  }
  return Object.fromEntries(names.map((name, i) => [name, layouts.plain(roots[i])]));
}

/** Whether a node computes float32, or compares it. */
const floats = ({ dtype, inputs }: Value) =>
  dtype === "float32" ||
  (dtype === "bool" && inputs.every((x) => x.dtype === "float32" || x.dtype === "bool"));

/** Reorders any array by way of float32, the only numbers that the runtime reorders. */
function asFloat(b: Builder, x: Lowered, reorder: (x: Lowered) => Lowered): Lowered {
  if (x.dtype === "float32") return reorder(x);
  const result = reorder(b.make("Cast", [x], { to: "float32" }, "float32", x.shape));
  return b.make("Cast", [result], { to: x.dtype }, x.dtype, result.shape);
}
