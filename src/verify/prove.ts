import { branchAndBound, type Goal } from "../engine/bounds/branch.ts";
import type { Crown, SparseRow } from "../engine/bounds/crown.ts";
import type { Evaluation } from "../engine/bounds/evaluation.ts";
import { magnitude } from "../engine/bounds/interval.ts";
import { refinedBranching } from "../engine/bounds/refine.ts";
import { down, up } from "../engine/bounds/rounding.ts";
import { optimizedBounds } from "../engine/bounds/slopes.ts";
import type { RegionState } from "../engine/bounds/state.ts";
import { untilStopped } from "../engine/bounds/until-stopped.ts";
import { UsageError } from "../math/usage-error.ts";
import { earlierBoundsOf } from "./earlier-bounds.ts";
import { type Case, casesByBox, type Inequality, type Property } from "./property.ts";

/** The methods in the order of their cost. Each begins with what the one before it found. */
export const stages = [
  "crown-ibp",
  "crown",
  "alpha-crown-last",
  "alpha-crown",
  "branching",
] as const;

/** A method of proof: one walk on interval arithmetic; walks for all layers; slopes optimised in the last; in all; splits of ReLUs. */
export type Stage = (typeof stages)[number];

/**
 * An event of a proof: `stage` after each method on each box, and at the end `unsat` with the last method that was
 * needed, or `unknown`. `gap` is a lower bound of the worst case's excess, which must be above 0.
 */
export type ProofEvent =
  | {
      readonly event: "stage";
      readonly stage: Stage;
      readonly gap: number;
      readonly open: number;
      readonly seconds: number;
    }
  | { readonly event: "unsat"; readonly stage: Stage; readonly seconds: number }
  | {
      readonly event: "unknown";
      readonly reason: "time" | "methods" | "interrupted";
      readonly gap: number;
      readonly open: number;
      readonly seconds: number;
    };

/** The time of a proof and the methods that it may use. */
export interface ProveOptions {
  readonly seconds: number;
  /** A clock, in seconds since any moment. */
  readonly now: () => number;
  readonly signal?: AbortSignal | undefined;
  /** Proves the statement for float32 evaluations of this kind too, not only for real arithmetic. */
  readonly evaluation?: Evaluation | undefined;
  /** The last method to try. */
  readonly upTo?: Stage | undefined;
}

/**
 * The share of the time that is left for splits that keep the bounds of hidden layers, by the float type of walks. New bounds
 * for the hidden layers cost little in a network without convolutions, whose walks are in doubles. With convolutions they
 * come into play only if these splits find nothing more to split.
 */
const FIXED_SHARE = { float64: 0.15, float32: 1 } as const;
/** Iterations of the ascents. */
const [LAST_ITERATIONS, INNER_ITERATIONS] = [30, 5];

/** A case that may have a counterexample, with the best lower bound of its excess. */
interface Open {
  readonly case: Case;
  excess: number;
}

/** The cases of a property that share the arrays of their box. */
const byBox = ({ cases }: Property): Open[][] =>
  casesByBox(cases).map((sharing) =>
    sharing.map((one) => ({ case: one, excess: Number.NEGATIVE_INFINITY })),
  );

/**
 * The box of a case, rounded outward: its bounds are the doubles nearest to exact numbers, or the neighbours inside of
 * strict ones.
 */
export const regionOf = ({ lower, upper }: Pick<Case, "lower" | "upper">) => ({
  lower: lower.map((low) => down(down(low))),
  upper: upper.map((high) => up(up(high))),
});

const rowOf = ({ coefficients }: Inequality): SparseRow =>
  Array.from(coefficients, (value, i) => [i, value] as const).filter(([, value]) => value !== 0);

/**
 * What rounding the coefficients and the bound of a condition to doubles can change: two units in the last place of each,
 * which are at most 2⁻⁵¹ of it, or two denormal numbers. The factor leaves room for the rounding of the sum.
 */
export function slackOf({ coefficients, bound }: Inequality, sizes: Float64Array): number {
  const ulps = (v: number) => Math.abs(v) * 2 ** -48 + 4 * Number.MIN_VALUE;
  let total = ulps(bound);
  for (const [i, c] of coefficients.entries()) if (c !== 0) total += ulps(c) * sizes[i];
  return up(total);
}

/**
 * Proves that no input in the boxes of a property violates it, in real arithmetic and for every real number of the
 * boxes: each case has a condition that holds nowhere. Tries one method after the other on what is still open.
 */
export async function* prove(
  crown: Crown,
  property: Property,
  { seconds, now, signal, evaluation, upTo = "branching" }: ProveOptions,
): AsyncGenerator<ProofEvent, void> {
  const started = now();
  const elapsed = () => now() - started;
  const isOver = () => signal?.aborted === true || elapsed() >= seconds;
  requireFit(crown, property);
  let used: Stage = "crown-ibp";
  let worst = Number.POSITIVE_INFINITY;
  let remaining = 0;
  for (const cases of byBox(property)) {
    const left = () => seconds - elapsed();
    const prover = new BoxProver(crown, cases, { isOver, left, now, evaluation });
    for (const stage of stages.slice(0, stages.indexOf(upTo) + 1)) {
      if (prover.open.length === 0 || isOver()) break;
      await prover.run(stage);
      if (stages.indexOf(stage) > stages.indexOf(used)) used = stage;
      yield {
        event: "stage",
        stage,
        gap: prover.gap,
        open: prover.open.length,
        seconds: elapsed(),
      };
    }
    remaining += prover.open.length;
    worst = Math.min(worst, prover.gap);
  }
  if (remaining === 0) {
    yield { event: "unsat", stage: used, seconds: elapsed() };
    return;
  }
  let reason: "time" | "methods" | "interrupted" = elapsed() >= seconds ? "time" : "methods";
  if (signal?.aborted === true) reason = "interrupted";
  yield { event: "unknown", reason, gap: worst, open: remaining, seconds: elapsed() };
}

