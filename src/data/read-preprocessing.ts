// Reads how a network's images are prepared: from a file with the names of our flags, Hugging Face's
// preprocessor_config.json, timm's config.json or torchvision's presets.

import { z } from "zod";
import { messageOf } from "../math/message-of.ts";
import type { Shape } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import { fromHuggingFace } from "./hugging-face.ts";
import type { Preprocessing } from "./preprocessing.ts";
import { filterNamed, MAX_SIDE, PerChannel, parsedBy, Side } from "./preprocessing-fields.ts";
import { filterNames } from "./resize.ts";
import { fromTimm } from "./timm.ts";

const Sides = z
  .union([Side, z.array(Side).min(1).max(2)])
  .transform((v): readonly number[] => [v].flat());

/** A file with the names of the command line's flags. */
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

/** Arguments of torchvision.transforms._presets.ImageClassification as JSON. */
const Torchvision = z.strictObject({
  crop_size: Sides,
  resize_size: Sides.default([256]),
  mean: PerChannel.default([0.485, 0.456, 0.406]),
  std: PerChannel.default([0.229, 0.224, 0.225]),
  interpolation: z.string().default("bilinear"),
  antialias: z.literal(true, "images can only be resized with antialias").optional(),
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

/** The preprocessing in a file, and the format of the file. */
export interface FoundPreprocessing {
  readonly format: "rampart" | "Hugging Face" | "timm" | "torchvision";
  readonly preprocessing: Preprocessing;
}

/** Facts about the model that the meaning of a preprocessing file depends on. */
export interface PreprocessedModel {
  /** Input shape of the network, [channel, height, width]. */
  readonly input?: Shape | undefined;
  /** `model_type` of the config.json beside the file. */
  readonly modelType?: string | undefined;
}

/** Refuses sides outside 1 … MAX_SIDE, which an unusual crop_pct can lead to. */
function requireSides(path: string, preprocessing: Preprocessing): Preprocessing {
  const { resize = [], crop = [] } = preprocessing;
  const wrong = [...resize, ...crop].find((side) => !(side >= 1 && side <= MAX_SIDE));
  if (wrong !== undefined)
    throw new UsageError(
      `${path} resizes images to a side of ${wrong} pixels, where 1 to ${MAX_SIDE} are possible; correct its size or crop_pct`,
      { code: "bad-file" },
    );
  return preprocessing;
}

/** A parsed JSON object. */
export type Json = Readonly<Record<string, unknown>>;

/** Parses a JSON object; null for any other JSON value. Throws a UsageError if the text is not JSON. */
export function jsonObject(text: string, path: string): Json | null {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    throw new UsageError(`${path} is not JSON: ${messageOf(error)}`, { code: "bad-file" });
  }
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject ? (value as Json) : null;
}

/** Keys that only a preprocessor_config.json has. */
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

/** `preprocessingIn` of a text. Throws a UsageError if it is not JSON. */
export function parsePreprocessing(
  text: string,
  path: string,
  model: PreprocessedModel = {},
): FoundPreprocessing | null {
  const value = jsonObject(text, path);
  return value === null ? null : preprocessingIn(value, path, model);
}

/**
 * The preprocessing in the JSON of a file of any supported format; null for other JSON. Throws a UsageError for settings that
 * are not supported.
 */
export function preprocessingIn(
  value: Json,
  path: string,
  model: PreprocessedModel = {},
): FoundPreprocessing | null {
  const has = (...names: string[]) => names.some((name) => Object.hasOwn(value, name));
  const inner = value.pretrained_cfg;
  if ((inner !== undefined && inner !== null) || has("input_size"))
    return {
      format: "timm",
      preprocessing: requireSides(path, fromTimm(path, inner ?? value, model.input)),
    };
  const nested = value.image_processor;
  if (typeof nested === "object" && nested !== null && !Array.isArray(nested))
    return preprocessingIn(nested as Json, path, model);
  if (has(...processorKeys))
    return {
      format: "Hugging Face",
      preprocessing: requireSides(path, fromHuggingFace(path, value, model.modelType)),
    };
  if (has("crop_size", "resize_size"))
    return {
      format: "torchvision",
      preprocessing: requireSides(path, fromTorchvision(path, value)),
    };
  return has(...Object.keys(Own.shape))
    ? { format: "rampart", preprocessing: parsedBy(Own, path, value) }
    : null;
}
