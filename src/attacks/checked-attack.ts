// Checks of attacks that are not built in: what they return, and what they throw.
import { awaitPlugin, badPlugin, type PluginDefinition, requireResult } from "../math/plugin.ts";
import type { Tensor } from "../math/tensor.ts";
import { distancesOf } from "./inside-ball.ts";
import type { BoundedAttack, MinimalAttack, Victim } from "./victim.ts";

/**
 * Share of the radius, and range of pixels, by which a result may be outside: float32 rounding. The harness projects such a
 * result exactly (see `insideBall`).
 */
const [RADIUS_TOLERANCE, PIXEL_TOLERANCE] = [1e-3, 1e-5];

/** The same victim, which remembers its own errors: these are not the attack's. */
function tracingErrors(victim: Victim) {
  const errors = new Set<unknown>();
  async function traced<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      errors.add(error);
      throw error;
    }
  }
  const tracing: Victim = {
    logits: (x, keys, hints) => traced(() => victim.logits(x, keys, hints)),
    lossAndGradient: (x, loss, keys, hints) =>
      traced(() => victim.lossAndGradient(x, loss, keys, hints)),
  };
  return { victim: tracing, isFromVictim: (error: unknown) => errors.has(error) };
}

/** Requires images in the shape of x [batch, ...pixels], with pixels in [0, 1]. */
function requireImages(
  definition: PluginDefinition,
  call: string,
  value: unknown,
  x: Tensor,
): Tensor {
  const images = requireResult(definition, call, value, x.shape);
  const at = images.data.findIndex(
    (pixel) => !(pixel >= -PIXEL_TOLERANCE && pixel <= 1 + PIXEL_TOLERANCE),
  );
  if (at >= 0)
    throw badPlugin(
      definition,
      `returned the pixel ${images.data[at]} from ${call}, at element ${at} of [${x.shape.join(", ")}]; pixels must be in [0, 1]`,
    );
  return images;
}

/** The same attack; see `defineAttack` for the errors of a wrong result. */
export function checkedPerturb(definition: PluginDefinition, attack: BoundedAttack): BoundedAttack {
  const { norm, epsilon } = attack;
  return {
    ...attack,
    async perturb(victim, x, labels, keys, onBroken) {
      const traced = tracingErrors(victim);
      const value: unknown = await awaitPlugin(
        definition,
        "perturb",
        () => attack.perturb(traced.victim, x, labels, keys, onBroken),
        traced.isFromVictim,
      );
      const images = requireImages(definition, "perturb", value, x);
      const lengths = distancesOf(images, x, norm);
      const at = lengths.findIndex((length) => length > epsilon * (1 + RADIUS_TOLERANCE));
      if (at >= 0)
        throw badPlugin(
          definition,
          `returned a perturbation of ${norm} norm ${Number(lengths[at].toPrecision(6))} from perturb, for example ${at} of the batch; epsilon is ${epsilon}`,
        );
      return images;
    },
  };
}

/** The same attack; see `defineAttack` for the errors of a wrong result. */
export function checkedMinimize(
  definition: PluginDefinition,
  attack: MinimalAttack,
): MinimalAttack {
  return {
    ...attack,
    async minimize(victim, x, labels, keys) {
      const traced = tracingErrors(victim);
      const result = await awaitPlugin(
        definition,
        "minimize",
        () => attack.minimize(traced.victim, x, labels, keys),
        traced.isFromVictim,
      );
      const { adversarial, found } = (result ?? {}) as Partial<typeof result>;
      const images = requireImages(definition, "minimize", adversarial, x);
      if (!Array.isArray(found) || found.length !== labels.length)
        throw badPlugin(
          definition,
          `returned found for ${Array.isArray(found) ? found.length : "no"} examples from minimize, and must say for each of ${labels.length} whether it was broken`,
        );
      return { adversarial: images, found };
    },
  };
}
