// What minimum-norm attacks have in common: one object per image that keeps the closest adversarial point it met.

import { marginsOf } from "../losses/margin.ts";
import { foldAll, type Key } from "../math/random.ts";
import { type Tensor, tensor } from "../math/tensor.ts";
import { distances, rowOf } from "./examples.ts";
import { checkInputs, checkLabels } from "./preconditions.ts";
import type { Labels, Minimized, Norm, Victim } from "./victim.ts";

/** One image of a minimum-norm attack. */
export interface Image {
  readonly x: Float32Array;
  readonly label: number;
  readonly key: Key;
  /** Logits at x, and their margin. */
  readonly logits: Float32Array;
  readonly cleanMargin: number;
  /** The closest adversarial point so far, x until there is one; a row of the result. */
  readonly nearest: Float32Array;
  /** Its margin. */
  margin: number;
  /** Its distance from x; infinite until there is one. */
  distance: number;
}

/** A batch of images at their start: what is misclassified there has been found at distance 0. Spends fold(key, 0). */
export async function beginAll(
  victim: Victim,
  x: Tensor,
  labels: Labels,
  keys: readonly Key[],
): Promise<{ readonly images: readonly Image[]; result(): Minimized }> {
  checkInputs(x, labels, keys);
  const adversarial = tensor(x.shape, x.data.slice());
  const clean = await victim.logits(x, foldAll(keys, 0));
  checkLabels(labels, clean);
  const margins = marginsOf(clean, labels);
  const images = labels.map(
    (label, i): Image => ({
      x: rowOf(x, i),
      label,
      key: keys[i],
      nearest: rowOf(adversarial, i),
      logits: rowOf(clean, i),
      cleanMargin: margins[i],
      margin: margins[i],
      distance: margins[i] > 0 ? 0 : Number.POSITIVE_INFINITY,
    }),
  );
  const result = () => ({ adversarial, found: images.map(({ distance }) => distance < Infinity) });
  return { images, result };
}

/** Keeps the point if it is adversarial and closer than any before; says whether it is adversarial. A tie is no success. */
export function judge(image: Image, point: Float32Array, margin: number, norm: Norm): boolean {
  if (!(margin > 0)) return false;
  const distance = distances[norm](point, image.x);
  if (distance < image.distance) {
    image.distance = distance;
    image.margin = margin;
    image.nearest.set(point);
  }
  return true;
}
