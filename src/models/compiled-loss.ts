// The loss of logits as programs apart from the network, for networks whose batch cannot hold all draws of an example.
import { gradient } from "../engine/autodiff/gradient.ts";
import { input, sum } from "../engine/graph/ops.ts";
import type { Program, Runtime } from "../engine/runtime/runtime.ts";
import { lossGraph, lossWeights } from "../losses/graph.ts";
import type { Loss } from "../losses/loss.ts";
import { rowSize, type Tensor } from "../math/tensor.ts";

/** Losses of logits that a network has computed. */
export interface CompiledLoss {
  /** Losses [examples] of logits [rows, classes], and their slopes ∂(Σ losses)/∂logits [rows, classes]. */
  run(loss: Loss, logits: Tensor): Promise<{ losses: Float32Array; slopes: Tensor }>;
  release(): Promise<void>;
}

/** Computes losses on a runtime. Compiles one program per loss and number of rows, when it is first needed. */
export function compiledLoss(runtime: Runtime): CompiledLoss {
  const programs = new Map<string, Promise<Program>>();
  function program(loss: Loss, rows: number, classes: number): Promise<Program> {
    const { name, draws, losses } = lossGraph(loss);
    const key = `${name}:${rows}`;
    const cached = programs.get(key);
    if (cached !== undefined) return cached;
    const z = input("z", [rows, classes]);
    const values = losses(z, input("weights", [rows / draws, classes]));
    const [slopes] = gradient(sum(values), [z]);
    const compiled = runtime.compile({ losses: values, slopes });
    programs.set(key, compiled);
    return compiled;
  }
  return {
    async run(loss, logits) {
      const classes = rowSize(logits);
      const compiled = await program(loss, logits.shape[0], classes);
      const weights = lossWeights(loss, classes);
      const { losses, slopes } = await compiled.run({ z: logits, weights });
      return { losses: losses.data as Float32Array, slopes: slopes as Tensor };
    },
    async release() {
      const all = await Promise.all(programs.values());
      programs.clear();
      await Promise.all(all.map((one) => one.release()));
    },
  };
}
