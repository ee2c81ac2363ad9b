import { z } from "zod";
import { balls } from "../attacks/balls.ts";
import { add, addScaled, clamp, type Tensor } from "../math/tensor.ts";
import { defineDefense } from "./define-defense.ts";
import { sameNames, trainingRadius } from "./inner-ascent.ts";
import type { LossObjective } from "./objective.ts";

const FreeOptions = z.strictObject(trainingRadius.linf).extend({
  replays: z
    .int()
    .positive()
    .default(8)
    .describe("free-at: steps of the optimiser on each batch; divide --epochs by it"),
});

/** δ after a step of length ε along the signs of the gradient, in the ball of radius ε. */
const ascended = (delta: Tensor, gradient: Tensor, epsilon: number): Tensor =>
  clamp(addScaled(delta, balls.linf.steepest(gradient), epsilon), -epsilon, epsilon);

/**
 * Free adversarial training (Shafahi et al. 2019, arXiv:1904.12843, Alg. 1): one backward pass gives the gradients of the
 * weights and of the pixels. Each batch is used `replays` times, and the perturbation [batch, ...pixels] lives on in the next
 * batch.
 */
function freeTraining(epsilon: number, replays: number): LossObjective {
  return {
    name: "free-at",
    oneStep: true,
    inputGradients: ["x"],
    memory: ({ images }) => ({ delta: images }),
    async train({ x, memory, gradients, apply }) {
      let { delta } = memory;
      for (let replay = 0; replay < replays; replay++) {
        const step = await gradients({ x: clamp(add(x, delta), 0, 1) });
        await apply(step);
        delta = ascended(delta, step.arrays.x, epsilon);
      }
      return { delta };
    },
  };
}

/** Free adversarial training in ℓ∞, on batches [batch, ...pixels] in [0, 1]. */
export const freeAt = defineDefense({
  name: "free-at",
  source: "Shafahi et al. 2019, arXiv:1904.12843, Alg. 1",
  options: FreeOptions,
  sharedOptions: Object.assign(sameNames(FreeOptions), { replays: "freeReplays" }),
  make: ({ epsilonLinf, replays }) => ({ objective: freeTraining(epsilonLinf, replays) }),
});
