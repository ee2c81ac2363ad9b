// Runs attacks. The harness, not the attack, measures the result.
import { badPlugin, type PluginDefinition, requireResult } from "../math/plugin.ts";
import type { Key } from "../math/random.ts";
import { clamp, sub, type Tensor } from "../math/tensor.ts";
import { balls } from "./balls.ts";
import { distancesOf, projectExactly } from "./exact-projection.ts";
import { withFiniteValues } from "./finite.ts";
import { checkEpsilon, checkInputs } from "./preconditions.ts";
import type { Attack, BoundedAttack, Labels, MinimalAttack, Victim } from "./victim.ts";

/** Passes through a network, counted per example: one `lossAndGradient` of 8 examples is 8 forwards and 8 gradients. */
export interface Queries {
  readonly forwards: number;
  readonly gradients: number;
}

/** A victim that counts queries. Wrapped around the network itself, it counts each draw of EOT. */
export interface CountedVictim extends Victim {
  queries(): Queries;
}

/** Counts the queries to a victim, and replaces slopes that are not finite by 0 (see `withFiniteValues`). */
export function counted(victim: Victim): CountedVictim {
  let forwards = 0;
  let gradients = 0;
  return {
    logits(x, keys, hints) {
      forwards += keys.length;
      return victim.logits(x, keys, hints);
    },
    async lossAndGradient(x, loss, keys, hints) {
      forwards += keys.length;
      gradients += keys.length;
      return withFiniteValues(await victim.lossAndGradient(x, loss, keys, hints));
    },
    queries: () => ({ forwards, gradients }),
  };
}

/** The result of a bounded attack, projected and measured. */
export interface BoundedResult {
  /** [batch, ...pixels] in [0, 1], and for a bounded attack in the ball around x exactly (see `projectExactly`). */
  readonly adversarial: Tensor;
  /** Whether the attack returned a point outside the ball or [0, 1] by more than 1e-6, [batch]. */
  readonly moved: readonly boolean[];
  /** ℓ∞ norms of adversarial − x in double precision, for pixels in [0, 1], [batch]. */
  readonly linf: readonly number[];
  /** ℓ2 norms of the same, [batch]. */
  readonly l2: readonly number[];
  /** ℓ1 norms of the same, [batch]. */
  readonly l1: readonly number[];
  /** ℓ0 norms of the same, in pixels with all their channels, [batch]. */
  readonly l0: readonly number[];
  /** Queries to the victim for the whole batch. */
  readonly queries: Queries;
  /** The member of an ensemble that broke the example, [batch]; null if none did, and for other attacks. */
  readonly members: readonly (string | null)[];
}

/** The result of a minimum-norm attack; `found` [batch] is the attack's own claim of success. */
export interface MinimalResult extends Omit<BoundedResult, "members"> {
  readonly found: readonly boolean[];
}

/**
 * Runs a bounded attack on x [batch, ...pixels], projects its result onto the ball and [0, 1], and measures it. The caller judges
 * success, on fresh keys. Throws `UsageError` for images, labels or radii that do not fit, and with the code `bad-plugin` for a
 * result of another shape or with NaN.
 */
export async function runBounded(
  attack: BoundedAttack,
  victim: Victim,
  x: Tensor,
  labels: Labels,
  keys: readonly Key[],
): Promise<BoundedResult> {
  checkInputs(x, labels, keys);
  checkEpsilon(attack.norm, attack.epsilon, x.shape.slice(1));
  const counting = counted(victim);
  const members: (string | null)[] = labels.map(() => null);
  const onBroken = (example: number, member: string) => {
    members[example] = member;
  };
  const raw = await attack.perturb(counting, x, labels, keys, onBroken);
  requireResult(definitionOf(attack), "perturb", raw, x.shape);
  const projected = projectExactly(raw, x, attack.norm, attack.epsilon);
  return { ...measured(raw, projected, x), members, queries: counting.queries() };
}

/** Runs a minimum-norm attack on x [batch, ...pixels], clips its result to [0, 1], and measures it; see `runBounded`. */
export async function runMinimal(
  attack: MinimalAttack,
  victim: Victim,
  x: Tensor,
  labels: Labels,
  keys: readonly Key[],
): Promise<MinimalResult> {
  checkInputs(x, labels, keys);
  const counting = counted(victim);
  const { adversarial: raw, found } = await attack.minimize(counting, x, labels, keys);
  requireResult(definitionOf(attack), "minimize", raw, x.shape);
  if (found.length !== labels.length)
    throw badPlugin(
      definitionOf(attack),
      `reported on ${found.length} examples out of ${labels.length}`,
    );
  return { ...measured(raw, clamp(raw, 0, 1), x), found, queries: counting.queries() };
}

/** The attack's name in errors. Only attacks that are not built in should give wrong results. */
const definitionOf = ({ name }: Attack): PluginDefinition => ({ type: "attack", name });

/** Measures the projected result; `raw` is the attack's return value. */
function measured(
  raw: Tensor,
  adversarial: Tensor,
  x: Tensor,
): Omit<BoundedResult, "queries" | "members"> {
  return {
    adversarial,
    moved: balls.linf.norm(sub(raw, adversarial)).map((distance) => distance > 1e-6),
    linf: distancesOf(adversarial, x, "linf"),
    l2: distancesOf(adversarial, x, "l2"),
    l1: distancesOf(adversarial, x, "l1"),
    l0: distancesOf(adversarial, x, "l0"),
  };
}
