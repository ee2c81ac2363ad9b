import type { Dataset } from "../data/dataset.ts";
import { greyed } from "../data/grey.ts";
import type { ImageRules } from "../data/image-rules.ts";
import type { Preprocessing } from "../data/preprocessing.ts";
import { coloured, resizedDataset } from "../data/resized.ts";
import { type Sizing, sizer } from "../data/sizing.ts";
import { findDataset } from "../data/table.ts";
import { defined } from "../math/defined.ts";
import type { Shape } from "../math/tensor.ts";
import type { AuditSource } from "./audit-request.ts";
import { finalSize, sizingOf } from "./preparation.ts";

/** A data set, and how its images were resized and cropped. */
export interface SizedData {
  readonly dataset: Dataset;
  readonly sizing: Sizing;
}

/** How the images of an audit are opened. */
export interface AuditDataOptions {
  readonly preprocessing: Preprocessing;
  /** Whether flags set a size. */
  readonly isSizeGiven: boolean;
  /** Number of examples, from the first one on; undefined for all. */
  readonly maxImages: number | undefined;
  readonly rules: ImageRules | undefined;
  /** [channel, height, width] that the network takes; undefined if it does not state them. */
  readonly takes: Shape | undefined;
}

/**
 * Opens a data set and resizes and crops its images. Images that are not in a folder and already have the final size are
 * not changed, unless flags set a size.
 */
export async function auditData(
  name: string,
  { preprocessing, isSizeGiven, maxImages, rules, takes }: AuditDataOptions,
  source: AuditSource,
): Promise<SizedData> {
  const sizing = sizingOf(preprocessing);
  const prepare = sizer(sizing);
  if (findDataset(name)?.resizes === true || prepare === undefined) {
    const dataset = await source.openData(name, defined({ maxImages, rules, prepare, takes }));
    return { dataset, sizing };
  }
  const dataset = await source.openData(name, defined({ maxImages }));
  const fits = finalSize(sizing)?.join() === dataset.shape.slice(1).join();
  if (fits && !isSizeGiven) return { dataset, sizing: {} };
  return { dataset: resizedDataset(dataset, prepare), sizing };
}

/**
 * The data set with as many channels as the network takes: colour images are converted to grey, and the channel of grey
 * images is repeated three times.
 */
export function withChannels(dataset: Dataset, channels: number): Dataset {
  if (dataset.shape[0] === 3 && channels === 1) return greyed(dataset);
  return dataset.shape[0] === 1 && channels === 3 ? coloured(dataset) : dataset;
}
