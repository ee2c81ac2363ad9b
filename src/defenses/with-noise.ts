import type { Victim } from "../attacks/victim.ts";
import { foldAll, type Key } from "../math/random.ts";
import { increase, type Tensor } from "../math/tensor.ts";
import type { Noise } from "../noise/noise.ts";

/** The randomised network f̃(x) = f(x + η), one draw per example and key; x + η is not clipped. */
export function withNoise(model: Victim, noise: Noise): Victim {
  const noisy = (x: Tensor, keys: readonly Key[]) => {
    const drawn = noise.sample(foldAll(keys, 0), x.shape);
    increase(drawn.data, x.data);
    return drawn;
  };
  return {
    logits: (x, keys) => model.logits(noisy(x, keys), foldAll(keys, 1)),
    // ∂(x + η)/∂x = 1, so the gradient at the noisy point is the gradient at x.
    lossAndGradient: (x, loss, keys) =>
      model.lossAndGradient(noisy(x, keys), loss, foldAll(keys, 1)),
  };
}
