// The loss of the mean of draws apart from the network, for networks that cannot run the draws of an example together.
import { gradient } from "../engine/autodiff/gradient.ts";
import { input, sum } from "../engine/graph/ops.ts";
import type { Program, Runtime } from "../engine/runtime/runtime.ts";
import { type LossData, lossGraph, lossWeights } from "../losses/graph.ts";
import { rowSize, type Tensor } from "../math/tensor.ts";

/** What a loss makes of logits that are known already. */
export interface LossOfLogits {
  /** Losses [examples] of logits [rows, classes], and ∂(Σ losses)/∂logits [rows, classes]. */
  of(loss: LossData, logits: Tensor): Promise<{ losses: Float32Array; slopes: Tensor }>;
  release(): Promise<void>;
}

/** Losses of logits by graphs of their own, compiled when they are first needed. */
export function lossOfLogits(runtime: Runtime): LossOfLogits {
  const programs = new Map<string, Promise<Program>>();
  function program(loss: LossData, rows: number, classes: number): Promise<Program> {
    const { name, draws, losses } = lossGraph(loss);
    const key = `${name}:${rows}`;
    const before = programs.get(key);
    if (before !== undefined) return before;
    const z = input("z", [rows, classes]);
    const values = losses(z, input("weights", [rows / draws, classes]));
    const [slopes] = gradient(sum(values), [z]);
    const made = runtime.compile({ losses: values, slopes });
    programs.set(key, made);
    return made;
  }
  return {
    async of(loss, logits) {
      const classes = rowSize(logits);
      const run = await program(loss, logits.shape[0], classes);
      const found = await run.run({ z: logits, weights: lossWeights(loss, classes) });
      return { losses: found.losses.data as Float32Array, slopes: found.slopes as Tensor };
    },
    async release() {
      const all = await Promise.all(programs.values());
      programs.clear();
      await Promise.all(all.map((one) => one.release()));
    },
  };
}
