import type { CallHints, Victim } from "../attacks/victim.ts";
import { foldAll, type Key } from "../math/random.ts";
import { increaseMany } from "../math/sums.ts";
import type { Tensor } from "../math/tensor.ts";
import { drawNoise, type Noise } from "../noise/noise.ts";
import { requireNoise, requireVictim } from "./requirements.ts";

/**
 * The randomised network f(x + η), or f of what the noise makes of x, for x [batch, ...pixels] (Araujo et al. 2019, arXiv:1903.10219, §4.2), with one draw of η per
 * example and key. Noisy pixels are not clipped to [0, 1]. Throws `UsageError` if an argument is of the wrong kind.
 *
 * @example
 * ```ts
 * import {
 *   classifier, keyOf, keysFor, nodeRuntime, noiseNamed, openDataset, openModel, withNoise,
 * } from "rampart/node";
 *
 * const { architecture, parameters } = await openModel("runs/at");
 * const network = classifier(await nodeRuntime(), architecture, parameters);
 * const noisy = withNoise(network, noiseNamed("normal:0.25"));
 * const { test } = await openDataset("shapes");
 * const logits = await noisy.logits(test.images([0]), keysFor(keyOf(0), [0]));
 * console.log(logits.shape); // [1, 10]
 * ```
 */
export function withNoise(model: Victim, noise: Noise): Victim {
  requireVictim("withNoise", model);
  requireNoise("withNoise", noise);
  const noisy = async (x: Tensor, keys: readonly Key[]) => {
    const eta = await drawNoise(noise, foldAll(keys, 0), x.shape);
    if (noise.combine !== undefined) return noise.combine(x, eta);
    increaseMany(eta.data, x.data);
    return eta;
  };
  const prefetch = (hints: CallHints | undefined) => {
    if (hints?.next !== undefined)
      noise.prefetch?.start(foldAll(hints.next.keys, 0), hints.next.shape);
  };
  /** The hints for the network, whose keys are fold(key, 1). */
  const inner = (hints: CallHints | undefined) => {
    if (hints?.next === undefined) return hints;
    const { keys, shape } = hints.next;
    return { ...hints, next: { keys: foldAll(keys, 1), shape } };
  };
  return {
    async logits(x, keys, hints) {
      prefetch(hints);
      return model.logits(await noisy(x, keys), foldAll(keys, 1), inner(hints));
    },
    // ∂(x + η)/∂x = 1, so the gradient at the noisy point is the gradient at x. Noise that is not added has none; it is taken
    // for the identity there (straight-through, Bengio et al. 2013, arXiv:1308.3432).
    async lossAndGradient(x, loss, keys, hints) {
      prefetch(hints);
      return model.lossAndGradient(await noisy(x, keys), loss, foldAll(keys, 1), inner(hints));
    },
  };
}
