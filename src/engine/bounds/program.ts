import type { NdArray, Shape } from "../../math/tensor.ts";
import { gradient } from "../autodiff/gradient.ts";
import * as g from "../graph/expressions.ts";
import { is, topological, type Value } from "../graph/value.ts";
import type { Plan } from "./plan.ts";
import type { NormBall } from "./region.ts";
import type { FloatType } from "./rounding.ts";
import { rowsOf, walk } from "./walk.ts";

/** A compiled graph: arrays by name to arrays by name. */
export interface CompiledGraph {
  run(feeds: Readonly<Record<string, NdArray>>): Promise<Record<string, NdArray>>;
  release(): Promise<void>;
}

/** Compiles the graph that outputs reach. A runtime of this project has one. */
export type Compile = (outputs: Readonly<Record<string, Value>>) => Promise<CompiledGraph>;

/**
 * What is given per row of a walk: nothing (`shared`); the lower slopes of ReLUs (`sloped`), also with gradients (`slopes`);
 * both lines of ReLUs and the multipliers of splits (`trial`); and the same with gradients and the coefficients of ReLUs
 * (`splits`).
 */
export type Variant = "shared" | "sloped" | "slopes" | "trial" | "splits";

/** A walk as a program. */
export interface BoundProgram {
  readonly rows: number;
  readonly inputs: ReadonlySet<string>;
  readonly compiled: CompiledGraph;
}

/** Names of the arrays of a walk by node. */
export const names = {
  start: "start",
  centre: "centre",
  radius: "radius",
  ballCentre: "ballCentre",
  ballRadius: "ballRadius",
  edge: "edge",
  lowerSlope: (id: number, k: number) => `lowerSlope${id}_${k}`,
  upperSlope: (id: number, k: number) => `upperSlope${id}_${k}`,
  lowerIntercept: (id: number) => `lowerIntercept${id}`,
  upperIntercept: (id: number) => `upperIntercept${id}`,
  multiplier: (id: number) => `multiplier${id}`,
  coefficients: (id: number) => `coefficients${id}`,
  gradient: (name: string) => `gradient:${name}`,
};

/** The outputs of a walk from a node: `bound` and `error` [rows], and what the variant adds. */
export function boundOutputs(
  plan: Plan,
  from: Value,
  rows: number,
  variant: Variant,
  norm: NormBall["norm"] | undefined,
): Record<string, Value> {
  const fed = new Map<string, Value>();
  const feed = (name: string, shape: Shape, dtype: "float32" | "float64"): Value => {
    const value = fed.get(name) ?? g.input(name, shape, dtype);
    fed.set(name, value);
    return value;
  };
  const isSplit = variant === "splits" || variant === "trial";
  const perRow = (name: string, { shape }: Value) => feed(name, [rows, ...shape], plan.type);
  const shared = (name: string, { shape }: Value, type: FloatType = plan.type) =>
    feed(name, [1, ...shape], type);
  const start = feed(names.start, [rows, ...from.shape], plan.type);
  const lowerSlope = (node: Value, k: number): Value => {
    const name = names.lowerSlope(plan.id(node), k);
    return variant !== "shared" && isRelu(node) ? perRow(name, node) : shared(name, node);
  };
  const walked = walk(plan, from, start, {
    lowerSlope,
    upperSlope: (node, k) => {
      const name = names.upperSlope(plan.id(node), k);
      return isSplit && isRelu(node) ? perRow(name, node) : shared(name, node);
    },
    lowerIntercept: (node) => shared(names.lowerIntercept(plan.id(node)), node, "float64"),
    upperIntercept: (node) => {
      const name = names.upperIntercept(plan.id(node));
      if (!isRelu(node)) return shared(name, node, "float64");
      return isSplit ? perRow(name, node) : shared(name, node);
    },
    scale: (name, size) => feed(name, [size, 1], plan.type),
    multiplier: (node) =>
      isSplit && isRelu(node) ? perRow(names.multiplier(plan.id(node)), node) : null,
  });
  const bound = boundOver(walked.coefficients, norm, feed);
  const outputs: Record<string, Value> = {
    bound: g.add(bound, walked.constant),
    error: walked.error,
  };
  if (variant === "splits")
    for (const [node, coefficients] of walked.relaxed)
      if (isRelu(node)) outputs[names.coefficients(plan.id(node))] = coefficients;
  if (variant === "slopes" || variant === "splits") addGradients(outputs, outputs.bound);
  return outputs;
}

const isRelu = (node: Value): boolean => is(node, "Relu");

type Feed = (name: string, shape: Shape, dtype: "float64") => Value;

/** The least A·x over a region, [rows] in doubles, less the rounding of that. */
function boundOver(coefficients: Value, norm: NormBall["norm"] | undefined, feed: Feed): Value {
  const [a, sizes] = [rowsOf(coefficients), rowsOf(g.abs(coefficients))];
  const [rows, size] = a.shape;
  const columnOf = (name: string) => feed(name, [size, 1], "float64");
  const product = (x: Value, y: Value) => g.reshape(g.matmul(x, y), [rows]);
  const edge = columnOf(names.edge);
  const least = g.sub(
    product(a, columnOf(names.centre)),
    product(sizes, g.add(columnOf(names.radius), edge)),
  );
  if (norm === undefined) return least;
  const overBall = leastOverBall(a, norm, columnOf(names.ballCentre), feed);
  return g.maximum(least, g.sub(overBall, product(sizes, edge)));
}

/** min A·x over ‖x − c‖ ≤ ε is A·c − ε·‖A‖ with the dual norm. */
function leastOverBall(a: Value, norm: NormBall["norm"], centre: Value, feed: Feed): Value {
  const dual = norm === "l2" ? g.sqrt(g.sum(g.mul(a, a), [1])) : g.max(g.abs(a), [1]);
  const radius = feed(names.ballRadius, [], "float64");
  return g.sub(g.reshape(g.matmul(a, centre), [a.shape[0]]), g.mul(dual, radius));
}

/** Adds the gradients of Σ bound by the slopes and multipliers that are given per row. */
function addGradients(outputs: Record<string, Value>, bound: Value): void {
  const optimized = topological<Value>([bound]).filter(
    (node) =>
      is(node, "Input") &&
      /^(lowerSlope|multiplier)/.test(node.attrs.name) &&
      node.shape[0] === bound.shape[0],
  ) as Value<"Input">[];
  const gradients = gradient(g.sum(bound), optimized);
  for (const [i, { attrs }] of optimized.entries())
    outputs[names.gradient(attrs.name)] = gradients[i];
}

/** The names that a graph is fed. */
export const fedNames = (outputs: Readonly<Record<string, Value>>): Set<string> =>
  new Set(
    topological<Value>(Object.values(outputs)).flatMap((node) =>
      is(node, "Input") ? [node.attrs.name] : [],
    ),
  );
