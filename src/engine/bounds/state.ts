import type { NdArray, Shape } from "../../math/tensor.ts";
import { is, type Value } from "../graph/value.ts";
import { centred, type Interval, intersection, isPoint } from "./interval.ts";
import { intervalOfNode } from "./interval-rules.ts";
import type { KeptSlopes } from "./kept-slopes.ts";
import type { Plan } from "./plan.ts";
import { names } from "./program.ts";
import type { InputRegion } from "./region.ts";
import { type Relaxation, relaxationOf } from "./relaxations.ts";
import { up } from "./rounding.ts";
import { additionScale, FINE, linearScale, relaxedScale, roundedUp } from "./scales.ts";

/** Arrays for a program by name. */
export type Fed = Record<string, NdArray>;

const doubles = (shape: Shape, data: Float64Array): NdArray => ({ dtype: "float64", shape, data });

/** What is known about a network on one region: intervals of its values so far, and the arrays that walks are fed with. */
export class RegionState {
  readonly plan: Plan;
  readonly region: InputRegion;
  readonly intervals: Map<Value, Interval>;
  /** What a float32 evaluation may add to the values of nodes; empty if bounds are of real arithmetic alone. */
  readonly errors = new Map<Value, Float64Array>();
  /** Whether an interval is empty, so that no point of the region has all the values that are known. */
  isEmpty = false;
  /** The best lower slopes that were found for elements of a node. */
  readonly keptSlopes = new Map<Value, KeptSlopes>();
  readonly #relaxations = new Map<Value, Relaxation>();
  readonly #fed: Fed = {};

  constructor(plan: Plan, region: InputRegion) {
    this.plan = plan;
    this.region = region;
    const { shape } = plan.input;
    this.intervals = new Map(plan.constantIntervals);
    this.intervals.set(plan.input, { shape, lower: region.lower, upper: region.upper });
    this.#feedRegion();
  }

