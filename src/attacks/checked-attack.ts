// Checks the results and errors of attacks that are not built in.
import { awaitPlugin, badPlugin, type PluginDefinition, requireResult } from "../math/plugin.ts";
import type { Tensor } from "../math/tensor.ts";
import { distancesOf } from "./exact-projection.ts";
import { changedPixels } from "./pixels.ts";
import { tracingErrors } from "./tracing-errors.ts";
import type { BoundedAttack, MinimalAttack } from "./victim.ts";

/**
 * Share of the radius, and range of pixels, by which a result may be outside: float32 rounding. The harness projects such a
 * result exactly (see `projectExactly`).
 */
const [RADIUS_TOLERANCE, PIXEL_TOLERANCE] = [1e-3, 1e-5];

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

/** A copy that an attack may overwrite, since its result is compared with the original images. */
const copyOf = (x: Tensor): Tensor => ({ dtype: x.dtype, shape: x.shape, data: x.data.slice() });

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
        () => attack.perturb(traced.victim, copyOf(x), labels.slice(), keys.slice(), onBroken),
        traced.isFromVictim,
      );
      const images = requireImages(definition, "perturb", value, x);
      const lengths =
        norm === "l0" ? changedPixels(images, x, PIXEL_TOLERANCE) : distancesOf(images, x, norm);
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
        () => attack.minimize(traced.victim, copyOf(x), labels.slice(), keys.slice()),
        traced.isFromVictim,
      );
      const { adversarial, found } = (result ?? {}) as Partial<typeof result>;
      const images = requireImages(definition, "minimize", adversarial, x);
      const isList = Array.isArray(found) && found.every((one) => typeof one === "boolean");
      if (!isList || found.length !== labels.length)
        throw badPlugin(
          definition,
          `returned found for ${isList ? found.length : "no"} examples from minimize, and must say true or false for each of ${labels.length}`,
        );
      return { adversarial: images, found };
    },
  };
}
