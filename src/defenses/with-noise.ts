import type { Victim } from "../attacks/victim.ts";
import { foldAll, type Key } from "../math/random.ts";
import { increaseMany } from "../math/sums.ts";
import type { Tensor } from "../math/tensor.ts";
import { drawn, type Noise } from "../noise/noise.ts";
import { requireNoise, requireVictim } from "./wrapped.ts";

/** The randomised network f̃(x) = f(x + η), one draw per example and key; x + η is not clipped. Throws `UsageError`. */
export function withNoise(model: Victim, noise: Noise): Victim {
  requireVictim("withNoise", model);
  requireNoise("withNoise", noise);
  const noisy = async (x: Tensor, keys: readonly Key[]) => {
    const eta = await drawn(noise, foldAll(keys, 0), x.shape);
    increaseMany(eta.data, x.data);
    return eta;
  };
  return {
    logits: async (x, keys) => model.logits(await noisy(x, keys), foldAll(keys, 1)),
    // ∂(x + η)/∂x = 1, so the gradient at the noisy point is the gradient at x.
    lossAndGradient: async (x, loss, keys, over) =>
      model.lossAndGradient(await noisy(x, keys), loss, foldAll(keys, 1), over),
    prefetch: (keys, shape) => noise.prefetch?.start(foldAll(keys, 0), shape),
  };
}
