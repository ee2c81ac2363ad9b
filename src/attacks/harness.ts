// The harness, not the attack, says what the attack achieved.
import type { Key } from "../math/random.ts";
import { clamp, rowSize, sub, type Tensor } from "../math/tensor.ts";
import { balls } from "./balls.ts";
import { withFiniteGradient } from "./finite.ts";
import { distancesOf, insideBall } from "./inside-ball.ts";
import { checkEpsilon, checkInputs } from "./preconditions.ts";
import type { Attack, BoundedAttack, Labels, MinimalAttack, Victim } from "./victim.ts";

/** Passes through a network, counted in examples: one `lossAndGradient` of 8 examples is 8 forwards and 8 gradients. */
export interface Queries {
  readonly forwards: number;
  readonly gradients: number;
}

/** A victim that counts what it is asked. Wrap the network itself and each draw of an EOT is counted. */
export interface CountedVictim extends Victim {
  queries(): Queries;
}

/** The same victim, counting; an attack meets no gradient that is not finite. */
export function counted(victim: Victim): CountedVictim {
  let forwards = 0;
  let gradients = 0;
  return {
    logits(x, keys) {
      forwards += keys.length;
      return victim.logits(x, keys);
    },
    async lossAndGradient(x, loss, keys, over) {
      forwards += keys.length;
      gradients += keys.length;
      return withFiniteGradient(await victim.lossAndGradient(x, loss, keys, over));
    },
    prefetch: (keys, shape) => victim.prefetch?.(keys, shape),
    queries: () => ({ forwards, gradients }),
  };
}

/** What an attack returned, after it was put where it had to be. */
export interface BoundedResult {
  /** In [0, 1], and of a bounded attack in the ball around x exactly (see `insideBall`), whatever the attack returned. */
  readonly adversarial: Tensor;
  /** Per example, whether what the attack returned was outside (by more than rounding: 1e-6) and had to be moved. */
  readonly moved: readonly boolean[];
  /** Per example, norms of adversarial − x in double precision, pixels in [0, 1]. */
  readonly linf: readonly number[];
  readonly l2: readonly number[];
  readonly l1: readonly number[];
  /** Asked of `victim` for the whole batch. */
  readonly queries: Queries;
  /** Per example, the member of an ensemble whose work it is; null of other attacks, and where no member succeeded. */
  readonly members: readonly (string | null)[];
}

/** The same of a minimum-norm attack, with the attack's own word on whether it found anything. */
export interface MinimalResult extends Omit<BoundedResult, "members"> {
  readonly found: readonly boolean[];
}

/** Runs the attack, clips its result to the ball and the box, and measures it. Success is judged by the caller, on fresh keys. */
export async function runBounded(
  attack: BoundedAttack,
  victim: Victim,
  x: Tensor,
  labels: Labels,
  keys: readonly Key[],
): Promise<BoundedResult> {
  checkInputs(x, labels, keys);
  checkEpsilon(attack.norm, attack.epsilon, rowSize(x));
  const counting = counted(victim);
  const members: (string | null)[] = labels.map(() => null);
  const told = (example: number, member: string) => {
    members[example] = member;
  };
  const raw = await attack.perturb(counting, x, labels, keys, told);
  checkReturned(attack, raw, x);
  const allowed = insideBall(raw, x, attack.norm, attack.epsilon);
  return { ...measured(raw, allowed, x), members, queries: counting.queries() };
}

/** Runs the attack, clips its result to the box, and measures it: nothing bounds its norm. The caller judges its success. */
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
  checkReturned(attack, raw, x);
  if (found.length !== labels.length)
    throw new Error(`${attack.name} reported on ${found.length} examples, got ${labels.length}`);
  return { ...measured(raw, clamp(raw, 0, 1), x), found, queries: counting.queries() };
}

function checkReturned({ name }: Attack, raw: Tensor, x: Tensor): void {
  if (raw.data.length !== x.data.length || raw.data.some(Number.isNaN))
    throw new Error(
      `${name} returned shape [${raw.shape.join(", ")}]${raw.data.some(Number.isNaN) ? " with NaN" : ""} ` +
        `for x of shape [${x.shape.join(", ")}]`,
    );
}

/** What was returned and what is allowed of it, as distances. */
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
  };
}
