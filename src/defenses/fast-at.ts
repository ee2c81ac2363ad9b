import { z } from "zod";
import { balls } from "../attacks/balls.ts";
import type { PaperNorm } from "../attacks/victim.ts";
import { ce } from "../losses/ce.ts";
import { foldAll } from "../math/random.ts";
import { add, clamp, type Tensor, tensor } from "../math/tensor.ts";
import { defineDefense } from "./define-defense.ts";
import { sameNames, trainingRadius } from "./inner-ascent.ts";
import type { Objective } from "./objective.ts";

/** x + δ, moved to [0, 1]. */
const within = (x: Tensor, delta: Tensor): Tensor => clamp(add(x, delta), 0, 1);

/** How one step of the fast gradient method is taken, with lengths as multiples of epsilon. */
interface OneStep {
  /** Radius of the uniform noise that the step starts from. */
  readonly noise: number;
  readonly step: number;
  /** Whether the sum of noise and step is projected onto the ball. */
  readonly projects: boolean;
}

/** De Jorge et al. 2022 (arXiv:2202.01181, Eq. 3) and Wong et al. 2020 (arXiv:2001.03994, Alg. 3). */
const methods = {
  "n-fgsm": { noise: 2, step: 1, projects: false },
  "rs-fgsm": { noise: 1, step: 1.25, projects: true },
} as const satisfies Record<string, OneStep>;

function fastTraining(norm: PaperNorm, epsilon: number, how: OneStep): Objective {
  const ball = balls[norm];
  return {
    name: `fast-at-${norm}`,
    oneStep: true,
    async examples(model, x, labels, keys) {
      const noise = ball.sample(foldAll(keys, 0), x.shape, how.noise * epsilon);
      const start = within(x, noise);
      const { gradient } = await model.lossAndGradient(start, ce(labels), foldAll(keys, 1));
      const direction = ball.steepest(gradient);
      const length = how.step * epsilon;
      const delta = tensor(
        x.shape,
        start.data.map((pixel, i) => pixel - x.data[i] + length * direction.data[i]),
      );
      return within(x, how.projects ? ball.project(delta, epsilon) : delta);
    },
  };
}

const method = z
  .enum(Object.keys(methods) as (keyof typeof methods)[])
  .default("n-fgsm")
  .describe(
    "fast-at-*: n-fgsm starts from noise of 2ε and does not project; rs-fgsm starts in the ball and projects",
  );

const FastLinf = z.strictObject(trainingRadius.linf).extend({ method });
const FastL2 = z.strictObject(trainingRadius.l2).extend({ method });
const sharedMethod = { method: "fastMethod" };

/** Adversarial training with one gradient step in ℓ∞, on batches [batch, ...pixels] in [0, 1]. */
export const fastAtLinf = defineDefense({
  name: "fast-at-linf",
  source: "de Jorge et al. 2022, arXiv:2202.01181; rs-fgsm: Wong et al. 2020, arXiv:2001.03994",
  options: FastLinf,
  sharedOptions: Object.assign(sameNames(FastLinf), sharedMethod),
  make: (options) => ({
    objective: fastTraining("linf", options.epsilonLinf, methods[options.method]),
    gradients: 1,
  }),
});

/** Adversarial training with one gradient step in ℓ2: the method of `fast-at-linf` with ℓ2 balls, which no paper describes. */
export const fastAtL2 = defineDefense({
  name: "fast-at-l2",
  source: "this project, after de Jorge et al. 2022, arXiv:2202.01181",
  options: FastL2,
  sharedOptions: Object.assign(sameNames(FastL2), sharedMethod),
  make: (options) => ({
    objective: fastTraining("l2", options.epsilonL2, methods[options.method]),
    gradients: 1,
  }),
});
