// The backward walk of CROWN (Zhang et al. 2018, arXiv:1811.00866) as an expression graph.
//
// A row of coefficients A of a node y stands for the function A·y of the network's input. Going backwards, A·y is
// replaced by a smaller or equal function of the inputs of y, until the input of the network is reached. Coefficients
// are numbers of the plan's float type, so every replacement rounds. `error` adds up a bound of what that changes:
// |A|·scale per node, for a scale that is computed from the intervals of the network's values (see scales.ts). Sums of
// terms of one sign have the float type too, with scales that are large enough for their rounding. Everything else is
// computed in doubles.

import { elementCount } from "../../math/tensor.ts";
import * as g from "../graph/expressions.ts";
import { topological, type Value } from "../graph/value.ts";
import { mayRound } from "./evaluation.ts";
import { type Pulled, pullLinear, unbroadcast } from "./linear-rules.ts";
import type { Plan } from "./plan.ts";

/** What a walk asks for by name: arrays of one row, or of as many rows as the walk has. */
export interface WalkInputs {
  /** Slopes of the lower lines, for input `k` of a relaxed node: [1 or rows, ...node]. */
  readonly lowerSlope: (node: Value, k: number) => Value;
  readonly upperSlope: (node: Value, k: number) => Value;
  /** Intercepts [1, ...node] in doubles; those of a ReLU's upper lines have the float type, and are [1 or rows, ...node]. */
  readonly lowerIntercept: (node: Value) => Value;
  readonly upperIntercept: (node: Value) => Value;
  /** A column [size, 1] of the float type. */
  readonly scale: (name: string, size: number) => Value;
  /** Added to the coefficients of a node with a split: [rows, ...node]. Null without splits. */
  readonly multiplier: (node: Value) => Value | null;
}

/** The result of a walk: A·y ≥ coefficients·x + constant − error, for every x of the box. */
export interface Walked {
  /** [rows, ...input], in the plan's float type. */
  readonly coefficients: Value;
  /** [rows], in doubles. */
  readonly constant: Value;
  readonly error: Value;
  /** The coefficients of every relaxed node before they were replaced, [rows, ...node]. */
  readonly relaxed: ReadonlyMap<Value, Value>;
}

/** How many scales of one array of coefficients are added up. `roundedUp` makes room for their rounding. */
const MAX_ADDED = 8;

/** x [rows, …] as [rows, size]. */
const flat = (x: Value): Value => g.reshape(x, [x.shape[0], elementCount(x.shape.slice(1))]);

/** x [rows, …] as doubles [rows, size]. */
export const rowsOf = (x: Value): Value => g.cast(flat(x), "float64");

const column = (x: Value): Value => g.reshape(x, [x.shape[0]]);

/** The walk from `from` with coefficients [rows, ...from], an input of the graph. */
export function walk(plan: Plan, from: Value, start: Value, inputs: WalkInputs): Walked {
  const [rows] = start.shape;
  const parts = new Map<Value, Value>([[from, start]]);
  const constants: Value[] = [];
  const errors = new Errors(inputs);
  const relaxed = new Map<Value, Value>();
  /** Adds coefficients to those of a node. Every addition rounds. */
  const give = (node: Value, coefficients: Value): void => {
    const other = parts.get(node);
    if (other === undefined) {
      parts.set(node, coefficients);
      return;
    }
    const total = g.add(other, coefficients);
    errors.add(`added${plan.id(node)}`, total);
    parts.set(node, total);
  };

  for (const node of topological<Value>([from]).toReversed()) {
    const a = parts.get(node);
    if (a === undefined || node === plan.input || plan.is(node)) continue;
    parts.delete(node);
    const pulled = plan.isRelaxed(node)
      ? pullRelaxed(node, a, inputs, constants)
      : pullLinear(node, a, plan);
    if (pulled === null) throw new Error(`${node.op} has no backward rule`);
    if (plan.isRelaxed(node)) relaxed.set(node, a);
    if (hasError(plan, node, pulled)) errors.add(`scale${plan.id(node)}`, a);
    const shift = shiftOf(plan, node, a);
    if (shift !== null) constants.push(shift);
    for (const { input, coefficients } of pulled) if (!plan.is(input)) give(input, coefficients);
    const multiplier = plan.isRelaxed(node) ? inputs.multiplier(node) : null;
    if (multiplier !== null) give(node.inputs[0], multiplier);
  }
  const zero = g.expand(g.scalar(0, "float64"), [rows]);
  return {
    coefficients: parts.get(plan.input) ?? zerosFor(plan, rows),
    constant: constants.reduce(g.add, zero),
    error: errors.total().reduce(g.add, zero),
    relaxed,
  };
}

