import { InternalError } from "../math/internal-error.ts";
import type { Key } from "../math/random.ts";
import { rowSize, type Tensor, tensor } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Descent } from "./descent.ts";
import { type Goal, goalsOf, nextSearch, type Skipped, turns } from "./goals.ts";
import { excessOf, type Property } from "./property.ts";
import { isInside, type Region } from "./region.ts";

/** A network as a search sees it: flat inputs, [batch, inputs] → [batch, outputs]. */
export interface FlatNetwork {
  outputs(x: Tensor): Promise<Tensor>;
  /** Outputs, and of each row the gradient of Σ weights · outputs, from weights [batch, outputs]. */
  gradient(
    x: Tensor,
    weights: Tensor,
  ): Promise<{ readonly outputs: Tensor; readonly gradient: Tensor }>;
}

/** A point of a case's box whose outputs, computed once more and by themselves, satisfy its conditions. */
export interface Counterexample {
  /** The place of the case among the property's. */
  readonly case: number;
  readonly x: Float32Array;
  readonly y: Float32Array;
  /** At most 0; −∞ where the case has no conditions. */
  readonly excess: number;
}

/** How far a search has come. */
export interface Effort {
  /** Since the search began. */
  readonly seconds: number;
  readonly searches: number;
  /** Points that the network was asked about. */
  readonly evaluations: number;
  /** The least excess met: a counterexample needs 0. */
  readonly closest: number;
}

/**
 * `step` after each step; the last event is `sat`, or `unknown` with the reason: the time is up, nothing is left to
 * search (no case, or each of one point), or it was interrupted. `skipped` are cases without a float32 point.
 */
export type FalsifyEvent =
  | ({ readonly event: "step" } & Effort)
  | ({ readonly event: "sat"; readonly counterexample: Counterexample } & Effort)
  | ({
      readonly event: "unknown";
      readonly reason: "time" | "searched" | "interrupted";
      readonly skipped: readonly Skipped[];
    } & Effort);

/** How long and from which key a property is searched. */
export interface FalsifyOptions {
  /** The search ends with the first step that ends after this. */
  readonly seconds: number;
  readonly key: Key;
  /** Seconds since any moment. */
  readonly now: () => number;
  readonly signal?: AbortSignal | undefined;
}

/** Searches that share a batch. */
const ROWS = 32;
const [SHORT, LONG] = [20, 100];

/**
 * Looks for a counterexample of the property by descents in its boxes until one is found and confirmed, or the time is
 * up. It proves nothing: `unknown` is no sign that there is none. What is searched, and in which order, depends on the
 * key alone; the clock only ends it.
 */
export async function* falsify(
  network: FlatNetwork,
  property: Property,
  { seconds, key, now, signal }: FalsifyOptions,
): AsyncGenerator<FalsifyEvent, void> {
  const begin = now();
  const { goals, skipped } = goalsOf(property, key);
  const sharing = new Map<Region, Goal[]>();
  for (const goal of goals) {
    const others = sharing.get(goal.region) ?? [];
    others.push(goal);
    sharing.set(goal.region, others);
  }
  const total = { searches: 0, evaluations: 0, closest: Number.POSITIVE_INFINITY };
  const effort = (): Effort => ({ seconds: now() - begin, ...total });

  /** The first counterexample among rows of outputs, confirmed. */
  async function found(
    batch: readonly Goal[],
    x: Tensor,
    y: Tensor,
  ): Promise<Counterexample | undefined> {
    for (const [i, { region }] of batch.entries()) {
      const point = x.data.slice(i * property.inputs, (i + 1) * property.inputs);
      if (!isInside(region, point)) continue;
      for (const goal of sharing.get(region) ?? []) {
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

  let steps = SHORT;
  while (true) {
    const batch = turns(goals, ROWS);
    if (batch.length === 0) {
      yield { event: "unknown", reason: "searched", skipped, ...effort() };
      return;
    }
    const descents = batch.map((goal) => nextSearch(goal, property.outputs, steps));
    total.searches += batch.length;
    for (let step = 0; step < steps; step++) {
      const { x, y, gradient } = await ask(network, property, descents);
      total.evaluations += batch.length;
      const counterexample = await found(batch, x, y);
      if (counterexample !== undefined) {
        yield { event: "sat", counterexample, ...effort() };
        return;
      }
      const interrupted = signal?.aborted === true;
      if (interrupted || now() - begin >= seconds) {
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
    steps = Math.min(2 * steps, LONG);
  }
}

/** Outputs and gradients at the point of each descent, one row each. */
async function ask(network: FlatNetwork, property: Property, descents: readonly Descent[]) {
  const { inputs, outputs } = property;
  const x = tensor([descents.length, inputs]);
  for (const [i, one] of descents.entries()) x.data.set(one.x, i * inputs);
  const before = descents.some(({ needsOutputs }) => needsOutputs)
    ? await network.outputs(x)
    : undefined;
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
    );
}

/** The point as a counterexample, if it lies in the box as written and its outputs, computed anew, say so too. */
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
