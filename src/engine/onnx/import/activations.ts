// Activation functions, with the attributes and defaults of https://onnx.ai/onnx/operators (Relu,
// Elu, Softmax, …).
//
// Selu: rounded constants before opset 6. PRelu: before opset 7, a slope with one axis is per
// channel. Softmax, LogSoftmax and Hardmax: before opset 13 over all axes from `axis` on, by default
// 1; since opset 13 over one axis, by default −1.

import { elementCount } from "../../../math/tensor.ts";
import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import { arange } from "./arithmetic.ts";
import { axisOf, type Importer, type Importers, type ImportNode } from "./import-node.ts";

const times = (x: Value, factor: number): Value => g.mul(x, g.scalarLike(x, factor));
const plus = (x: Value, term: number): Value => g.add(x, g.scalarLike(x, term));

const unary =
  (f: (x: Value, node: ImportNode) => Value): Importer =>
  (node) =>
    f(node.input(0), node);

const zeroLike = (x: Value): Value => g.scalarLike(x, 0);

/**
 * max(x, 0) + α·(exp(min(x, 0)) − 1). The exponential never overflows, and at 0 both terms
 * contribute to the gradient.
 */
const elu = (x: Value, alpha: number): Value =>
  g.add(g.maximum(x, zeroLike(x)), times(plus(g.exp(g.minimum(x, zeroLike(x))), -1), alpha));

/** α·x + (1 − α)·relu(x). */
const leaky = (x: Value, alpha: number): Value =>
  g.add(times(x, alpha), times(g.relu(x), 1 - alpha));

/** log(1 + eˣ) = max(x, 0) + log(1 + e^−|x|), which never overflows. The gradient at 0 is ½. */
export const softplus = (x: Value): Value =>
  g.add(g.maximum(x, zeroLike(x)), g.log(plus(g.exp(g.neg(g.abs(x))), 1)));

const hardSigmoid = (x: Value, alpha: number, beta: number): Value =>
  g.clip(plus(times(x, alpha), beta), 0, 1);

const overRoot2 = (x: Value): Value => g.mul(x, g.roundedOrNot(x, Math.SQRT1_2));

/** x·Φ(x) (Hendrycks & Gimpel 2016, arXiv:1606.08415). */
export const gelu = (x: Value): Value =>
  g.mul(times(x, 0.5), plus(g.cast(g.erf(g.cast(overRoot2(x), "float32")), x.dtype), 1));

/** The tanh approximation of GELU: x/2·(1 + tanh(√(2/π)(x + 0.044715 x³))). */
export const geluTanh = (x: Value): Value => {
  const cubic = g.mul(g.mul(x, g.mul(x, x)), g.roundedOrNot(x, 0.044715));
  const inner = g.mul(g.add(x, cubic), g.roundedOrNot(x, Math.sqrt(2 / Math.PI)));
  return g.mul(times(x, 0.5), plus(g.tanh(inner), 1));
};

const mish = (x: Value): Value => g.mul(x, g.tanh(softplus(x)));

/**
 * The slope of a PRelu in a shape that broadcasts to x. A slope [channel] applies per channel of x
 * before opset 7, and in later opsets if its length does not fit the last axis.
 */
function slopes(node: ImportNode): Value {
  const [x, slope] = [node.input(0), node.input(1)];
  const perChannel =
    slope.shape.length === 1 && x.shape.length > 2 && slope.shape[0] === x.shape[1];
  return perChannel && slope.shape[0] !== 1 && (node.opset < 7 || slope.shape[0] !== x.shape.at(-1))
    ? g.reshape(slope, [slope.shape[0], ...x.shape.slice(2).map(() => 1)])
    : slope;
}

/** An importer of an activation along an axis. Before opset 13, all axes from `axis` on are flattened into one. */
const overAxis =
  (f: (x: Value, axis: number) => Value): Importer =>
  (node) => {
    const x = node.input(0);
    const rank = x.shape.length;
    if (node.opset >= 13) return f(x, axisOf(node, node.int("axis", -1), rank));
    const axis = axisOf(node, node.int("axis", 1), rank);
    const flat = [elementCount(x.shape.slice(0, axis)), elementCount(x.shape.slice(axis))];
    return g.reshape(f(g.reshape(x, flat), 1), x.shape);
  };

/** 1 at the largest element along the axis (at the first on a tie), 0 elsewhere. */
function hardmax(x: Value, axis: number): Value {
  const indices = arange(
    x.shape[axis],
    x.shape.map((n, i) => (i === axis ? n : 1)),
  );
  return g.cast(g.equal(indices, g.argMax(x, axis)), x.dtype);
}

/** Importers of activation functions. */
export const activations: Importers = {
  Relu: unary(g.relu),
  LeakyRelu: unary((x, node) => leaky(x, node.float("alpha", 0.01))),
  PRelu: (node) => {
    const x = node.input(0);
    return g.sub(g.relu(x), g.mul(slopes(node), g.relu(g.neg(x))));
  },
  ThresholdedRelu: unary((x, node) => {
    const alpha = g.scalarLike(x, node.float("alpha", 1));
    return g.where(g.greater(x, alpha), x, g.scalarLike(x, 0));
  }),
  Elu: unary((x, node) => elu(x, node.float("alpha", 1))),
  Celu: unary((x, node) => {
    const alpha = node.float("alpha", 1);
    return times(elu(times(x, 1 / alpha), 1), alpha);
  }),
  Selu: unary((x, node) => {
    const [alpha, gamma] =
      node.opset < 6 ? [1.6732, 1.0507] : [1.6732632423543772, 1.0507009873554805];
    return times(elu(x, node.float("alpha", alpha)), node.float("gamma", gamma));
  }),
  Shrink: unary((x, node) => {
    const [lambda, bias] = [node.float("lambd", 0.5), node.float("bias", 0)];
    const zero = g.scalarLike(x, 0);
    const above = g.greater(x, g.scalarLike(x, lambda));
    const below = g.greater(g.scalarLike(x, -lambda), x);
    return g.where(above, plus(x, -bias), g.where(below, plus(x, bias), zero));
  }),
  Sigmoid: unary(g.sigmoid),
  HardSigmoid: unary((x, node) =>
    hardSigmoid(x, node.float("alpha", 0.2), node.float("beta", 0.5)),
  ),
  HardSwish: unary((x) => {
    const sixth = g.mul(x, g.roundedOrNot(x, 1 / 6));
    return g.mul(x, g.clip(plus(sixth, 0.5), 0, 1));
  }),
  Swish: unary((x, node) => g.mul(x, g.sigmoid(times(x, node.float("alpha", 1))))),
  Mish: unary(mish),
  Tanh: unary(g.tanh),
  Softplus: unary(softplus),
  Softsign: unary((x) => g.div(x, plus(g.abs(x), 1))),
  Gelu: unary((x, node) => (node.string("approximate", "none") === "tanh" ? geluTanh : gelu)(x)),
  Softmax: overAxis(g.softmax),
  LogSoftmax: overAxis(g.logSoftmax),
  Hardmax: overAxis(hardmax),
};
