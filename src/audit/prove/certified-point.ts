// An adversarial image inside a certified radius, and the smoothed classifier that judges the image.
import { distancesOf } from "../../attacks/exact-projection.ts";
import type { Norm } from "../../attacks/victim.ts";
import { certificateOf } from "../../certify/certificates.ts";
import { certifiedNorms } from "../../certify/radii.ts";
import type { CertificateRow } from "../../certify/row.ts";
import type { SmoothedClassifier } from "../../certify/smoothed.ts";
import type { Scored } from "../../evaluate/evaluate.ts";
import type { Row } from "../../evaluate/row.ts";
import { tensor } from "../../math/tensor.ts";
import type { ProvedAudit } from "./proved-audit.ts";

/** Distances of an image from the clean one, pixels in [0, 1]. */
export type Distances = Pick<Row, "linf" | "l2" | "l1">;

/** An image, and its distances from the clean image. */
export interface CertifiedPoint {
  /** [channel · height · width]. */
  readonly point: Float32Array;
  readonly distances: Distances;
}

/** Whether the certificate enumerates all draws of its noise, and so holds for 8-bit images only. */
export const isEnumerated = ({ noise }: Pick<CertificateRow, "noise">): boolean =>
  certificateOf(noise).draws !== null;

/** Whether an image at these distances lies strictly inside a radius that is certified for the label. */
export const isInside = (
  distances: Distances,
  { prediction, label, radius }: CertificateRow,
): boolean => prediction === label && certifiedNorms.some((norm) => distances[norm] < radius[norm]);

/** The adversarial image that a certificate applies to. It is rounded to 8 bits if the certificate needs 8-bit images. */
export function certifiedPoint(
  { row, original, adversarial }: Scored,
  certificate: Pick<CertificateRow, "noise">,
): CertifiedPoint {
  if (!isEnumerated(certificate)) return { point: adversarial.data, distances: row };
  const point = adversarial.data.map((pixel) => Math.round(255 * pixel) / 255);
  const distance = (norm: Norm) => distancesOf(tensor(adversarial.shape, point), original, norm)[0];
  return {
    point,
    distances: { linf: distance("linf"), l2: distance("l2"), l1: distance("l1") },
  };
}

/** The certified classifier. */
export const smoothedOf = (
  { network, dataset, options, signal, note }: ProvedAudit,
  { noise, sampling }: Pick<CertificateRow, "noise" | "sampling">,
): SmoothedClassifier => ({
  network,
  shape: dataset.shape,
  classes: dataset.classes.length,
  noise,
  sampling,
  batch: options.batch,
  signal,
  note,
});
