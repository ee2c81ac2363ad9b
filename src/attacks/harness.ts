// The harness, not the attack, says what the attack achieved.
import type { Key } from "../math/random.ts";
import { add, clamp, rowSize, sub, type Tensor } from "../math/tensor.ts";
import { balls } from "./balls.ts";
import { checkEpsilon, checkInputs } from "./preconditions.ts";
import type { BoundedAttack, Labels, Victim } from "./victim.ts";

/** Passes through a network, counted in examples: one `lossAndGradient` of 8 examples is 8 forwards and 8 gradients. */
export interface Queries {
  readonly forwards: number;
  readonly gradients: number;
}

/** A victim that counts what it is asked. Wrap the network itself and each draw of an EOT is counted. */
export interface CountedVictim extends Victim {
  queries(): Queries;
}

/** The same victim, counting. */
export function counted(victim: Victim): CountedVictim {
  let forwards = 0;
  let gradients = 0;
  return {
    logits(x, keys) {
      forwards += keys.length;
      return victim.logits(x, keys);
    },
    lossAndGradient(x, loss, keys) {
      forwards += keys.length;
      gradients += keys.length;
      return victim.lossAndGradient(x, loss, keys);
    },
    queries: () => ({ forwards, gradients }),
  };
}

/** What an attack returned, after it was put where it had to be. */
export interface BoundedResult {
  /** In the ball around x and in [0, 1], up to float32 rounding, whatever the attack returned. */
  readonly adversarial: Tensor;
  /** Per example, whether what the attack returned was outside (by more than rounding: 1e-6) and had to be moved. */
  readonly moved: readonly boolean[];
  /** Per example, norms of adversarial − x, pixels in [0, 1]. */
  readonly linf: readonly number[];
  readonly l2: readonly number[];
  readonly l1: readonly number[];
  /** Asked of `victim` for the whole batch. */
  readonly queries: Queries;
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
  const raw = await attack.perturb(counting, x, labels, keys);
  if (raw.data.length !== x.data.length || raw.data.some(Number.isNaN))
    throw new Error(
      `${attack.name} returned shape [${raw.shape.join(", ")}]${raw.data.some(Number.isNaN) ? " with NaN" : ""} ` +
        `for x of shape [${x.shape.join(", ")}]`,
    );
  const ball = balls[attack.norm];
  const adversarial = clamp(add(x, ball.project(sub(clamp(raw, 0, 1), x), attack.epsilon)), 0, 1);
  const delta = sub(adversarial, x);
  const shift = balls.linf.norm(sub(raw, adversarial));
  return {
    adversarial,
    moved: shift.map((distance) => distance > 1e-6),
    linf: balls.linf.norm(delta),
    l2: balls.l2.norm(delta),
    l1: l1Norm(delta),
    queries: counting.queries(),
  };
}

function l1Norm(delta: Tensor): number[] {
  const row = rowSize(delta);
  return Array.from({ length: delta.shape[0] ?? 0 }, (_, i) =>
    delta.data.subarray(i * row, (i + 1) * row).reduce((sum, v) => sum + Math.abs(v), 0),
  );
}
