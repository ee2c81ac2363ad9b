// From an image file to what the network takes: what a sidecar states, what flags state instead, and one line that says it.
import { describePreprocessing, type Preprocessing } from "../data/preprocessing.ts";
import type { Sizing } from "../data/sizing.ts";
import type { NetworkFile, Sidecar } from "./sidecar.ts";
import { without } from "./without.ts";

/** The part of a preprocessing that changes an image's size. */
export const sizingOf = ({
  cut,
  resize,
  fit,
  crop,
  margin,
  fill,
  interpolation,
}: Preprocessing): Sizing => without({ cut, resize, fit, crop, margin, fill, interpolation });

/** The part that changes numbers, which the network's graph does. */
export const pixelsOf = ({ mean, std, scale, layout, channelOrder }: Preprocessing) =>
  without({ mean, std, scale, layout, channelOrder });

/** What a sidecar states, and instead of it what flags state. */
export function overridden(stated: Preprocessing, flags: Preprocessing): Preprocessing {
  const kept: Record<string, unknown> = { ...stated };
  if (flags.resize !== undefined) for (const key of ["cut", "fit"]) delete kept[key];
  if (flags.crop !== undefined) for (const key of ["margin", "fill"]) delete kept[key];
  return { ...kept, ...without(flags) };
}

/**
 * What of a sidecar is for this network: a file that takes bytes normalises them itself, so mean and std would apply twice.
 * `dropped` says so; null where nothing was left out.
 */
export function forNetwork(
  { preprocessing, format, file }: Sidecar,
  network: NetworkFile | null,
): { readonly stated: Preprocessing; readonly dropped: string | null } {
  const { mean, std, scale } = preprocessing;
  const own = format === "rampart";
  const normalises = mean !== undefined || std !== undefined || (scale !== undefined && !own);
  if (network?.takesWhole !== true || !normalises) return { stated: preprocessing, dropped: null };
  const kept: Record<string, unknown> = { ...preprocessing };
  for (const key of own ? ["mean", "std"] : ["mean", "std", "scale"]) delete kept[key];
  return {
    stated: kept,
    dropped: `the network takes bytes and normalises them itself, so mean and std of ${file} are not applied; --mean and --std would apply them`,
  };
}

/** Height and width to which a sizing brings every image; null where that depends on the image. */
export function finalSize({ resize, fit, crop }: Sizing): readonly number[] | null {
  if (crop !== undefined) return [crop[0], crop[1] ?? crop[0]];
  return resize?.length === 2 && fit === undefined ? resize : null;
}

/** The line that says what the network sees. */
export function preparationLine(
  said: Preprocessing,
  sidecar: Sidecar | null,
  { isFound }: { readonly isFound: boolean },
): string {
  if (sidecar === null) return describePreprocessing(said);
  const unread = isFound ? "; --preprocessing none leaves it unread" : "";
  return `${describePreprocessing(said)} (from ${sidecar.file}, as of ${sidecar.format}${unread})`;
}
