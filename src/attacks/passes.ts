// How many passes through the network an attack takes, to estimate what it costs.

import type { Attack, Passes } from "./victim.ts";

/** How often an attack repeats its steps for an image. `targets` counts only for losses that aim at a class. */
function repetitionsOf({ options }: Attack): number {
  const { restarts, targets, searches, classes, loss } = options;
  const isTargeted = loss === undefined || loss === "t";
  const factors = [restarts, isTargeted ? targets : undefined, searches, classes];
  return factors.reduce((product: number, one) => product * Number(one ?? 1), 1);
}

/**
 * The passes of an attack for one image, at most: those that it states, or those of its options `steps` and `queries`. Attacks
 * stop early on images that break. An attack without such options counts as one without passes.
 */
export function passesOf(attack: Attack): Passes {
  if (attack.passes !== undefined) return attack.passes;
  const { steps, queries } = attack.options;
  const repetitions = repetitionsOf(attack);
  return {
    gradients: Number(steps ?? 0) * repetitions,
    forwards: Number(queries ?? 0) * repetitions,
  };
}

/** The passes of several attacks, one after the other. */
export function sumOfPasses(all: readonly Passes[]): Passes {
  const sum = (kind: keyof Passes) => all.reduce((total, passes) => total + passes[kind], 0);
  return { gradients: sum("gradients"), forwards: sum("forwards") };
}
