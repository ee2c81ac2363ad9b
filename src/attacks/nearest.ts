// The state that minimum-norm attacks share: one object per image, with the closest adversarial point so far.

import { marginsOf } from "../losses/margin.ts";
import { foldAll, type Key } from "../math/random.ts";
import { type Shape, type Tensor, tensor } from "../math/tensor.ts";
import { distances, gather, rowOf } from "./examples.ts";
import { checkInputs, checkLabels } from "./preconditions.ts";
import type { Labels, Minimized, Norm, Victim } from "./victim.ts";

/** One image of a minimum-norm attack. Arrays are [pixels], logits [classes]; margins are in logits. */
export interface Image {
  readonly x: Float32Array;
  readonly label: number;
  readonly key: Key;
  /** The logits at x. */
  readonly logits: Float32Array;
  /** The margin at x. */
  readonly cleanMargin: number;
  /** The closest adversarial point so far, or x if none was found yet; a row of the result. */
  readonly nearest: Float32Array;
  /** The margin of `nearest`. */
  margin: number;
  /** The distance of `nearest` from x in the norm, for pixels in [0, 1]; infinite until a point is found. */
  distance: number;
}

/**
 * Starts a batch of images x [batch, ...pixels] with labels and keys [batch]. Images that are misclassified at the start
 * count as found at distance 0. Spends fold(key, 0) of each key.
 */
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

/**
 * Keeps the point [pixels] if it is adversarial and closer than all before. Returns whether it is adversarial: whether its
 * margin, in logits, is positive.
 */
export function judge(image: Image, point: Float32Array, margin: number, norm: Norm): boolean {
  if (!(margin > 0)) return false;
  keepCloser(image, point, margin, distances[norm](point, image.x));
  return true;
}

/** Keeps an adversarial point [pixels] with this margin, in logits, and distance from x, if it is closer than all before. */
export function keepCloser(
  image: Image,
  point: Float32Array,
  margin: number,
  distance: number,
): void {
  if (!(distance < image.distance)) return;
  image.distance = distance;
  image.margin = margin;
  image.nearest.set(point);
}

/** The search for the closest adversarial point of one image. */
export interface PointSearch {
  readonly image: Image;
  /** The current point, [pixels]. */
  readonly point: Float32Array;
}

/** The points of all searches as a batch [searches, ...pixels]; `shape` is [any, ...pixels]. */
export const pointsOf = (searches: readonly PointSearch[], shape: Shape): Tensor =>
  gather(
    searches.map(({ point }) => point),
    shape,
  );

/** The labels of the searches' images, [searches]. */
export const labelsOf = (searches: readonly PointSearch[]): number[] =>
  searches.map(({ image }) => image.label);

/** Classifies the points of all searches, with one key per search, and judges each; [searches]: whether it is adversarial. */
export async function judgePoints(
  victim: Victim,
  searches: readonly PointSearch[],
  shape: Shape,
  keys: readonly Key[],
  norm: Norm,
): Promise<boolean[]> {
  const logits = await victim.logits(pointsOf(searches, shape), keys);
  const margins = marginsOf(logits, labelsOf(searches));
  return searches.map(({ image, point }, i) => judge(image, point, margins[i], norm));
}
