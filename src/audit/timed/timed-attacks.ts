// The attacks of an audit with a time limit instead of a budget.
import { timedAdaptive } from "../../attacks/timed-adaptive.ts";
import type { BoundedAttack } from "../../attacks/victim.ts";
import type { CustomAttacks } from "../../evaluate/runs.ts";
import { UsageError } from "../../math/usage-error.ts";
import { type AuditOptions, attackedNorms, searchedNorms } from "../options.ts";
import { type Convergence, convergenceOf } from "./convergence.ts";

/** The share of the time that the attacks may take; diagnostics and searches follow. */
const ATTACKS = 0.8;

/** Attacks that divide the minutes among the balls, and their progress. */
export interface TimedAttacks {
  readonly attacks: CustomAttacks;
  /** One entry per ball whose attack has run, in the order of the attacks. */
  readonly convergence: readonly Convergence[];
}

/** The facts that decide whether the attacks of an audit can be timed. */
export interface TimedRequest {
  /** Images of the test split. */
  readonly images: number;
  /** The model's noise; null for a deterministic model. */
  readonly noise: string | null;
  readonly resume: boolean;
  /** Whether other processes attack. */
  readonly shared: boolean;
}

/** Throws `UsageError` for an audit whose attacks cannot have a time limit. */
function requireTimed(budget: string, { noise, resume, shared }: TimedRequest): void {
  const refuse = (problem: string) => {
    throw new UsageError(problem, { code: "bad-option" });
  };
  if (budget !== "standard")
    refuse(`--minutes and --budget ${budget} both set the length of the attacks; give one`);
  if (noise !== null)
    refuse(
      `--minutes attacks deterministic models, and this one has noise ${noise}; use --budget quick`,
    );
  if (resume)
    refuse(
      "--minutes cannot continue an audit, since its attacks have a time limit; leave out --resume, or use --budget",
    );
  if (shared)
    refuse("--minutes attacks in one process; leave out --workers and --queue, or use --budget");
}

/**
 * The timed attack in every ball of an audit; null if the audit has a budget. The first ball gets its part of the time.
 * Each later ball gets the time until its part ends, so it also gets what earlier balls left unused. `now` is a clock in
 * milliseconds, which starts with the first attack. Throws `UsageError` where attacks cannot be timed.
 */
export function timedAttacks(
  options: AuditOptions,
  request: TimedRequest,
  now: () => number = () => performance.now(),
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
  const convergence: Convergence[] = [];
  const attacks = new Map<string, BoundedAttack[]>();
  let started: number | null = null;
  for (const [i, ball] of balls.entries()) {
    const end = (ATTACKS * minutes * 60_000 * (i + 1)) / balls.length;
    const attack = timedAdaptive({
      norm: ball.norm,
      epsilon: ball.epsilon,
      batch: options.batch,
      options: { norm: ball.norm, epsilon: ball.epsilon, minutes, share: 1 / balls.length },
      isOver() {
        started ??= now();
        return now() - started >= end;
      },
      onProgress(progress, finished) {
        convergence.push(Object.assign(convergenceOf(ball, progress, images), { finished }));
      },
    });
    const others = attacks.get(attack.name) ?? [];
    attacks.set(attack.name, others.concat(attack));
  }
  return { attacks, convergence };
}
