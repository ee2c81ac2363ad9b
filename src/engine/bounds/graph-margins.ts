// Lower bounds of margins as an expression graph: one backward pass from the logits on the intervals of the layers before
// (Zhang et al. 2020, arXiv:1906.06316, §3.2), with gradients.

import * as g from "../graph/expressions.ts";
import { is, topological, type Value } from "../graph/value.ts";
import type { GraphBounds, GraphIntervals } from "./graph-intervals.ts";
import { type Pulled, pullLinear } from "./linear-rules.ts";

/** How far the backward pass goes. */
export interface MarginOptions {
  /**
   * Whether it goes through ReLUs, by their lines, to the images: CROWN-IBP. By default it goes through the linear operators at
   * the end only, so that the last layer and the differences of logits are one layer: interval bound propagation.
   */
  readonly throughRelus?: boolean;
}

/**
 * Lower bounds of logit[label] − logit[j] for every class j, [batch, classes], 0 for the label itself. `logits` and `oneHot` are
 * [batch, classes]. Operators that are neither linear nor ReLUs count by their intervals.
 */
export function marginBounds(
  intervals: GraphIntervals,
  logits: Value,
  oneHot: Value,
  { throughRelus = false }: MarginOptions = {},
): Value {
  const pass = new BackwardPass(intervals, throughRelus);
  return g.transpose(pass.lowerBounds(logits, differences(oneHot)), [1, 0]);
}

/** The coefficients of logit[label] − logit[j]: [classes, batch, classes], by j, example and logit. */
function differences(oneHot: Value): Value {
  const [batch, classes] = oneHot.shape;
  const own = g.expand(g.reshape(oneHot, [1, batch, classes]), [classes, batch, classes]);
  const identity = Float32Array.from({ length: classes * classes }, (_, i) =>
    i % (classes + 1) === 0 ? 1 : 0,
  );
  const other = g.constant({
    dtype: "float32",
    shape: [classes, 1, classes],
    data: identity,
  });
  return g.sub(own, other);
}

/** Σ a·x over all but the first two axes: a [rows, batch, …], x [batch, …] or broadcast to it → [rows, batch]. */
function inner(a: Value, x: Value): Value {
  const axes = a.shape.map((_, axis) => axis).slice(2);
  return g.cast(g.sum(g.mul(a, x), axes), "float32");
}

/** The lines of a ReLU, in its shape: slope·x + intercept above it, and lowerSlope·x below it. */
interface ReluLines {
  readonly lowerSlope: Value;
  readonly slope: Value;
  readonly intercept: Value;
}

/** Keeps a slope finite where both bounds are 0. */
const TINY = 1e-8;

/** The lines of ReLUs with these bounds of their input; the lower one has slope 1 if u > −l, else 0 (arXiv:1811.00866). */
function reluLines({ lower, upper }: GraphBounds): ReluLines {
  const zero = g.scalarLike(lower, 0);
  const low = g.minimum(lower, zero);
  const high = g.maximum(g.maximum(upper, zero), g.add(low, g.scalarLike(low, TINY)));
  const slope = g.div(high, g.sub(high, low));
  const lowerSlope = g.cast(g.greater(slope, g.scalarLike(slope, 0.5)), lower.dtype);
  return { lowerSlope: g.stopGradient(lowerSlope), slope, intercept: g.neg(g.mul(low, slope)) };
}

class BackwardPass {
  readonly #intervals: GraphIntervals;
  readonly #throughRelus: boolean;

  constructor(intervals: GraphIntervals, throughRelus: boolean) {
    this.#intervals = intervals;
    this.#throughRelus = throughRelus;
  }

  /** Lower bounds of rows·(values of a node): coefficients [rows, ...node] → [rows, batch]. */
  lowerBounds(from: Value, start: Value): Value {
    const coefficients = new Map<Value, Value>([[from, start]]);
    const terms: Value[] = [];
    const give = ({ input, coefficients: part }: Pulled): void => {
      if (this.#intervals.is(input)) return;
      const other = coefficients.get(input);
      coefficients.set(input, other === undefined ? part : g.add(other, part));
    };
    for (const node of topological<Value>([from]).toReversed()) {
      const a = coefficients.get(node);
      if (a === undefined) continue;
      const pulled = node === this.#intervals.input ? null : this.#pulled(node, a, terms);
      if (pulled === null) terms.push(this.#least(node, a));
      else for (const one of pulled) give(one);
    }
    return terms.reduce(g.add);
  }

  /** Coefficients by the inputs of a node; null if the pass ends here. What is constant goes to `terms`. */
  #pulled(node: Value, a: Value, terms: Value[]): readonly Pulled[] | null {
    if (is(node, "Relu")) return this.#throughRelus ? [this.#pulledRelu(node, a, terms)] : null;
    const [first, second] = node.inputs;
    if (is(node, "Cast")) {
      if (!first.dtype.startsWith("float")) return null;
      return [{ input: first, coefficients: g.cast(a, first.dtype), terms: 0 }];
    }
    if (is(node, "Div") && this.#intervals.is(second)) {
      const product = g.mul(first, g.div(g.scalarLike(second, 1), second));
      return pullLinear(product, a, this.#intervals);
    }
    const pulled = pullLinear(node, a, this.#intervals);
    if (pulled === null) return null;
    for (const [i, input] of node.inputs.entries())
      if (this.#intervals.is(input)) terms.push(...this.#shift(node, i, a));
    return pulled;
  }

  /** What an Add, a Sub or a Concat with a constant contributes: [rows, batch]; nothing for other operators. */
  #shift(node: Value, index: number, a: Value): readonly Value[] {
    const input = node.inputs[index];
    if (node.op === "Add" || node.op === "Sub") {
      const shift = inner(a, g.expand(input, node.shape));
      return [node.op === "Sub" && index === 1 ? g.neg(shift) : shift];
    }
    if (!is(node, "Concat")) return [];
    const { axis } = node.attrs;
    const start = node.inputs.slice(0, index).reduce((sum, { shape }) => sum + shape[axis], 0);
    const part = g.sliceAxis(a, axis + 1, start, start + input.shape[axis]);
    return [inner(part, input)];
  }

  /** A⁺ meets the lower line and A⁻ the upper one. */
  #pulledRelu({ inputs: [x] }: Value<"Relu">, a: Value, terms: Value[]): Pulled {
    const { lowerSlope, slope, intercept } = reluLines(this.#intervals.of(x));
    const positive = g.relu(a);
    const negative = g.sub(a, positive);
    terms.push(inner(negative, intercept));
    const coefficients = g.add(g.mul(positive, lowerSlope), g.mul(negative, slope));
    return { input: x, coefficients, terms: 0 };
  }

  /** The least value over an interval: A·centre − |A|·radius. */
  #least(node: Value, a: Value): Value {
    const { centre, radius } = this.#intervals.of(node);
    return g.sub(inner(a, centre), inner(g.abs(a), radius));
  }
}
