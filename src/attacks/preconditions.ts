import type { Key } from "../math/random.ts";
import type { Tensor } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import { tooLarge } from "./options.ts";
import type { Labels, Norm } from "./victim.ts";

/** Every attack starts here: pixels in [0, 1], one label and one key per example, labels that are class indices. */
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
    );
  labels.forEach((label, i) => {
    if (!Number.isInteger(label) || label < 0)
      throw new UsageError(`label ${i} of the batch is ${label}, not a class index`);
  });
}

/** Refuses a radius that reaches from any image of `pixels` pixels in [0, 1] to any other. */
export function checkEpsilon(norm: Norm, epsilon: number, pixels: number): void {
  const diameter = { linf: 1, l2: Math.sqrt(pixels), l1: pixels }[norm];
  if (epsilon >= diameter)
    throw new UsageError(
      norm === "linf"
        ? tooLarge(epsilon)
        : `epsilon is ${epsilon}, but no two images of ${pixels} pixels in [0, 1] are further apart ` +
            `than ${diameter.toPrecision(3)}; did you mean ${epsilon}/255?`,
    );
}

/** A label must be one of the model's outputs; logits are [batch, classes]. */
export function checkLabels(labels: Labels, logits: Tensor): void {
  const classes = logits.shape[1] ?? 0;
  labels.forEach((label, i) => {
    if (label >= classes)
      throw new UsageError(
        `label ${i} of the batch is ${label}, but the model has ${classes} classes, 0 to ${classes - 1}`,
      );
  });
}

/**
 * An attack that follows a gradient which is not a number would report its own failure as robustness. The harness puts zeros in
 * the place of such gradients and says so; this is for whoever runs an attack without it.
 */
export function checkGradient(gradient: Tensor): void {
  if (allFinite(gradient.data)) return;
  const at = gradient.data.findIndex((slope) => !Number.isFinite(slope));
  throw new UsageError(
    `the gradient is ${gradient.data[at]} at pixel ${at} of the batch, so there is no direction to follow; ` +
      "check the model's weights and its logits for NaN and infinity",
  );
}

/** Whether all are numbers, and finite: attacks pass here at every step, and bits are looked through three times as fast. */
export function allFinite({ buffer, byteOffset, length }: Float32Array): boolean {
  const bits = new Int32Array(buffer, byteOffset, length);
  const [size, largest] = [0x7fffffff, 0x7f7fffff];
  let signs = 0;
  for (let i = 0; i < bits.length; i++) signs |= largest - (bits[i] & size);
  return signs >= 0;
}

/** The position of the first number that is not in [low, high], or is NaN; −1 if all are. */
function firstOutside(data: Float32Array, low: number, high: number): number {
  for (let i = 0; i < data.length; i++) if (!(data[i] >= low && data[i] <= high)) return i;
  return -1;
}