  /**
   * A copy, for what is known on a part of the region. It keeps the scales of rounding errors of linear nodes and of ReLUs,
   * which larger intervals only make larger: a ReLU's slopes are at most 1 on any interval, and its upper intercept grows
   * with the interval, up to a rounding that `GENEROUS` has room for. The scales of other relaxed nodes are made again with
   * their lines, as a curve may be steeper on a part.
   */
  part(): RegionState {
    const part = new RegionState(this.plan, this.region);
    for (const [node, interval] of this.intervals) part.intervals.set(node, interval);
    for (const [node, error] of this.errors) part.errors.set(node, error);
    for (const [node, slopes] of this.keptSlopes) part.keptSlopes.set(node, slopes);
    for (const [node, lines] of this.#relaxations) part.#relaxations.set(node, lines);
    Object.assign(part.#fed, this.#fed);
    return part;
  }

  #feedRegion(): void {
    const { lower, upper, ball } = this.region;
    const { centre, radius } = centred({ shape: [lower.length], lower, upper });
    const edge = centre.map((c, i) => {
      const around = ball === undefined ? 0 : Math.abs(ball.centre[i]) + ball.radius;
      return FINE * 2 * (Math.abs(c) + radius[i] + around);
    });
    const column = [lower.length, 1];
    this.#fed[names.centre] = doubles(column, centre);
    this.#fed[names.radius] = doubles(column, radius);
    this.#fed[names.edge] = doubles(column, edge);
    if (ball === undefined) return;
    this.#fed[names.ballCentre] = doubles(column, ball.centre);
    this.#fed[names.ballRadius] = doubles([], Float64Array.of(ball.radius));
  }

  /** Stores the interval of a node. Lines that were made from another one are made again. */
  learn(node: Value, interval: Interval): void {
    const { lower, upper } = interval;
    this.intervals.set(node, interval);
    this.isEmpty ||= lower.some((low, i) => low > upper[i]);
    for (const copy of this.plan.copies(node)) {
      const known = this.intervals.get(copy);
      if (known !== undefined)
        this.learn(copy, intersection(known, intervalOfNode(copy, [interval])));
    }
    if (this.#relaxations.size === 0) return;
    for (const reader of this.plan.readers(node))
      if (this.#relaxations.delete(reader)) this.#forgetLines(reader);
  }

  #forgetLines(node: Value): void {
    const id = this.plan.id(node);
    delete this.#fed[names.upperIntercept(id)];
    if (!is(node, "Relu")) delete this.#fed[`scale${id}`];
  }

  /** The upper lines of a ReLU, per element, as walks are fed with them. */
  upperLines(relu: Value): {
    readonly slopes: Float64Array;
    readonly intercepts: Float64Array;
  } {
    const { upperSlopes, upperIntercept } = this.relaxation(relu);
    return {
      slopes: upperSlopes[0],
      intercepts: roundedUp(upperIntercept, this.plan.type),
    };
  }

  /** The interval of a node that is known already. */
  interval(node: Value): Interval {
    return this.intervals.get(node) as Interval;
  }

  /** The lines of a relaxed node, from the intervals of its inputs. */
  relaxation(node: Value): Relaxation {
    const cached = this.#relaxations.get(node);
    if (cached !== undefined) return cached;
    const inputs = node.inputs.map((input) => this.interval(input));
    const made = relaxationOf(node, inputs, this.plan.type);
    this.#relaxations.set(node, made);
    return made;
  }

  /** The arrays of one row for the names that a program is fed; `start` and what is given per row are left out. */
  feeds(wanted: ReadonlySet<string>, upTo: readonly Value[]): Fed {
    for (const node of upTo) {
      const id = this.plan.id(node);
      if (wanted.has(`added${id}`))
        this.#once(`added${id}`, () => additionScale(this.plan, node, this.intervals));
      if (wanted.has(`scale${id}`)) this.#once(`scale${id}`, () => this.#scale(node));
      if (this.plan.isRelaxed(node)) this.#feedLines(node, id);
    }
    return Object.fromEntries(Object.entries(this.#fed).filter(([name]) => wanted.has(name)));
  }

  #scale(node: Value): Float64Array {
    const scale = this.plan.isRelaxed(node)
      ? relaxedScale(this.plan, node, this.intervals, this.relaxation(node))
      : linearScale(this.plan, node, this.intervals);
    const error = this.errors.get(node);
    return error === undefined ? scale : scale.map((v, i) => up(v + error[i]));
  }

  #once(name: string, make: () => Float64Array): void {
    if (name in this.#fed) return;
    const data = make();
    this.#fed[name] = this.typed([data.length, 1], roundedUp(data, this.plan.type));
  }

  #feedLines(node: Value, id: number): void {
    if (names.upperIntercept(id) in this.#fed) return;
    const { lowerSlopes, upperSlopes, lowerIntercept, upperIntercept } = this.relaxation(node);
    const shape = [1, ...node.shape];
    this.#fed[names.lowerIntercept(id)] = doubles(shape, lowerIntercept);
    this.#fed[names.upperIntercept(id)] = is(node, "Relu")
      ? this.typed(shape, this.upperLines(node).intercepts)
      : doubles(shape, upperIntercept);
    for (let k = 0; k < lowerSlopes.length; k++) {
      this.#fed[names.lowerSlope(id, k)] = this.typed(shape, lowerSlopes[k]);
      this.#fed[names.upperSlope(id, k)] = this.typed(shape, upperSlopes[k]);
    }
  }

  /** An array of the walk's float type, of numbers that this type has. */
  typed(shape: Shape, data: Float64Array): NdArray {
    return this.plan.type === "float64"
      ? doubles(shape, data)
      : { dtype: "float32", shape, data: Float32Array.from(data) };
  }

  /** The elements of a node that a tighter interval would help: unstable at one of the nodes that read them. */
  unstable(node: Value, readers: readonly Value[]): number[] {
    const { lower, upper } = this.interval(node);
    const isOpen = (i: number) =>
      readers.some((reader) =>
        is(reader, "Relu") ? lower[i] < 0 && upper[i] > 0 : upper[i] > lower[i],
      );
    return Array.from(lower.keys()).filter(isOpen);
  }

  /** Whether the region is a single point. */
  get isPoint(): boolean {
    return isPoint(this.interval(this.plan.input));
  }
}
