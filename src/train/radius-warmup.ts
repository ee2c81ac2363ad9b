// Radii that grow during a run, for networks that attacks of full length would overwhelm at first.
import {
  type LossObjective,
  type Objective,
  replacesExamples,
  warmupRefusal,
} from "../defenses/objective.ts";
import type { Defense } from "../defenses/table.ts";

/** Lengths between 0 and the full radius; each makes the defence anew. */
const STAGES = 16;

/** A defence that changes during a run. */
export interface WarmedUp {
  readonly defense: Defense;
  /** Moves on to the radii of a step; `steps` is the number of steps of the run. */
  beforeStep(step: number, steps: number): void;
}

/**
 * Why a defence takes no growing radii, as the end of a sentence; undefined if it does. `make` makes it with radii that are
 * multiplied by a number, which none of its options shows if it has no radii.
 */
export function growthRefusal(make: (scale: number) => Defense): string | undefined {
  const [full, half] = [make(1), make(0.5)];
  if (JSON.stringify(full.options) === JSON.stringify(half.options))
    return "has no radius that --epsilon-linf, --epsilon-l2 or --epsilon-l1 sets, so nothing would grow; leave it out";
  return warmupRefusal(full.objective);
}

/**
 * A defence whose radii grow from 1/16 to their full length over the first `share` of a run. `make` makes it with radii
 * that are multiplied by a number up to 1. The same step always has the same radii, so a resumed run continues in the
 * same way.
 */
export function warmedUp(make: (scale: number) => Defense, share: number): WarmedUp {
  const full = make(1);
  const stages = new Map<number, Defense>([[STAGES, full]]);
  let current = full;
  function stageOf(step: number, steps: number): Defense {
    const done = Math.min(1, (step + 1) / Math.max(1, share * steps));
    const stage = Math.max(1, Math.ceil(done * STAGES));
    const found = stages.get(stage) ?? make(stage / STAGES);
    stages.set(stage, found);
    return found;
  }
  return {
    defense: Object.assign({}, full, { objective: following(full.objective, () => current) }),
    beforeStep(step, steps) {
      current = stageOf(step, steps);
    },
  };
}

/**
 * An objective that acts as that of the current defence. Its loss and its arrays, which are compiled once, know no
 * radius.
 */
function following(
  full: Objective | LossObjective,
  present: () => Defense,
): Objective | LossObjective {
  if (replacesExamples(full))
    return Object.assign({}, full, {
      examples: (...call: Parameters<Objective["examples"]>) =>
        (present().objective as Objective).examples(...call),
    });
  const objective: LossObjective = Object.assign({}, full);
  const now = () => present().objective as LossObjective;
  if (full.feeds !== undefined)
    objective.feeds = (...call) => now().feeds?.(...call) ?? Promise.resolve({});
  if (full.train !== undefined) objective.train = async (batch) => now().train?.(batch);
  return objective;
}
