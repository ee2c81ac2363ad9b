// The interface of a benchmark.

import type { Runtime } from "../engine/runtime/runtime.ts";
import type { Tensor } from "../math/tensor.ts";
import type { Effort, Kind, Task } from "./task.ts";

/** Results of a benchmark, for comparison with another implementation. Absent fields do not apply. */
export interface Numbers {
  /** Mean over the batch. */
  readonly loss?: number;
  /** The gradient, or the optimiser's velocities. */
  readonly arrays?: Readonly<Record<string, Tensor>>;
  /** Share of right decisions before the attack, per image. */
  readonly clean?: readonly number[];
  /** Share of right decisions after the attack, per image. */
  readonly correct?: readonly number[];
  /** ℓ2 norm of the perturbation, per image. */
  readonly l2?: readonly number[];
}

/** An open benchmark: compiled, with its memory allocated. */
export interface OpenWork {
  /** Runs it once. */
  step(): Promise<Numbers>;
  release(): Promise<void>;
}

/** A kind of benchmark. */
export interface Work {
  readonly title: string;
  readonly kind: Kind;
  /** Default amount of work at a batch size. */
  effort(batch: number): Effort;
  /** Floating-point operations of one step, counted for direct algorithms; null if they depend on the images. */
  flops(task: Task): number | null;
  open(runtime: Runtime, task: Task): Promise<OpenWork>;
  /** Runs it once from its initial state and returns its results. */
  check(runtime: Runtime, task: Task): Promise<Numbers>;
}
