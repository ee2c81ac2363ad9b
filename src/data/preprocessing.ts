// How a network's images are prepared.

import { describeSizing, type Sizing } from "./sizing.ts";

/** Steps from an image file to the network: sizing, then scaling of pixels in [0, 1]. */
export interface Preprocessing extends Sizing {
  readonly mean?: readonly number[] | undefined;
  readonly std?: readonly number[] | undefined;
  readonly scale?: number | undefined;
  readonly layout?: "nchw" | "nhwc" | undefined;
  /** Order of the network's input channels; by default red, green, blue. */
  readonly channelOrder?: "rgb" | "bgr" | undefined;
}

const rounded = (values: readonly number[]): string =>
  values.map((value) => Number(value.toPrecision(6))).join(", ");

/**
 * The steps in one line: `resize the shorter side to 256 (bicubic) → crop the middle 224 × 224 → pixels in [0, 1] → − mean
 * 0.5 → ÷ std 0.25`.
 */
export function describePreprocessing(preprocessing: Preprocessing): string {
  const { mean, std, scale, layout, channelOrder } = preprocessing;
  const steps = describeSizing(preprocessing);
  steps.push("pixels in [0, 1]");
  if (channelOrder === "bgr") steps.push("channels blue, green, red");
  if (mean !== undefined) steps.push(`− mean ${rounded(mean)}`);
  if (std !== undefined) steps.push(`÷ std ${rounded(std)}`);
  if (scale !== undefined) steps.push(`× ${rounded([scale])}`);
  if (layout === "nhwc") steps.push("channels last");
  return steps.join(" → ");
}
