import type { NdArray, Shape } from "../../math/tensor.ts";
import { gradient } from "../autodiff/gradient.ts";
import * as g from "../graph/expressions.ts";
import { is, topological, type Value } from "../graph/value.ts";
import type { Plan } from "./plan.ts";
import type { NormBall } from "./region.ts";
import { rowsOf, walk } from "./walk.ts";

/** A compiled graph: arrays by name to arrays by name. */
export interface CompiledGraph {
  run(feeds: Readonly<Record<string, NdArray>>): Promise<Record<string, NdArray>>;
  release(): Promise<void>;
}

/** Compiles the graph that outputs reach. A runtime of this project has one. */
export type Compile = (outputs: Readonly<Record<string, Value>>) => Promise<CompiledGraph>;

/**
 * What is given per row of a walk: nothing (`shared`); the lower slopes of ReLUs, with gradients (`slopes`); or all
 * lines and the multipliers of splits, with gradients (`splits`).
 */
export type Variant = "shared" | "slopes" | "splits";

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
  gradient: (name: string) => `gradient:${name}`,
};

/** The outputs of a walk from a node: `bound` and `error` [rows], and gradients of Σ bound. */
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
  const lifted = (node: Value, isPerRow: boolean) => [isPerRow ? rows : 1, ...node.shape];
  const isSplit = variant === "splits";
  const start = feed(names.start, [rows, ...from.shape], plan.type);
  const walked = walk(plan, from, start, {
    lowerSlope: (node, k) =>
      feed(
        names.lowerSlope(plan.id(node), k),
        lifted(node, isSplit || (variant === "slopes" && node.op === "Relu")),
        plan.type,
      ),
    upperSlope: (node, k) =>
      feed(names.upperSlope(plan.id(node), k), lifted(node, isSplit), plan.type),
    lowerIntercept: (node) =>
      feed(names.lowerIntercept(plan.id(node)), lifted(node, isSplit), "float64"),
    upperIntercept: (node) =>
      feed(names.upperIntercept(plan.id(node)), lifted(node, isSplit), "float64"),
    scale: (name, size) => feed(name, [size, 1], "float64"),
    multiplier: (node) =>
      isSplit && node.op === "Relu"
        ? feed(names.multiplier(plan.id(node)), [rows, ...node.shape], plan.type)
        : null,
  });
  const a = rowsOf(walked.coefficients);
  const columnOf = (name: string) => feed(name, [a.shape[1], 1], "float64");
  const flat = (x: Value) => g.reshape(x, [rows]);
  const least = g.sub(
    flat(g.matmul(a, columnOf(names.centre))),
    flat(g.matmul(g.abs(a), columnOf(names.radius))),
  );
  const overBall =
    norm === undefined ? null : leastOverBall(a, norm, columnOf(names.ballCentre), feed);
  const bound = g.add(overBall === null ? least : g.maximum(least, overBall), walked.constant);
  const error = g.add(walked.error, flat(g.matmul(g.abs(a), columnOf(names.edge))));
  const outputs: Record<string, Value> = { bound, error };
  if (variant !== "shared") addGradients(outputs, bound);
  return outputs;
}

/** min A·x over ‖x − c‖ ≤ ε is A·c − ε·‖A‖ with the dual norm. */
function leastOverBall(
  a: Value,
  norm: NormBall["norm"],
  centre: Value,
  feed: (name: string, shape: Shape, dtype: "float64") => Value,
): Value {
  const dual = norm === "l2" ? g.sqrt(g.sum(g.mul(a, a), [1])) : g.max(g.abs(a), [1]);
  const radius = feed(names.ballRadius, [], "float64");
  return g.sub(g.reshape(g.matmul(a, centre), [a.shape[0]]), g.mul(dual, radius));
}

/** Adds the gradients of Σ bound by the slopes and multipliers that are given per row. */
function addGradients(outputs: Record<string, Value>, bound: Value): void {
  const optimized = topological<Value>([bound]).filter(
    (node) =>
      is(node, "Input") &&
      /^(lowerSlope|multiplier|lowerIntercept|upperIntercept)/.test(node.attrs.name) &&
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
