import type { Key } from "../math/random.ts";
import { elementCount, type Shape, type Tensor } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import { positionsOf } from "./frame.ts";
import { tooLargeMessage } from "./options.ts";
import type { AttackNorm, Labels } from "./victim.ts";

/**
 * The checks that every attack starts with: x [batch, ...pixels] holds pixels in [0, 1], and labels and keys are [batch]. Throws
 * `UsageError` for pixels out of range and labels that are not class indices.
 */
export function checkInputs(x: Tensor, labels: Labels, keys: readonly Key[]): void {
  const batch = x.shape[0] ?? 0;
  if (labels.length !== batch || keys.length !== batch)
    throw new Error(
      `x of shape [${x.shape.join(", ")}] needs ${batch} labels and keys, ` +
        `got ${labels.length} labels and ${keys.length} keys`,
    );
  const outside = firstOutside(x.data, 0, 1);
  if (outside >= 0)
    throw new UsageError(
      `pixel ${outside} of the batch is ${x.data[outside]}, but attacks need pixels in [0, 1]; ` +
        "divide by 255, and leave normalisation to the model",
      { code: "misfit" },
    );
  labels.forEach((label, i) => {
    if (!Number.isInteger(label) || label < 0)
      throw new UsageError(`label ${i} of the batch is ${label}, not a class index`, {
        code: "misfit",
      });
  });
}

/**
 * Throws `UsageError` if a ball of radius epsilon, in its norm, contains all images [...pixels] of this shape, with pixels in
 * [0, 1], for any centre; in ℓ0 also for a radius that is not a whole number of pixels.
 */
export function checkEpsilon(norm: AttackNorm, epsilon: number, shape: Shape): void {
  if (norm === "l0") {
    checkPixels(epsilon, positionsOf(shape));
    return;
  }
  const pixels = elementCount(shape);
  const diameter = { linf: 1, l2: Math.sqrt(pixels), l1: pixels }[norm];
  if (epsilon >= diameter)
    throw new UsageError(
      norm === "linf"
        ? tooLargeMessage(epsilon)
        : `epsilon is ${epsilon}, but no two images of ${pixels} pixels in [0, 1] are further apart ` +
            `than ${diameter.toPrecision(3)}; did you mean ${epsilon}/255?`,
      { code: "bad-option" },
    );
}

function checkPixels(epsilon: number, positions: number): void {
  if (!Number.isInteger(epsilon) || epsilon < 1)
    throw new UsageError(
      `epsilon in ℓ0 is ${epsilon}, but a radius in ℓ0 counts pixels; give a whole number from 1 on`,
      { code: "bad-option" },
    );
  if (epsilon >= positions)
    throw new UsageError(
      `epsilon in ℓ0 is ${epsilon}, but an image has ${positions} pixels, counted with all their channels, and an attack may not change all of them; choose a smaller epsilon`,
      { code: "bad-option" },
    );
}

/** Throws `UsageError` unless each label [batch] is a class of the logits [batch, classes]. */
export function checkLabels(labels: Labels, logits: Tensor): void {
  const classes = logits.shape[1] ?? 0;
  labels.forEach((label, i) => {
    if (label >= classes)
      throw new UsageError(
        `label ${i} of the batch is ${label}, but the model has ${classes} classes, 0 to ${classes - 1}`,
        { code: "misfit" },
      );
  });
}

/** A gradient has NaN or infinity. */
export class NotFiniteGradient extends UsageError {}

/**
 * Throws `NotFiniteGradient` if a gradient [batch, ...pixels] is not finite: an attack without a direction would make the
 * model look robust. The harness replaces such entries by 0 and reports them, so only attacks outside the harness throw.
 */
export function checkGradient(gradient: Tensor): void {
  if (!allFinite(gradient.data)) throw notFinite(gradient);
}

/** The error of a gradient [batch, ...pixels] that is not finite. */
export function notFinite(gradient: Tensor): NotFiniteGradient {
  const at = gradient.data.findIndex((slope) => !Number.isFinite(slope));
  return new NotFiniteGradient(
    `the gradient is ${gradient.data[at]} at pixel ${at} of the batch, so there is no direction to follow; ` +
      "check the model's weights and its logits for NaN and infinity",
    { code: "misfit" },
  );
}

/** Whether all numbers of an array of any shape are finite. Tests bits, three times as fast as Number.isFinite. */
export function allFinite({ buffer, byteOffset, length }: Float32Array): boolean {
  const bits = new Int32Array(buffer, byteOffset, length);
  const [size, largest] = [0x7fffffff, 0x7f7fffff];
  let signs = 0;
  for (let i = 0; i < bits.length; i++) signs |= largest - (bits[i] & size);
  return signs >= 0;
}

/** The position of the first number that is NaN or outside [low, high]; −1 if there is none. */
function firstOutside(data: Float32Array, low: number, high: number): number {
  for (let i = 0; i < data.length; i++) if (!(data[i] >= low && data[i] <= high)) return i;
  return -1;
}
