// Interval arithmetic as an expression graph, for training: it runs on any runtime and has gradients. It rounds like any other
// graph, so it proves nothing; proofs use interval-rules.ts.

import * as g from "../graph/expressions.ts";
import { is, topological, type Value } from "../graph/value.ts";
import { linearRule, withoutTrainingBound } from "./graph-linear.ts";

/** Bounds of a value, in its shape. Only the expressions that somebody reads are computed. */
export interface GraphBounds {
  readonly lower: Value;
  readonly upper: Value;
  /** (lower + upper) / 2 and (upper − lower) / 2. */
  readonly centre: Value;
  readonly radius: Value;
}

/** Bounds from the two ends. */
export function between(lower: Value, upper: Value): GraphBounds {
  const half = g.scalarLike(lower, 0.5);
  return {
    lower,
    upper,
    centre: g.mul(g.add(lower, upper), half),
    radius: g.mul(g.sub(upper, lower), half),
  };
}

/** Bounds centre ± radius. */
export const around = (centre: Value, radius: Value): GraphBounds => ({
  lower: g.sub(centre, radius),
  upper: g.add(centre, radius),
  centre,
  radius,
});

/** Operators of one number that never decrease, and the maximum over a window, which does not either. */
const NEVER_DECREASING: ReadonlySet<string> = new Set([
  "Relu",
  "Clip",
  "Tanh",
  "Sigmoid",
  "Exp",
  "Erf",
  "Atan",
  "Floor",
  "Ceil",
  "Sign",
  "MaxPool",
  "ReduceMax",
  "Max",
  "Min",
]);

/** Whether a node is a number per channel or per batch: a reduction over the images, such as the mean of a batch norm. */
const isStatistic = (node: Value): boolean =>
  (is(node, "ReduceSum") || is(node, "ReduceMax")) && node.attrs.axes.includes(0);

/**
 * Bounds of the values of a network in training, for images in boxes. Statistics of the batch count as constants: those of the
 * clean images, as in the code of Shi et al. 2021 (arXiv:2103.17268); gradients flow through them.
 */
export class GraphIntervals {
  readonly #input: Value;
  readonly #varying = new Set<Value>();
  readonly #bounds = new Map<Value, GraphBounds>();

  /** `input` are the images [batch, ...pixels] that `output` is computed from, and `box` their bounds. */
  constructor(input: Value, output: Value, box: GraphBounds) {
    this.#input = input;
    this.#varying.add(input);
    this.#bounds.set(input, box);
    for (const node of topological<Value>([output]))
      if (node.inputs.some((one) => this.#varying.has(one)) && !isStatistic(node))
        this.#varying.add(node);
  }

  /** Whether a node is the same for all images of a box, and its value. */
  is(node: Value): boolean {
    return !this.#varying.has(node);
  }

  value(node: Value): Value {
    return node;
  }

  get input(): Value {
    return this.#input;
  }

  /** The bounds of a node that varies with the images. Throws `UsageError` for an operator without a rule. */
  of(node: Value): GraphBounds {
    for (const one of this.#below(node)) this.#bounds.set(one, this.#rule(one));
    return this.#bounds.get(node) as GraphBounds;
  }

  /** The varying nodes that a node is computed from and whose bounds are not known yet, inputs first. */
  #below(node: Value): readonly Value[] {
    const order: Value[] = [];
    const seen = new Set<Value>();
    const visit = (one: Value): void => {
      if (this.is(one) || seen.has(one) || this.#bounds.has(one)) return;
      seen.add(one);
      for (const input of one.inputs) visit(input);
      order.push(one);
    };
    visit(node);
    return order;
  }

  #rule(node: Value): GraphBounds {
    const linear = linearRule(node, this);
    if (linear !== null) {
      const centre = linear.centre(node.inputs.map((one) => this.#part(one, "centre")));
      return around(centre, linear.radius(node.inputs.map((one) => this.#part(one, "radius"))));
    }
    if (!NEVER_DECREASING.has(node.op)) throw withoutTrainingBound(node);
    const end = (name: "lower" | "upper") =>
      g.node(
        node.op,
        node.inputs.map((one) => this.#part(one, name)),
        node.attrs,
        node.dtype,
        node.shape,
      );
    return between(end("lower"), end("upper"));
  }

  /** A part of the bounds of an input; of a constant, its value. */
  #part(node: Value, name: keyof GraphBounds): Value {
    return this.is(node) ? node : (this.#bounds.get(node) as GraphBounds)[name];
  }
}