function requireFit({ plan }: Crown, { inputs, outputs }: Property): void {
  const size = ({ shape }: { readonly shape: readonly number[] }) =>
    shape.reduce((product, n) => product * n, 1);
  if (size(plan.input) !== inputs || size(plan.output) !== outputs)
    throw new UsageError(
      `the network has ${size(plan.input)} inputs and ${size(plan.output)} outputs and the property ${inputs} and ${outputs}; they belong to different networks`,
      { code: "misfit" },
    );
}

/** What bounds the work on a box. */
interface Limits extends Pick<ProveOptions, "evaluation" | "now"> {
  readonly isOver: () => boolean;
  /** The seconds that are left. */
  readonly left: () => number;
}

/** The cases of one box and what is known about the network on it. */
class BoxProver {
  readonly #crown: Crown;
  readonly #region: { readonly lower: Float64Array; readonly upper: Float64Array };
  readonly #limits: Limits;
  #state: RegionState | undefined;
  /** The cases that are not disproved yet. */
  open: readonly Open[];

  constructor(crown: Crown, cases: readonly Open[], limits: Limits) {
    this.#crown = crown;
    this.#region = regionOf(cases[0].case);
    this.#limits = limits;
    this.open = cases;
  }

  /** The least excess that an open case may have; +∞ if none is open. */
  get gap(): number {
    return Math.min(Number.POSITIVE_INFINITY, ...this.open.map(({ excess }) => excess));
  }

  async run(stage: Stage): Promise<void> {
    const crown = this.#crown;
    const { output } = crown.plan;
    const { isOver: stop, evaluation } = this.#limits;
    const earlier = earlierBoundsOf(crown);
    if (stage === "crown-ibp")
      this.#state = await crown.analyse(this.#region, {
        evaluation,
        walks: false,
        known: earlier.find(this.#region, evaluation),
      });
    if (stage === "crown")
      this.#state = await crown.analyse(this.#region, {
        evaluation,
        known: this.#state,
        bounds: untilStopped(stop, (part, node, rows) => crown.lowerBounds(part, node, rows)),
      });
    if (stage === "alpha-crown") {
      const options = { iterations: INNER_ITERATIONS, untilPositive: false, stop };
      this.#state = await crown.analyse(this.#region, {
        evaluation,
        known: this.#state,
        bounds: (part, node, rows) => optimizedBounds(crown, part, node, rows, options),
      });
    }
    const state = this.#state as RegionState;
    if (stage === "crown" || stage === "alpha-crown") earlier.add(state, evaluation);
    if (stage === "branching") {
      await this.#branch(state);
      return;
    }
    const rows = this.open.flatMap((one) => one.case.conditions.map(rowOf));
    if (stage === "crown-ibp" || stage === "crown")
      this.#settle(state, await crown.lowerBounds(state, output, rows));
    else
      this.#settle(
        state,
        await optimizedBounds(crown, state, output, rows, {
          iterations: LAST_ITERATIONS,
          untilPositive: false,
          stop,
        }),
      );
  }

  /** Splits the box for all open cases, on the condition of each that came closest so far. */
  async #branch(state: RegionState): Promise<void> {
    const { output } = this.#crown.plan;
    const sizes = magnitude(state.interval(output));
    const cases = this.open.filter((one) => one.case.conditions.length > 0);
    const goals: Goal[] = [];
    for (const one of cases) {
      const { conditions } = one.case;
      const rows = conditions.map(rowOf);
      const bounds = await this.#crown.lowerBounds(state, output, rows);
      const limits = conditions.map((c) => up(up(c.bound + slackOf(c, sizes))));
      let best = 0;
      for (let i = 1; i < rows.length; i++)
        if (bounds[i] - limits[i] > bounds[best] - limits[best]) best = i;
      goals.push({ row: rows[best], limit: limits[best] });
    }
    const crown = this.#crown;
    const { isOver, now } = this.#limits;
    const until = now() + FIXED_SHARE[crown.plan.type] * this.#limits.left();
    const isEnough = () => isOver() || now() > until;
    const { gaps } = await branchAndBound(crown, state, goals, isEnough);
    const isOpen = (i: number): boolean => gaps[i] !== Number.POSITIVE_INFINITY;
    const open = goals.filter((_, i) => isOpen(i));
    const isRefined = open.length > 0 && (await refinedBranching(crown, state, open, isOver));
    for (const [i, one] of cases.entries())
      one.excess = isRefined || !isOpen(i) ? Number.MIN_VALUE : Math.min(0, gaps[i]);
    this.open = this.open.filter(({ excess }) => !(excess > 0));
  }

  /** Takes lower bounds of all conditions of the open cases, and drops the cases with one above its limit. */
  #settle(state: RegionState, bounds: Float64Array): void {
    const sizes = magnitude(state.interval(this.#crown.plan.output));
    let at = 0;
    for (const one of this.open)
      for (const condition of one.case.conditions) {
        const excess = down(down(bounds[at++] - condition.bound) - slackOf(condition, sizes));
        if (excess > one.excess) one.excess = excess;
      }
    this.open = this.open.filter(({ excess }) => !(excess > 0));
  }
}
