import { fold, type Key, keyOf, keysFor, nameToNumber } from "../math/random.ts";

/** What training draws. Each has its own stream, so that changing one leaves the others alone. */
export type Purpose =
  | "initial"
  | "subset"
  | "shuffle"
  | "augment"
  | "objective"
  | "dropout"
  | "check";

const stream = (seed: number, purpose: Purpose): Key =>
  fold(fold(keyOf(seed), nameToNumber("train")), nameToNumber(purpose));

/** The key of something drawn once per run. */
export const runKey = (seed: number, purpose: "initial" | "subset"): Key => stream(seed, purpose);

/** The key of something drawn once per epoch. */
export const epochKey = (seed: number, purpose: "shuffle", epoch: number): Key =>
  fold(stream(seed, purpose), epoch);

/** One key per example: it depends on the epoch and the example's index, never on its batch. */
export const exampleKeys = (
  seed: number,
  purpose: "augment" | "objective" | "dropout" | "check",
  epoch: number,
  indices: readonly number[],
): Key[] => keysFor(fold(stream(seed, purpose), epoch), indices);
