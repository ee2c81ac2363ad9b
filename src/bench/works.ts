// The pieces of work that speed is measured on, each by the library's own way of doing it.

import { carliniWagner, expectation, pgdAccuracy } from "./evaluation.ts";
import { frozenGradient } from "./gradient.ts";
import { adversarialTraining, standardTraining } from "./training.ts";
import type { Work } from "./work.ts";

/** Kinds of work by name. */
export const works = {
  gradient: frozenGradient,
  train: standardTraining,
  "at-train": adversarialTraining,
  "pgd-accuracy": pgdAccuracy,
  cw: carliniWagner,
  eot: expectation,
} as const satisfies Readonly<Record<string, Work>>;

/** The name of a kind of work. */
export type WorkName = keyof typeof works;

/** All names. */
export const workNames = Object.keys(works) as WorkName[];
