import { fold, type Key, keyOf, keysFor, nameToNumber } from "../math/random.ts";

/**
 * The purposes of random draws in training. Each has its own stream, so that a change in one leaves the others as they
 * are.
 */
export type Purpose =
  | "initial"
  | "subset"
  | "shuffle"
  | "augment"
  | "objective"
  | "dropout"
  | "check"
  | "validation";

const stream = (seed: number, purpose: Purpose): Key =>
  fold(fold(keyOf(seed), nameToNumber("train")), nameToNumber(purpose));

/** The key of a draw per run. */
export const runKey = (seed: number, purpose: "initial" | "subset" | "validation"): Key =>
  stream(seed, purpose);

/** The key of a draw per epoch. */
export const epochKey = (seed: number, purpose: "shuffle", epoch: number): Key =>
  fold(stream(seed, purpose), epoch);

/** One key per example, which depends on the epoch and the example's index but not on its batch. */
export const exampleKeys = (
  seed: number,
  purpose: "augment" | "objective" | "dropout" | "check" | "validation",
  epoch: number,
  indices: readonly number[],
): Key[] => keysFor(fold(stream(seed, purpose), epoch), indices);
