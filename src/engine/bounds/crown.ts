import { InternalError } from "../../math/internal-error.ts";
import { elementCount } from "../../math/tensor.ts";
import { is, topological, type Value } from "../graph/value.ts";
import { softmaxInput } from "./canonical.ts";
import { type Evaluation, EvaluationErrors } from "./evaluation.ts";
import { type Interval, inflated, intersection, magnitude } from "./interval.ts";
import { intervalOfNode } from "./interval-rules.ts";
import { softmaxInterval } from "./interval-softmax.ts";
import { rounded } from "./lines.ts";
import { Plan } from "./plan.ts";
import {
  type BoundProgram,
  boundOutputs,
  type Compile,
  fedNames,
  names,
  type Variant,
} from "./program.ts";
import type { InputRegion } from "./region.ts";
import { down, up } from "./rounding.ts";
import { MAX_ELEMENTS } from "./scales.ts";
import type { SparseRow } from "./sparse-row.ts";
import { RegionState } from "./state.ts";
import { withoutBound } from "./unsupported.ts";

export type { SparseRow } from "./sparse-row.ts";

/** Rows of the programs that walks are cut into. */
const CHUNKS = [16, 64, 256];
/** The maximum elements of the coefficients of one node. */
const MAX_COEFFICIENTS = 2 ** 22;

/** How a region is analysed. */
export interface AnalyseOptions {
  /** Whether backward walks tighten interval arithmetic; they do by default. */
  readonly walks?: boolean;
  /**
   * Bounds hold for float32 evaluations of this kind as well as for real arithmetic; by default for real arithmetic only.
   * `known` must be of the same kind.
   */
  readonly evaluation?: Evaluation | undefined;
  /**
   * Intervals that hold too: those of an earlier analysis of the same region, or of a part of it, for bounds that hold on
   * this part.
   */
  readonly known?: Pick<RegionState, "interval"> | undefined;
  /** What bounds rows of a node's elements; `Crown.lowerBounds` by default. */
  readonly bounds?:
    | ((state: RegionState, node: Value, rows: readonly SparseRow[]) => Promise<Float64Array>)
    | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Operators whose interval is exact one at a time, but not one behind the other. */
const MIXING: ReadonlySet<string> = new Set(["MatMul", "Conv", "AveragePool", "ReduceSum"]);

/** Lower bounds of linear functions of a network's values on a region, sound in real arithmetic. */
export class Crown {
  readonly plan: Plan;
  readonly #compile: Compile;
  readonly #programs = new Map<string, Promise<BoundProgram>>();
  readonly #errors = new WeakMap<Evaluation, EvaluationErrors>();
  readonly #below = new Map<Value, readonly Value[]>();

  /** `input` and `output` of a network of batch 1. Throws `UsageError` for operators without a bound. */
  constructor(compile: Compile, input: Value, output: Value) {
    this.plan = new Plan(input, output);
    this.#compile = compile;
    for (const node of this.plan.order)
      if (elementCount(node.shape) > MAX_ELEMENTS)
        throw withoutBound(node, `has more than ${MAX_ELEMENTS} elements`);
  }

  /** The nodes that a node depends on and that depend on the input, itself included; inputs before readers. */
  below(node: Value): readonly Value[] {
    const cached = this.#below.get(node);
    if (cached !== undefined) return cached;
    const made = topological<Value>([node]).filter((one) => !this.plan.is(one));
    this.#below.set(node, made);
    return made;
  }

