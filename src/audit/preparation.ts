// How image files become the network's input: the sidecar's preprocessing, the flags that override it, and one line that
// describes the result.
import { describePreprocessing, type Preprocessing } from "../data/preprocessing.ts";
import type { Sizing } from "../data/sizing.ts";
import { defined } from "../math/defined.ts";
import type { NetworkFile, Sidecar } from "./sidecar.ts";

/** The part of a preprocessing that resizes and crops. */
export const sizingOf = ({
  cut,
  resize,
  fit,
  crop,
  margin,
  fill,
  interpolation,
}: Preprocessing): Sizing => defined({ cut, resize, fit, crop, margin, fill, interpolation });

/** The part that changes values and the order of axes. It becomes the first layer of the network's graph. */
export const pixelsOf = ({ mean, std, scale, layout, channelOrder }: Preprocessing) =>
  defined({ mean, std, scale, layout, channelOrder });

/** A preprocessing with flags that override its parts. `resize` also drops `cut` and `fit`; `crop` also `margin` and `fill`. */
export function overridden(stated: Preprocessing, flags: Preprocessing): Preprocessing {
  const kept: Record<string, unknown> = { ...stated };
  if (flags.resize !== undefined) for (const key of ["cut", "fit"]) delete kept[key];
  if (flags.crop !== undefined) for (const key of ["margin", "fill"]) delete kept[key];
  return { ...kept, ...defined(flags) };
}

/**
 * The part of a sidecar that applies to a network. A network that takes bytes normalises them itself, so mean and std (and
 * another tool's scale) would apply twice and are dropped. `dropped` is a sentence about this; null if nothing was dropped.
 */
export function forNetwork(
  { preprocessing, format, file }: Sidecar,
  network: NetworkFile | null,
): { readonly stated: Preprocessing; readonly dropped: string | null } {
  const { mean, std, scale } = preprocessing;
  const isOurs = format === "rampart";
  const normalises = mean !== undefined || std !== undefined || (scale !== undefined && !isOurs);
  if (network?.takesWhole !== true || !normalises) return { stated: preprocessing, dropped: null };
  const kept: Record<string, unknown> = { ...preprocessing };
  for (const key of isOurs ? ["mean", "std"] : ["mean", "std", "scale"]) delete kept[key];
  return {
    stated: kept,
    dropped: `the network takes bytes and normalises them itself, so mean and std of ${file} are not applied; --mean and --std would apply them`,
  };
}

/** [height, width] of every image after a sizing; null if the size depends on the image. */
export function finalSize({ resize, fit, crop }: Sizing): readonly number[] | null {
  if (crop !== undefined) return [crop[0], crop[1] ?? crop[0]];
  return resize?.length === 2 && fit === undefined ? resize : null;
}

/** One line that says how images reach the network. `isFound` is true if no flag named the sidecar. */
export function preparationLine(
  stated: Preprocessing,
  sidecar: Sidecar | null,
  { isFound }: { readonly isFound: boolean },
): string {
  if (sidecar === null) return describePreprocessing(stated);
  const hint = isFound ? "; --preprocessing none ignores it" : "";
  return `${describePreprocessing(stated)} (from ${sidecar.file}, as of ${sidecar.format}${hint})`;
}
