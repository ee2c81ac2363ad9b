// How a network's images were prepared, from the files that people have: our own names, Hugging Face's
// preprocessor_config.json, timm's config.json, torchvision's presets.

import { z } from "zod";
import type { Shape } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import { fromHuggingFace } from "./hugging-face.ts";
import { filterNamed, MAX_SIDE, PerChannel, parsedBy, Side } from "./preprocessing-fields.ts";
import { filterNames } from "./resize.ts";
import { describeSizing, type Sizing } from "./sizing.ts";
import { fromTimm } from "./timm.ts";

const Sides = z
  .union([Side, z.array(Side).min(1).max(2)])
  .transform((v): readonly number[] => [v].flat());

/** The names of the command line's flags. */
const Own = z.strictObject({
  mean: PerChannel.optional(),
  std: PerChannel.optional(),
  scale: z.number().positive().optional(),
  layout: z.enum(["nchw", "nhwc"]).optional(),
  channelOrder: z.enum(["rgb", "bgr"]).optional(),
  resize: Sides.optional(),
  crop: Sides.optional(),
  interpolation: z.enum(filterNames).optional(),
});

/** What a file says of its images: what is done to an image file, then to pixels in [0, 1]. */
export interface Preprocessing extends Sizing {
  readonly mean?: readonly number[] | undefined;
  readonly std?: readonly number[] | undefined;
  readonly scale?: number | undefined;
  readonly layout?: "nchw" | "nhwc" | undefined;
  /** Order of the channels that the network takes; by default red, green, blue. */
  readonly channelOrder?: "rgb" | "bgr" | undefined;
}

/** torchvision.transforms._presets.ImageClassification, as JSON. */
const Torchvision = z.strictObject({
  crop_size: Sides,
  resize_size: Sides.default([256]),
  mean: PerChannel.default([0.485, 0.456, 0.406]),
  std: PerChannel.default([0.229, 0.224, 0.225]),
  interpolation: z.string().default("bilinear"),
  antialias: z.literal(true, "images are resized with antialias only").optional(),
});

function fromTorchvision(path: string, value: unknown): Preprocessing {
  const { crop_size, resize_size, mean, std, interpolation } = parsedBy(Torchvision, path, value);
  const filter = interpolation.replace(/^InterpolationMode\./, "").toLowerCase();
  return {
    mean,
    std,
    resize: resize_size,
    crop: crop_size,
    interpolation: filterNamed(path, filter),
    fill: [0],
  };
}

/** What the file was, and what it says; null where it is no description of preprocessing. */
export interface FoundPreprocessing {
  readonly format: "rampart" | "Hugging Face" | "timm" | "torchvision";
  readonly preprocessing: Preprocessing;
}

/** What a file's preprocessing depends on beside the file. */
export interface PreprocessedModel {
  /** [channel, height, width] that the network takes. */
  readonly input?: Shape | undefined;
  /** `model_type` of the config.json beside the file. */
  readonly modelType?: string | undefined;
}

/** What crop_pct made of a side may be nothing, or more than any machine holds. */
function sized(path: string, preprocessing: Preprocessing): Preprocessing {
  const { resize = [], crop = [] } = preprocessing;
  const wrong = [...resize, ...crop].find((side) => !(side >= 1 && side <= MAX_SIDE));
  if (wrong !== undefined)
    throw new UsageError(
      `${path} brings images to a side of ${wrong} pixels, where 1 to ${MAX_SIDE} are possible; correct its size or crop_pct`,
      { code: "bad-file" },
    );
  return preprocessing;
}

type Json = Readonly<Record<string, unknown>>;

/** The object in the text of a JSON file; null for any other JSON. */
export function jsonObject(text: string, path: string): Json | null {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    throw new UsageError(`${path} is not JSON: ${(error as Error).message}`, { code: "bad-file" });
  }
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject ? (value as Json) : null;
}

/** Keys that only a processor's file has. */
const processorKeys = [
  "image_processor_type",
  "feature_extractor_type",
  "image_mean",
  "image_std",
  "do_normalize",
  "do_rescale",
  "do_resize",
  "do_center_crop",
];

/** The preprocessing in the text of a JSON file, whichever of the known forms it has; null for any other JSON. */
export function parsePreprocessing(
  text: string,
  path: string,
  model: PreprocessedModel = {},
): FoundPreprocessing | null {
  const value = jsonObject(text, path);
  if (value === null) return null;
  const has = (...names: string[]) => names.some((name) => Object.hasOwn(value, name));
  const inner = value.pretrained_cfg;
  if ((inner !== undefined && inner !== null) || has("input_size"))
    return {
      format: "timm",
      preprocessing: sized(path, fromTimm(path, inner ?? value, model.input)),
    };
  const nested = value.image_processor;
  if (typeof nested === "object" && nested !== null && !Array.isArray(nested))
    return parsePreprocessing(JSON.stringify(nested), path, model);
  if (has(...processorKeys))
    return {
      format: "Hugging Face",
      preprocessing: sized(path, fromHuggingFace(path, value, model.modelType)),
    };
  if (has("crop_size", "resize_size"))
    return { format: "torchvision", preprocessing: sized(path, fromTorchvision(path, value)) };
  return has(...Object.keys(Own.shape))
    ? { format: "rampart", preprocessing: parsedBy(Own, path, value) }
    : null;
}

const rounded = (values: readonly number[]): string =>
  values.map((value) => Number(value.toPrecision(6))).join(", ");

/**
 * What happens to an image on its way to the network, in one line: `resize the shorter side to 256 (bicubic) → crop the
 * middle 224 × 224 → pixels in [0, 1] → − mean 0.5 → ÷ std 0.25`.
 */
export function describePreprocessing(found: Preprocessing): string {
  const { mean, std, scale, layout, channelOrder } = found;
  const steps = describeSizing(found);
  steps.push("pixels in [0, 1]");
  if (channelOrder === "bgr") steps.push("channels blue, green, red");
  if (mean !== undefined) steps.push(`− mean ${rounded(mean)}`);
  if (std !== undefined) steps.push(`÷ std ${rounded(std)}`);
  if (scale !== undefined) steps.push(`× ${rounded([scale])}`);
  if (layout === "nhwc") steps.push("channels last");
  return steps.join(" → ");
}
