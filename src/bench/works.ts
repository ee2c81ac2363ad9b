import { carliniWagner, expectation, pgdAccuracy } from "./evaluation.ts";
import { frozenGradient } from "./gradient.ts";
import { adversarialTraining, fastAdversarialTraining, standardTraining } from "./training.ts";
import type { Work } from "./work.ts";

/** Benchmarks by the name of `--work`. */
export const works = {
  gradient: frozenGradient,
  train: standardTraining,
  "at-train": adversarialTraining,
  "fast-at-train": fastAdversarialTraining,
  "pgd-accuracy": pgdAccuracy,
  cw: carliniWagner,
  eot: expectation,
} as const satisfies Readonly<Record<string, Work>>;

/** Name of a benchmark. */
export type WorkName = keyof typeof works;

/** Names of all benchmarks. */
export const workNames = Object.keys(works) as WorkName[];
