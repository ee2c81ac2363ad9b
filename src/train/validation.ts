// Accuracy on validation images, clean and under the attacks that a defence is made for.
import { runBounded } from "../attacks/harness.ts";
import { epsilonOption, normOfAttack } from "../attacks/table.ts";
import type { BoundedAttack, Norm, Victim } from "../attacks/victim.ts";
import type { Split } from "../data/dataset.ts";
import { innerAttack } from "../defenses/inner-attack.ts";
import { attacksInNorms, SeveralNorms } from "../defenses/several-norms.ts";
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

/** Whether an attack is of our table. Those of others keep their steps, whose meaning is not known. */
const isOurs = ({ name }: BoundedAttack): boolean => normOfAttack(name) !== undefined;

const takesOneStep = (attack: BoundedAttack): boolean =>
  attack.options.steps === 1 && isOurs(attack);

/**
 * Whether a defence trains on attacks of one step, which can overfit catastrophically (Wong et al. 2020, arXiv:2001.03994, §5):
 * by its nature, or since its options ask for one.
 */
export const isOneStep = ({
  objective,
  attacks,
}: Pick<Defense, "objective" | "attacks">): boolean =>
  objective.oneStep === true || attacks.some(takesOneStep);

/** The attack in the norm of another and within its radius that shows whether training on one step has failed. */
function watching(attack: BoundedAttack): readonly BoundedAttack[] {
  const { norm, epsilon } = attack;
  if (!NORMS.some((known) => known === norm)) return [attack];
  const radius = { [epsilonOption[norm]]: epsilon };
  return attacksInNorms(
    SeveralNorms.parse(Object.assign(radius, { norms: norm, steps: FAST_STEPS })),
  );
}

/**
 * What an attack of training becomes in a check. It has as many steps as the check needs: a network can learn to stop an attack
 * of few steps only.
 */
function checkedBy(attack: BoundedAttack, { objective }: Defense): readonly BoundedAttack[] {
  const { name, norm, epsilon, options } = attack;
  if (takesOneStep(attack)) return watching(attack);
  if (!isOurs(attack)) return objective.oneStep ? [attack, ...watching(attack)] : [attack];
  if (typeof options.steps !== "number" || options.steps >= STEPS) return [attack];
  const radius = { [epsilonOption[norm]]: epsilon };
  return [innerAttack(name, Object.assign(radius, { steps: STEPS, apgdSteps: STEPS }))];
}

/** The norms that a defence trains in: those that it lists, or else all whose radii are among its options. */
function normsOf(own: Readonly<Record<string, unknown>>): Norm[] {
  const { norms } = own;
  const listed = typeof norms === "string" ? norms.split(",") : NORMS;
  return NORMS.filter((norm) => listed.includes(norm) && epsilonOption[norm] in own);
}

/**
 * The attacks that choose a checkpoint: those that the defence trains with, with 10 steps or more, or PGD with 5 in place of
 * those with one; otherwise attacks in the norms that it trains in, within its radii. None for a defence without any, which is
 * then chosen by its accuracy under its own noise.
 */
export function validationAttacks(defense: Defense, options: ResolvedOptions): BoundedAttack[] {
  if (defense.attacks.length > 0)
    return defense.attacks.flatMap((attack) => checkedBy(attack, defense));
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