/** Sums |A|·scale. Nodes with the same coefficients share a product. */
class Errors {
  readonly #inputs: WalkInputs;
  readonly #scales = new Map<Value, Value[]>();

  constructor(inputs: WalkInputs) {
    this.#inputs = inputs;
  }

  add(name: string, a: Value): void {
    const scale = this.#inputs.scale(name, elementCount(a.shape.slice(1)));
    const others = this.#scales.get(a);
    if (others === undefined) this.#scales.set(a, [scale]);
    else others.push(scale);
  }

  /** The products, [rows] each, in doubles. */
  total(): Value[] {
    const products: Value[] = [];
    for (const [a, scales] of this.#scales) {
      const sizes = flat(g.abs(a));
      for (let at = 0; at < scales.length; at += MAX_ADDED) {
        const sum = scales.slice(at, at + MAX_ADDED).reduce(g.add);
        products.push(g.cast(column(g.matmul(sizes, sum)), "float64"));
      }
    }
    return products;
  }
}

/** Zeros as coefficients of the network's input. */
const zerosFor = ({ type, input }: Plan, rows: number): Value =>
  g.expand(g.scalar(0, type), [rows, ...input.shape]);

/** Whether rounding of the walk or of an evaluation, or a constant that is not exact, separates a node from its replacement. */
export const hasError = (plan: Plan, node: Value, pulled: readonly { terms: number }[]): boolean =>
  plan.isRelaxed(node) ||
  mayRound(plan, node) ||
  node.inputs.some((input) => plan.is(input) && node.op !== "Gather") ||
  pulled.some(({ terms }) => terms > 0);

/** A⁺·lower line + A⁻·upper line. */
function pullRelaxed(node: Value, a: Value, inputs: WalkInputs, constants: Value[]): Pulled[] {
  const positive = g.relu(a);
  const negative = g.sub(a, positive);
  constants.push(
    node.op === "Relu"
      ? reluConstant(negative, inputs.upperIntercept(node))
      : g.add(
          g.sum(g.mul(rowsOf(positive), rowsOf(inputs.lowerIntercept(node))), [1]),
          g.sum(g.mul(rowsOf(negative), rowsOf(inputs.upperIntercept(node))), [1]),
        ),
  );
  return node.inputs.map((input, k) => ({
    input,
    // One of the two products is 0.
    coefficients: g.reshape(
      g.add(
        g.mul(positive, inputs.lowerSlope(node, k)),
        g.mul(negative, inputs.upperSlope(node, k)),
      ),
      [a.shape[0], ...input.shape],
    ),
    terms: 1,
  }));
}

/** A⁻·intercept: no term is positive, so that a larger intercept makes up for rounding. */
function reluConstant(negative: Value, intercept: Value): Value {
  const sums =
    intercept.shape[0] === 1
      ? column(g.matmul(flat(negative), g.transpose(flat(intercept), [1, 0])))
      : g.sum(g.mul(flat(negative), flat(intercept)), [1]);
  return g.cast(sums, "float64");
}

/** The constant that Add, Sub or Concat with a constant contributes: ±⟨A, c⟩ [rows]; null if there is none. */
function shiftOf(plan: Plan, node: Value, a: Value): Value | null {
  if (node.op === "Concat") return concatShift(plan, node, a);
  if (node.op !== "Add" && node.op !== "Sub") return null;
  const index = node.inputs.findIndex((input) => plan.is(input));
  if (index < 0) return null;
  const c = plan.value(node.inputs[index]);
  const size = elementCount(c.shape);
  // Coefficients that meet the same number are added up in the float type; `linearScale` has the rounding.
  const summed = rowsOf(unbroadcast(a, a.shape[0], c.shape));
  const product = column(g.matmul(summed, g.reshape(g.cast(c, "float64"), [size, 1])));
  return node.op === "Sub" && index === 1 ? g.neg(product) : product;
}

function concatShift(plan: Plan, node: Value, a: Value): Value | null {
  const parts = (pullLinear(node, a, plan) ?? []).filter(({ input }) => plan.is(input));
  const shifts = parts.map(({ input, coefficients }) =>
    column(
      g.matmul(
        rowsOf(coefficients),
        g.reshape(g.cast(plan.value(input), "float64"), [elementCount(input.shape), 1]),
      ),
    ),
  );
  return shifts.length === 0 ? null : shifts.reduce(g.add);
}
