// Accuracy on validation images, clean and under the attacks that a defence is made for.
import { runBounded } from "../attacks/harness.ts";
import { epsilonOption, normOfAttack } from "../attacks/table.ts";
import type { BoundedAttack, Norm, Victim } from "../attacks/victim.ts";
import type { Split } from "../data/dataset.ts";
import { innerAttack } from "../defenses/inner-attack.ts";
import { attacksInNorms } from "../defenses/several-norms.ts";
import type { Defense } from "../defenses/table.ts";
import { withNoise } from "../defenses/with-noise.ts";
import { foldAll, type Key } from "../math/random.ts";
import { argmaxRows, type Tensor, takeRows } from "../math/tensor.ts";
import type { ResolvedOptions } from "./options.ts";

/** Images per run. */
const BATCH = 128;

/** Shares of the validation images. */
export interface Accuracy {
  /** Classified correctly. */
  readonly clean: number;
  /** Classified correctly, also under every attack. */
  readonly robust: number;
}

const NORMS: readonly Norm[] = ["linf", "l2", "l1"];

/** Steps of the attacks; PGD-5 suffices to see a one-step defence collapse. */
const STEPS = 10;
const FAST_STEPS = 5;

/** Whether a defence trains on attacks of one step, which can overfit catastrophically (Wong et al. 2020, arXiv:2001.03994, §5). */
export const isOneStep = ({ objective }: Pick<Defense, "objective">): boolean =>
  objective.oneStep === true;

/** An attack of training with at least as many steps as the check needs: a network can learn to stop an attack of few steps only. */
function withEnoughSteps(attack: BoundedAttack): BoundedAttack {
  const { name, norm, epsilon, options } = attack;
  if (
    typeof options.steps !== "number" ||
    options.steps >= STEPS ||
    normOfAttack(name) === undefined
  )
    return attack;
  return innerAttack(name, { [epsilonOption[norm]]: epsilon, steps: STEPS, apgdSteps: STEPS });
}

/** The norms that a defence trains in: those that it lists, or else all whose radii are among its options. */
function normsOf(own: Readonly<Record<string, unknown>>): Norm[] {
  const { norms } = own;
  const listed = typeof norms === "string" ? norms.split(",") : NORMS;
  return NORMS.filter((norm) => listed.includes(norm) && epsilonOption[norm] in own);
}

/**
 * The attacks that choose a checkpoint: those that the defence trains with, with 10 steps or more; otherwise attacks in the
 * norms that it trains in, within its radii. None for a defence without any, which is then chosen by its accuracy under its own
 * noise.
 */
export function validationAttacks(defense: Defense, options: ResolvedOptions): BoundedAttack[] {
  if (defense.attacks.length > 0) return defense.attacks.map(withEnoughSteps);
  const own = defense.options ?? {};
  const norms = normsOf(own).join(",");
  if (norms === "") return [];
  const radius = (norm: Norm) => {
    const value = own[epsilonOption[norm]];
    return typeof value === "number" ? value : options[epsilonOption[norm]];
  };
  return [
    ...attacksInNorms({
      norms,
      epsilonLinf: radius("linf"),
      epsilonL2: radius("l2"),
      epsilonL1: radius("l1"),
      steps: isOneStep(defense) ? FAST_STEPS : STEPS,
    }),
  ];
}

/** The accuracy on the images of `split`, each with one draw of the defence's noise per look. `keysOf` gives their keys. */
export async function validate(
  network: Victim,
  { noise }: Defense,
  attacks: readonly BoundedAttack[],
  split: Split,
  keysOf: (indices: readonly number[]) => readonly Key[],
): Promise<Accuracy> {
  const victim = noise === null ? network : withNoise(network, noise);
  let [clean, robust] = [0, 0];
  for (let from = 0; from < split.size; from += BATCH) {
    const count = Math.min(BATCH, split.size - from);
    const indices = Array.from({ length: count }, (_, i) => from + i);
    let batch: Examples = {
      x: split.images(indices),
      labels: indices.map((index) => split.labels[index]),
      keys: keysOf(indices),
    };
    batch = await survivors(victim, batch, batch.x);
    clean += batch.labels.length;
    for (const [i, attack] of attacks.entries()) {
      if (batch.labels.length === 0) break;
      const { x, labels, keys } = batch;
      const found = await runBounded(attack, victim, x, labels, foldAll(keys, i));
      batch = await survivors(victim, batch, found.adversarial);
    }
    robust += batch.labels.length;
  }
  return { clean: clean / split.size, robust: robust / split.size };
}

interface Examples {
  readonly x: Tensor;
  readonly labels: readonly number[];
  readonly keys: readonly Key[];
}

/** The examples whose images in `seen` are classified correctly. */
async function survivors(victim: Victim, all: Examples, seen: Tensor): Promise<Examples> {
  const predicted = argmaxRows(await victim.logits(seen, foldAll(all.keys, 99)));
  const right = all.labels.flatMap((label, i) => (predicted[i] === label ? [i] : []));
  return {
    x: takeRows(all.x, right),
    labels: right.map((i) => all.labels[i]),
    keys: right.map((i) => all.keys[i]),
  };
}