  /** The walk from a node as a program of `rows` rows; cached. */
  program(from: Value, rows: number, variant: Variant, region: InputRegion): Promise<BoundProgram> {
    const norm = region.ball?.norm;
    const key = `${this.plan.id(from)} ${rows} ${variant} ${norm}`;
    const cached = this.#programs.get(key);
    if (cached !== undefined) return cached;
    const outputs = boundOutputs(this.plan, from, rows, variant, norm);
    const made = this.#compile(outputs).then((compiled) => ({
      rows,
      inputs: fedNames(outputs),
      compiled,
    }));
    this.#programs.set(key, made);
    return made;
  }

  /**
   * Intervals of all values on a region: interval arithmetic, and backward walks for the inputs of relaxed nodes. Ends early
   * if the part that `known` is about turns out to be empty.
   */
  async analyse(region: InputRegion, options: AnalyseOptions = {}): Promise<RegionState> {
    const { walks = true, evaluation, known, signal } = options;
    const state = new RegionState(this.plan, region);
    const errors = evaluation === undefined ? null : this.#errorsOf(evaluation);
    for (const node of this.plan.order) {
      if (node !== this.plan.input) {
        const exact = exactInterval(this.plan, node, state);
        const error = errors?.of(node, exact, state.intervals) ?? null;
        if (error !== null) state.errors.set(node, error);
        const interval = error === null ? exact : inflated(exact, error);
        const earlier = known?.interval(node);
        state.learn(node, earlier === undefined ? interval : intersection(interval, earlier));
      }
      if (state.isEmpty) return state;
      const readers = this.plan.tightenedFor(node);
      if (readers.length === 0 || !walks || this.#isExact(node, region)) continue;
      signal?.throwIfAborted();
      const elements = state.unstable(node, readers);
      if (elements.length > 0)
        state.learn(node, await this.tightened(state, node, elements, options));
      if (state.isEmpty) return state;
    }
    return state;
  }

  #errorsOf(evaluation: Evaluation): EvaluationErrors {
    const made = this.#errors.get(evaluation) ?? new EvaluationErrors(this.plan, evaluation);
    this.#errors.set(evaluation, made);
    return made;
  }

  /** Whether interval arithmetic is exact for a node: at most one operator that mixes elements, and a box. */
  #isExact(node: Value, { ball }: InputRegion): boolean {
    const below = this.below(node);
    if (below.some((one) => this.plan.isRelaxed(one))) return false;
    const mixes = ({ op, inputs }: Value): boolean =>
      MIXING.has(op) || inputs.filter((input) => !this.plan.is(input)).length > 1;
    return ball === undefined && below.filter(mixes).length <= 1;
  }

  /** The interval of a node with walks for some of its elements. */
  async tightened(
    state: RegionState,
    node: Value,
    elements: readonly number[],
    { bounds: boundsOf }: Pick<AnalyseOptions, "bounds">,
  ): Promise<Interval> {
    const before = state.interval(node);
    const rows: SparseRow[] = elements.flatMap((i) => [[[i, 1]], [[i, -1]]] as SparseRow[]);
    const bounds =
      boundsOf === undefined
        ? await this.lowerBounds(state, node, rows)
        : await boundsOf(state, node, rows);
    const [lower, upper] = [before.lower.slice(), before.upper.slice()];
    for (const [k, i] of elements.entries()) {
      lower[i] = bounds[2 * k];
      upper[i] = -bounds[2 * k + 1];
    }
    return intersection(before, { shape: node.shape, lower, upper });
  }

  /** Lower bounds of rows·(values of a node), one per row; −∞ where nothing is known. */
  async lowerBounds(
    state: RegionState,
    from: Value,
    rows: readonly SparseRow[],
  ): Promise<Float64Array> {
    const bounds = new Float64Array(rows.length);
    for (let at = 0; at < rows.length; ) {
      const size = chunkFor(rows.length - at, this.plan.order);
      const chunk = rows.slice(at, at + size);
      bounds.set(await this.#chunk(state, from, chunk, size), at);
      at += chunk.length;
    }
    return bounds;
  }

  async #chunk(
    state: RegionState,
    from: Value,
    rows: readonly SparseRow[],
    size: number,
  ): Promise<Float64Array> {
    const program = await this.program(from, size, "shared", state.region);
    const { start, slack } = this.startOf(state, from, rows, size);
    const feeds = state.feeds(program.inputs, this.below(from));
    feeds[names.start] = state.typed([size, ...from.shape], start);
    const { bound, error } = await program.compiled.run(feeds);
    return soundBounds(bound.data as Float64Array, error.data as Float64Array, slack).subarray(
      0,
      rows.length,
    );
  }

  /** Rows as coefficients of the float type, and what their rounding and underflow can change. */
  startOf(
    state: RegionState,
    from: Value,
    rows: readonly SparseRow[],
    size: number,
  ): { readonly start: Float64Array; readonly slack: Float64Array } {
    const width = elementCount(from.shape);
    const start = new Float64Array(size * width);
    const slack = new Float64Array(size).fill(this.#underflow(state));
    const sizes = magnitude(state.interval(from));
    for (const [r, row] of rows.entries())
      for (const [i, coefficient] of row) {
        const value = rounded(coefficient, this.plan.type);
        start[r * width + i] = value;
        if (value !== coefficient)
          slack[r] = up(slack[r] + up(up(Math.abs(coefficient - value)) * sizes[i]));
      }
    return { start, slack };
  }

  /**
   * A bound of what underflow changes: every product loses at most 2⁻¹²⁰, even if denormal numbers count as 0 and weights
   * are as large as 2⁶⁴ times that, and there are at most MAX_ELEMENTS² of them per node.
   */
  #underflow(state: RegionState): number {
    let largest = 1;
    for (const node of this.plan.order) {
      const interval = state.intervals.get(node);
      if (interval === undefined) continue;
      for (let i = 0; i < interval.lower.length; i++)
        largest = Math.max(largest, Math.abs(interval.lower[i]), Math.abs(interval.upper[i]));
    }
    return 2 ** -75 * largest * this.plan.order.length;
  }

  async release(): Promise<void> {
    const programs = await Promise.all(this.#programs.values());
    this.#programs.clear();
    for (const { compiled } of programs) await compiled.release();
  }
}

/** The interval of a node by those of its inputs, or of the Softmax that it replaces, which is tighter. */
function exactInterval({ sources }: Plan, node: Value, state: RegionState): Interval {
  const interval = intervalOfNode(
    node,
    node.inputs.map((input) => state.interval(input)),
  );
  const softmax = sources.get(node)?.find((source) => is(source, "Softmax"));
  if (softmax === undefined) return interval;
  return intersection(
    interval,
    softmaxInterval(state.interval(softmaxInput(node)), softmax.attrs.axis),
  );
}

/** The chunk for a number of rows: the smallest that holds them all, or the largest that fits into memory. */
export function chunkFor(rows: number, order: readonly Value[]): number {
  const widest = Math.max(...order.map(({ shape }) => elementCount(shape)));
  const fitting = CHUNKS.filter((size, i) => i === 0 || size * widest <= MAX_COEFFICIENTS);
  return fitting.find((size) => size >= rows) ?? fitting[fitting.length - 1];
}

/** bound − error − slack, rounded down; −∞ where a double overflowed. */
export function soundBounds(
  bound: Float64Array,
  error: Float64Array,
  slack: Float64Array,
): Float64Array {
  if (bound.length !== error.length)
    throw new InternalError("the numbers of bounds and of error terms differ");
  return bound.map((b, i) => {
    const sound = down(b - up(up(error[i] * (1 + 2 ** -20)) + slack[i]));
    return Number.isFinite(sound) ? sound : Number.NEGATIVE_INFINITY;
  });
}

/** Whether a node is a ReLU of the network. */
export const isRelu = (node: Value): boolean => is(node, "Relu");
