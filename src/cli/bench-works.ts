// The pieces of work that speed is measured on, each by the library's own way of doing it.

import { carliniWagner, expectation, pgdAccuracy } from "./bench-evaluation.ts";
import { frozenGradient } from "./bench-gradient.ts";
import { adversarialTraining, standardTraining } from "./bench-training.ts";
import type { Work } from "./bench-work.ts";

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
