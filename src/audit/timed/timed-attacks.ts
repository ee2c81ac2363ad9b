// The attacks of an audit with a time limit instead of a budget.
import { timedAdaptive } from "../../attacks/timed-adaptive.ts";
import type { BoundedAttack } from "../../attacks/victim.ts";
import type { CustomAttacks } from "../../evaluate/runs.ts";
import { UsageError } from "../../math/usage-error.ts";
import { type AuditOptions, attackedNorms, searchedNorms } from "../options.ts";
import { type Convergence, convergenceOf } from "./convergence.ts";
import { withBall } from "./stored-convergence.ts";

/** The share of the time after which the attacks end, and after which the searches for smallest radii end; diagnostics follow. */
const [ATTACKS, SEARCHES] = [0.8, 0.9];
const MINUTE = 60_000;

/** Attacks that divide the minutes among the balls, and their progress. */
export interface TimedAttacks {
  readonly attacks: CustomAttacks;
  /** One entry per ball whose attack has run, in the order of the attacks. */
  readonly convergence: readonly Convergence[];
  /** Starts the clock. The first attack starts it otherwise. */
  start(): void;
  /** For each of several searches that begin now whether its time is up; they share out what the attacks left. */
  searchLimits(searches: number): readonly (() => boolean)[];
  /** Seconds that are left; negative if the time is exceeded. */
  secondsLeft(): number;
}

/** What a stopped audit knows, and where a new one stores it. */
export interface KeptConvergence {
  readonly before: readonly Convergence[];
  /** Called with all balls so far once the attack in one of them has ended, before its rows are written. */
  readonly store: (balls: readonly Convergence[]) => Promise<void>;
}

/** The facts that decide whether the attacks of an audit can be timed. */
export interface TimedRequest {
  /** Images of the test split. */
  readonly images: number;
  /** The model's noise; null for a deterministic model. */
  readonly noise: string | null;
  /** Whether other processes attack. */
  readonly shared: boolean;
}

const nothingKept: KeptConvergence = { before: [], store: async () => undefined };

/** Throws `UsageError` for an audit whose attacks cannot have a time limit. */
function requireTimed(budget: string, { noise, shared }: TimedRequest): void {
  const refuse = (problem: string) => {
    throw new UsageError(problem, { code: "bad-option" });
  };
  if (budget !== "standard")
    refuse(`--minutes and --budget ${budget} both set the length of the attacks; give one`);
  if (noise !== null)
    refuse(
      `--minutes attacks deterministic models, and this one has noise ${noise}; use --budget quick`,
    );
  if (shared)
    refuse("--minutes attacks in one process; leave out --workers and --queue, or use --budget");
}

/**
 * The timed attack in every ball of an audit; null if the audit has a budget. The first ball gets its part of the time.
 * Each later ball gets the time until its part ends, so it also gets what earlier balls left unused. A resumed audit gives no time
 * to the balls before the first one that it attacks. `now` is a clock in milliseconds. Throws `UsageError` where attacks cannot be
 * timed.
 */
export function timedAttacks(
  options: AuditOptions,
  request: TimedRequest,
  now: () => number = () => performance.now(),
  { before, store }: KeptConvergence = nothingKept,
): TimedAttacks | null {
  const { minutes } = options;
  if (minutes === undefined) return null;
  requireTimed(options.budget, request);
  if (attackedNorms(options).includes("l0"))
    throw new UsageError(
      "--minutes has no timed attack in ℓ0; leave out --epsilon-l0, or use --budget quick",
      { code: "bad-option" },
    );
  const images = Math.min(options.examples, request.images);
  const radii = { linf: options.epsilonLinf, l2: options.epsilonL2, l1: options.epsilonL1 };
  const balls = searchedNorms(options).flatMap((norm) =>
    [...new Set(radii[norm])].map((epsilon) => ({ norm, epsilon })),
  );
  let convergence = before;
  const attacks = new Map<string, BoundedAttack[]>();
  const part = (ATTACKS * minutes * MINUTE) / balls.length;
  let first: number | null = null;
  let started: number | null = null;
  const elapsed = () => {
    started ??= now();
    return now() - started;
  };
  for (const [i, ball] of balls.entries()) {
    const attack = timedAdaptive({
      norm: ball.norm,
      epsilon: ball.epsilon,
      batch: options.batch,
      options: { norm: ball.norm, epsilon: ball.epsilon, minutes, share: 1 / balls.length },
      isOver() {
        first ??= i;
        return elapsed() >= part * (i + 1 - first);
      },
      async onProgress(progress, finished) {
        const reached = Object.assign(convergenceOf(ball, progress, images), { finished });
        convergence = withBall(convergence, reached);
        await store(convergence);
      },
    });
    const others = attacks.get(attack.name) ?? [];
    attacks.set(attack.name, others.concat(attack));
  }
  return {
    attacks,
    get convergence() {
      return convergence;
    },
    start() {
      elapsed();
    },
    searchLimits(searches) {
      const begun = elapsed();
      const all = Math.max(0, SEARCHES * minutes * MINUTE - begun);
      return Array.from(
        { length: searches },
        (_, i) => () => elapsed() >= begun + (all * (i + 1)) / searches,
      );
    },
    secondsLeft: () => (minutes * MINUTE - elapsed()) / 1000,
  };
}
