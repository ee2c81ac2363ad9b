import { is, type Op, type Value } from "../../graph/value.ts";
import { computed, deferredOf } from "./deferred.ts";
import { blockedElementwise, isElementwise } from "./elementwise.ts";
import { blockedInputGradient, fewChannelsGradient } from "./input-gradient.ts";
import type { Layouts, RuleResult } from "./layouts.ts";
import { blockedMaxPoolGradient, maxPoolGradientParts } from "./max-pool.ts";
import { blockedWeightGradient } from "./weight-gradient.ts";

/** Lowers a node to blocked operators. */
type Rule<O extends Op> = (layouts: Layouts, node: Value<O>) => RuleResult;

/** Images are [batch, channel, height, width]; B is the number of channels per block. */
const rules: { readonly [O in Op]?: Rule<O> } = {
  Conv: (layouts, { inputs: [x, w], attrs, shape }) => {
    const { nchwc } = layouts;
    const [into, out] = [x.shape[1], shape[1]];
    const depthwise = attrs.groups === into && out === into && attrs.groups > 1;
    if (attrs.groups > 1 && !depthwise) return null;
    // The engine reads NCHW images of fewer than B channels, such as RGB, without a conversion.
    const plainInput = !layouts.isBlocked(x) && into < nchwc.block && !depthwise;
    const weights = depthwise
      ? nchwc.depthwiseWeights(layouts.plain(w))
      : nchwc.weights(layouts.plain(w), { plainInput });
    const conv = {
      x: plainInput ? layouts.plain(x) : layouts.blocked(x),
      w: weights,
      attrs: { ...attrs, groups: depthwise ? weights.shape[0] : 1 },
    };
    return deferredOf(shape.with(1, weights.shape[0]), out, { convs: [conv] });
  },

  ConvInputGradient: (layouts, node) => {
    const { nchwc } = layouts;
    const [dy, w] = node.inputs;
    const image = fewChannelsGradient(nchwc, node, layouts.blocked(dy), layouts.plain(w));
    if (image !== null) return { plain: image };
    const gradient = blockedInputGradient(nchwc, node, layouts.blocked(dy), layouts.plain(w));
    if (gradient === null) return null;
    const shape = node.shape.with(1, nchwc.whole(node.shape[1]));
    const summand = "parts" in gradient ? { phases: [gradient] } : { convs: [gradient] };
    return deferredOf(shape, node.shape[1], summand);
  },

  ConvWeightGradient: (layouts, node) => {
    const { b, nchwc, breakEven } = layouts;
    const [x, dy] = node.inputs;
    const plainInput = !layouts.isBlocked(x) && x.shape[1] < nchwc.block;
    const operands = {
      x: plainInput ? layouts.plain(x) : layouts.blocked(x),
      plainInput,
      dy: layouts.blocked(dy),
    };
    const gradient = blockedWeightGradient(b, nchwc, node, operands, breakEven.weights);
    return gradient === null ? null : { plain: gradient };
  },

  // A sum over height and width leaves [batch, channel], which is the same memory in both layouts.
  ReduceSum: (layouts, { inputs: [x], attrs: { axes }, shape }) => {
    const { b, nchwc } = layouts;
    const overBatch = axes.join() === "0,2,3";
    if (!layouts.isBlocked(x) || (!overBatch && axes.join() !== "2,3")) return null;
    const isImage = (y: Value) => layouts.isBlocked(y) && y.shape.join() === x.shape.join();
    const perImage =
      is(x, "Mul") && x.inputs.every(isImage)
        ? nchwc.productsOfImages(layouts.blocked(x.inputs[0]), layouts.blocked(x.inputs[1]))
        : nchwc.sumOfImages(layouts.blocked(x));
    const sums = nchwc.cut(perImage, 1, 0, x.shape[1]);
    if (!overBatch) return { plain: nchwc.reshape(sums, shape) };
    const attrs = { axes: [0], keepdims: false };
    const total = b.make("ReduceSum", [sums], attrs, sums.dtype, [x.shape[1]]);
    return { plain: nchwc.reshape(total, shape) };
  },

  MaxPool: (layouts, { inputs: [x], attrs }) =>
    layouts.isBlocked(x)
      ? computed(layouts.nchwc.pool("NchwcMaxPool", layouts.blocked(x), attrs), x.shape[1])
      : null,
  AveragePool: (layouts, { inputs: [x], attrs }) =>
    layouts.isBlocked(x) && attrs.dilations.every((d) => d === 1)
      ? computed(layouts.nchwc.pool("NchwcAveragePool", layouts.blocked(x), attrs), x.shape[1])
      : null,

  // Along the channel axis, whole blocks can be joined and cut as channels can in NCHW.
  Concat: (layouts, { inputs, attrs: { axis }, shape }) => {
    const { nchwc } = layouts;
    const whole = inputs.every((x) => x.shape.length === 4 && x.shape[1] % nchwc.block === 0);
    if (axis !== 1 || !whole || !inputs.some((x) => layouts.isBlocked(x))) return null;
    const arrays = inputs.map((x) => layouts.blocked(x));
    return computed(nchwc.concat(arrays, 1), shape[1]);
  },
  Slice: (layouts, { inputs: [x], attrs: { starts, stops, steps }, shape }) => {
    const { nchwc } = layouts;
    const onlyChannels = [0, 2, 3].every(
      (axis) => shape[axis] === x.shape[axis] && steps[axis] === 1,
    );
    const whole = starts[1] % nchwc.block === 0 && stops[1] % nchwc.block === 0 && steps[1] === 1;
    if (!layouts.isBlocked(x) || !onlyChannels || !whole) return null;
    return computed(nchwc.cut(layouts.blocked(x), 1, starts[1], stops[1]), shape[1]);
  },
  Pad: (layouts, { inputs: [x], attrs: { before, after }, shape }) => {
    const { nchwc } = layouts;
    if (!layouts.isBlocked(x) || [0, 1].some((axis) => before[axis] + after[axis] !== 0))
      return null;
    const array = layouts.blocked(x);
    const padded = nchwc.pad(
      nchwc.planes(array),
      [0, before[2], before[3] * nchwc.block],
      [0, after[2], after[3] * nchwc.block],
    );
    return computed(nchwc.reshape(padded, shape.with(1, array.shape[1])), x.shape[1]);
  },

  /** The last node of the gradient of max pooling. */
  Reshape: (layouts, node) => {
    const parts = maxPoolGradientParts(node);
    if (parts === null || !layouts.isBlocked(parts.x)) return null;
    const { b, nchwc, deferredValues } = layouts;
    const [x, dy] = [layouts.blocked(parts.x), layouts.blocked(parts.dy)];
    const dx = blockedMaxPoolGradient(b, nchwc, parts, x, dy);
    if (dx === null || dx.shape.join() === x.shape.join()) return dx;
    return computed(nchwc.cropped(deferredValues.materialize(dx), x.shape), dx.channels);
  },

  StopGradient: (layouts, { inputs: [x] }) => (layouts.isBlocked(x) ? layouts.deferred(x) : null),
  StraightThrough: (layouts, { inputs: [y] }) =>
    layouts.isBlocked(y) ? layouts.deferred(y) : null,
};

/** Lowers a node to blocked operators; null if it has no rule, or if its rule does not apply. */
export function applyRule(layouts: Layouts, node: Value): RuleResult {
  const rule = isElementwise(node) ? blockedElementwise : rules[node.op];
  return rule === undefined ? null : (rule as Rule<never>)(layouts, node as never);
}
