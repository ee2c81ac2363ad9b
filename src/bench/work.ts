// What speed is measured on: a piece of work, and what it gives.

import type { Runtime } from "../engine/runtime/runtime.ts";
import type { Tensor } from "../math/tensor.ts";
import type { Effort, Kind, Task } from "./task.ts";

/** What a piece of work gives, as far as it does: for comparing with another implementation. */
export interface Numbers {
  /** Mean over the batch. */
  readonly loss?: number;
  /** The gradient, or the optimiser's velocities. */
  readonly arrays?: Readonly<Record<string, Tensor>>;
  /** Per image, the share of decisions that are right before and after the attack. */
  readonly clean?: readonly number[];
  readonly correct?: readonly number[];
  /** Per image, the perturbation's length. */
  readonly l2?: readonly number[];
}

/** One kind of work, open: compiled, its memory taken. */
export interface OpenWork {
  /** Does it once. */
  step(): Promise<Numbers>;
  release(): Promise<void>;
}

/** A kind of work, its cost, and how to begin it. */
export interface Work {
  readonly title: string;
  readonly kind: Kind;
  /** How much is done of it by default. */
  effort(batch: number): Effort;
  /** Operations of one step, as the direct algorithms count them; null where they depend on the images. */
  flops(task: Task): number | null;
  open(runtime: Runtime, task: Task): Promise<OpenWork>;
  /** Does it once from the beginning, for its numbers. */
  check(runtime: Runtime, task: Task): Promise<Numbers>;
}
