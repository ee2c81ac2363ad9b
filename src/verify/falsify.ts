import { InternalError } from "../math/internal-error.ts";
import type { Key } from "../math/random.ts";
import { rowSize, type Tensor, tensor } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Descent } from "./descent.ts";
import { type Goal, goalsOf, nextGoals, nextSearch, type Skipped } from "./goals.ts";
import { excessOf, type Property } from "./property.ts";
import { isInside, type Region } from "./region.ts";

/** A network with flat inputs and outputs. */
export interface FlatNetwork {
  /** Whether the inputs are whole numbers; then only those are searched. */
  readonly isWhole?: boolean;
  /** [batch, inputs] → [batch, outputs]. */
  outputs(x: Tensor): Promise<Tensor>;
  /** Outputs, and per row the gradient [batch, inputs] of Σ weights · outputs, from weights [batch, outputs]. */
  gradient(
    x: Tensor,
    weights: Tensor,
  ): Promise<{ readonly outputs: Tensor; readonly gradient: Tensor }>;
}

/**
 * A point x [inputs] of a case's box whose outputs y [outputs], computed again in a batch of one, satisfy its
 * conditions.
 */
export interface Counterexample {
  /** The index of the case in the property. */
  readonly case: number;
  readonly x: Float32Array;
  readonly y: Float32Array;
  /** At most 0; −∞ if the case has no conditions. */
  readonly excess: number;
}

/** The effort of a search so far. */
export interface Effort {
  /** Since the search began. */
  readonly seconds: number;
  readonly searches: number;
  /** Points at which the network was evaluated. */
  readonly evaluations: number;
  /** The least excess so far; a counterexample has at most 0. */
  readonly closest: number;
}

/**
 * An event of a search: `step` after each step, and at the end `sat`, or `unknown` with its reason. `time`: the time is
 * over. `searched`: nothing is left to search, because there are no cases or each has one point only. `interrupted`: the
 * signal aborted. `skipped` are cases without float32 points.
 */
export type FalsifyEvent =
  | ({ readonly event: "step" } & Effort)
  | ({ readonly event: "sat"; readonly counterexample: Counterexample } & Effort)
  | ({
      readonly event: "unknown";
      readonly reason: "time" | "searched" | "interrupted";
      readonly skipped: readonly Skipped[];
    } & Effort);

/** The time and the key of a search. */
export interface FalsifyOptions {
  /** The search ends after the first step that ends after this time. */
  readonly seconds: number;
  readonly key: Key;
  /** A clock, in seconds since any moment. */
  readonly now: () => number;
  readonly signal?: AbortSignal | undefined;
}

/** Searches that share a batch. */
const ROWS = 32;
/** Steps of the first searches, and the maximum that they double to. */
const [MIN_STEPS, MAX_STEPS] = [20, 100];

/**
 * Searches for a counterexample of a property by descents in its boxes, until one is confirmed or the time is over.
 * `unknown` is no proof that there is none. The points and their order depend on the key only; the clock only ends the
 * search.
 */
export async function* falsify(
  network: FlatNetwork,
  property: Property,
  { seconds, key, now, signal }: FalsifyOptions,
): AsyncGenerator<FalsifyEvent, void> {
  const started = now();
  const { goals, skipped } = goalsOf(property, key, network.isWhole);
  const goalsByRegion = new Map<Region, Goal[]>();
  for (const goal of goals) {
    const sharing = goalsByRegion.get(goal.region) ?? [];
    sharing.push(goal);
    goalsByRegion.set(goal.region, sharing);
  }
  const total = { searches: 0, evaluations: 0, closest: Number.POSITIVE_INFINITY };
  const effort = (): Effort => ({ seconds: now() - started, ...total });

  /** The first confirmed counterexample among points x [batch, inputs] with outputs y [batch, outputs]. */
  async function counterexampleIn(
    batch: readonly Goal[],
    x: Tensor,
    y: Tensor,
  ): Promise<Counterexample | undefined> {
    for (const [i, { region }] of batch.entries()) {
      const point = x.data.slice(i * property.inputs, (i + 1) * property.inputs);
      if (!isInside(region, point)) continue;
      for (const goal of goalsByRegion.get(region) ?? []) {
        const excess = excessOf(goal.case.conditions, y.data, i * property.outputs);
        if (excess < goal.closest) goal.closest = excess;
        if (excess < total.closest) total.closest = excess;
        if (!(excess <= 0)) continue;
        const counterexample = await confirmed(network, goal, point);
        total.evaluations++;
        if (counterexample !== undefined) return counterexample;
      }
    }
    return undefined;
  }

  let steps = MIN_STEPS;
  while (true) {
    const batch = nextGoals(goals, ROWS);
    if (batch.length === 0) {
      yield { event: "unknown", reason: "searched", skipped, ...effort() };
      return;
    }
    const descents = batch.map((goal) => nextSearch(goal, property.outputs, steps));
    total.searches += batch.length;
    for (let step = 0; step < steps; step++) {
      const { x, y, gradient } = await evaluate(network, property, descents);
      total.evaluations += batch.length;
      const counterexample = await counterexampleIn(batch, x, y);
      if (counterexample !== undefined) {
        yield { event: "sat", counterexample, ...effort() };
        return;
      }
      const interrupted = signal?.aborted === true;
      if (interrupted || now() - started >= seconds) {
        const reason = interrupted ? "interrupted" : "time";
        yield { event: "unknown", reason, skipped, ...effort() };
        return;
      }
      yield { event: "step", ...effort() };
      for (const [i, one] of descents.entries()) {
        const { inputs, outputs } = property;
        one.step(y.data, i * outputs, gradient.data.subarray(i * inputs, (i + 1) * inputs));
      }
    }
    steps = Math.min(2 * steps, MAX_STEPS);
  }
}

/** Points x, outputs y and gradients of all descents, one row each. */
async function evaluate(network: FlatNetwork, property: Property, descents: readonly Descent[]) {
  const { inputs, outputs } = property;
  const x = tensor([descents.length, inputs]);
  for (const [i, one] of descents.entries())
    x.data.set(network.isWhole === true ? one.x.map(Math.round) : one.x, i * inputs);
  const needsOutputs = descents.some((one) => one.needsOutputs);
  const before = needsOutputs ? await network.outputs(x) : undefined;
  if (before !== undefined) requireOutputs(before, outputs);
  const weights = tensor([descents.length, outputs]);
  for (const [i, one] of descents.entries())
    weights.data.set(one.weights(before?.data ?? [], i * outputs), i * outputs);
  const { outputs: y, gradient } = await network.gradient(x, weights);
  requireOutputs(y, outputs);
  return { x, y, gradient };
}

function requireOutputs(y: Tensor, outputs: number): void {
  if (rowSize(y) !== outputs)
    throw new UsageError(
      `the network has ${rowSize(y)} outputs and the property ${outputs}; they belong to different networks`,
      { code: "misfit" },
    );
}

/** The point as a counterexample, if its outputs, computed again in a batch of one, satisfy the conditions. */
async function confirmed(
  network: FlatNetwork,
  { index, case: one }: Goal,
  x: Float32Array,
): Promise<Counterexample | undefined> {
  if (!isInside(one, x)) throw new InternalError(`a point outside of the box of case ${index}`);
  const y = await network.outputs(tensor([1, x.length], x));
  const excess = excessOf(one.conditions, y.data);
  return excess <= 0 ? { case: index, x, y: Float32Array.from(y.data), excess } : undefined;
}
