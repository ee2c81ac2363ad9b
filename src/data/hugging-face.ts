// Reads preprocessor_config.json of Hugging Face's transformers.
import { z } from "zod";
import { UsageError } from "../math/usage-error.ts";
import type { Preprocessing } from "./preprocessing.ts";
import { filterByPillow, PerChannel, parsedBy, Side, unsupported } from "./preprocessing-fields.ts";
import {
  otherProcessors,
  type Processor,
  processors,
  type StatedSize,
  usualSizing,
} from "./processors.ts";

const HeightWidth = z.strictObject({ height: Side, width: Side });
const Pair = z.tuple([Side, Side]).transform(([height, width]) => ({ height, width }));

/** Keys of all processor classes. Keys that are null are removed before. */
const Common = z.looseObject({
  do_resize: z.boolean().default(true),
  size: z.union([Side, z.strictObject({ shortest_edge: Side }), HeightWidth, Pair]).optional(),
  default_to_square: z.boolean().optional(),
  resample: z.int().optional(),
  do_center_crop: z.boolean().optional(),
  crop_size: z.union([Side, HeightWidth, Pair]).optional(),
  crop_pct: z.number().positive().optional(),
  do_rescale: z.boolean().default(true),
  rescale_factor: z
    .number()
    .positive()
    .default(1 / 255),
  rescale_offset: z.boolean().default(false),
  do_normalize: z.boolean().default(true),
  include_top: z.boolean().default(true),
  image_mean: PerChannel.optional(),
  image_std: PerChannel.optional(),
  do_flip_channel_order: z.boolean().default(true),
});
type Stated = z.output<typeof Common>;

/** Keys that every processor class reads. */
const commonKeys = [
  "do_resize",
  "size",
  "resample",
  "do_rescale",
  "rescale_factor",
  "do_normalize",
  "image_mean",
  "image_std",
];

/** Keys without an effect on the pixels of an RGB image. */
const neutralKeys = new Set([
  "image_processor_type",
  "feature_extractor_type",
  "processor_class",
  "auto_map",
  "_valid_processor_keys",
  "do_convert_rgb",
  "return_tensors",
  "data_format",
  "input_data_format",
  "device",
  "disable_grouping",
  "default_to_square",
  "model_input_names",
  "image_seq_length",
  "transformers_version",
  "use_fast",
]);

/** Advice for a file that cannot be used. */
const useFlags =
  "state the steps as flags (--resize, --crop, --interpolation, --mean, --std, --scale), with --preprocessing none";

/** The processor class of a file. */
interface Found {
  /** As the file states it, for messages. */
  readonly name: string;
  readonly processor: Processor;
  /** Whether it is the class's `Fast` variant. */
  readonly isFast: boolean;
}

/** A placeholder for the class of a file that leaves nothing to the class's defaults. */
const anyClass: Processor = {
  models: [],
  size: { height: 1, width: 1 },
  oneNumber: "square",
  resample: 2,
  mean: [0],
  std: [1],
};

/** Whether a file states everything that defaults of its class would decide: type of size, filter, crop, mean and std. */
function isExplicit(value: Readonly<Record<string, unknown>>): boolean {
  const { size, do_center_crop: crops } = value;
  const isNormalized =
    value.do_normalize === false || ("image_mean" in value && "image_std" in value);
  const isCropped =
    crops === true ? "crop_size" in value : crops === false || !("crop_size" in value);
  if (!isNormalized || !isCropped || "crop_pct" in value) return false;
  if (value.do_resize === false) return true;
  if (typeof size !== "object" || size === null || typeof value.resample !== "number") return false;
  return "height" in size || typeof crops === "boolean";
}

/** The class that a file names, or else the class that models of `modelType` use. Throws a UsageError for unsupported classes. */
function processorOf(
  path: string,
  value: Readonly<Record<string, unknown>>,
  modelType: string | undefined,
): Found {
  const stated = value.image_processor_type ?? value.feature_extractor_type ?? undefined;
  if (stated === undefined) {
    const found = Object.entries(processors).find(
      ([, { models }]) => modelType !== undefined && models.includes(modelType),
    );
    if (found !== undefined) return { name: found[0], processor: found[1], isFast: false };
    if (isExplicit(value)) return { name: "an image processor", processor: anyClass, isFast: true };
    throw new UsageError(
      `${path} names no image_processor_type${modelType === undefined ? "" : `, and the processor of model type ${modelType} is unknown`}; classes read the same keys differently, so add it, or ${useFlags}`,
      { code: "bad-file" },
    );
  }
  const written = String(stated);
  const name = written.replace(/(ImageProcessor(Fast|Pil)?|FeatureExtractor)$/, "");
  if (Object.hasOwn(otherProcessors, name))
    throw new UsageError(
      `${path} is of ${written}, which ${otherProcessors[name]}; this is not supported, so prepare the images yourself and use --preprocessing none`,
      { code: "bad-file" },
    );
  if (!Object.hasOwn(processors, name))
    throw new UsageError(`${path} is of ${written}, which is not supported; ${useFlags}`, {
      code: "bad-file",
    });
  return { name: written, processor: processors[name], isFast: written.endsWith("Fast") };
}

/** Keys that a processor class reads. */
function keysOf({ processor, isFast }: Found): Set<string> {
  const { crop, cropPct, keys = [] } = processor;
  const readKeys = new Set([...commonKeys, ...keys]);
  if (crop !== undefined || isFast)
    for (const key of ["do_center_crop", "crop_size"]) readKeys.add(key);
  if (cropPct !== undefined) readKeys.add("crop_pct");
  return readKeys;
}

/** Throws a UsageError for a key that the class does not read and that could have an effect. */
function refuseUnknownKeys(
  path: string,
  value: Readonly<Record<string, unknown>>,
  found: Found,
): void {
  const readKeys = keysOf(found);
  for (const [key, setting] of Object.entries(value)) {
    // A step that is switched off has no effect.
    if (readKeys.has(key) || neutralKeys.has(key) || setting === false) continue;
    throw new UsageError(
      `${path} has the key ${key} (${JSON.stringify(setting)?.slice(0, 60)}), which ${found.name} does not read; remove it if it has no effect, or ${useFlags}`,
      { code: "bad-file" },
    );
  }
}

/** The stated size; `oneNumber` says what a single number means. */
const sizeOf = (
  size: Stated["size"],
  oneNumber: Processor["oneNumber"],
  byDefault: StatedSize,
): StatedSize => {
  if (size === undefined) return byDefault;
  if (typeof size !== "number") return size;
  return oneNumber === "square" ? { height: size, width: size } : { shortest_edge: size };
};

/** Resizing and cropping. */
function sizingOf(path: string, stated: Stated, found: Found): Preprocessing {
  const { processor, isFast } = found;
  const { crop: defaultCrop, fast } = processor;
  const crops =
    stated.do_center_crop ?? (isFast ? fast?.crops : undefined) ?? defaultCrop?.byDefault ?? false;
  const cropSize = stated.crop_size ?? defaultCrop?.side;
  if (crops && cropSize === undefined)
    throw new UsageError(`${path} crops (do_center_crop) but states no crop_size; add it`, {
      code: "bad-file",
    });
  let crop: readonly [number, number] | null = null;
  if (crops && cropSize !== undefined)
    crop = typeof cropSize === "number" ? [cropSize, cropSize] : [cropSize.height, cropSize.width];
  const margin = { margin: "floor", fill: [0] } as const;
  if (!stated.do_resize) {
    if (crop !== null && processor.sizing !== undefined && found.processor === processors.Perceiver)
      throw unsupported(path, "that images are cropped by a share and not resized", useFlags);
    return crop === null ? {} : { crop, ...margin };
  }
  let { oneNumber } = processor;
  if (stated.default_to_square !== undefined)
    oneNumber = stated.default_to_square ? "square" : "shorter side";
  const defaultSize = (isFast ? fast?.size : undefined) ?? processor.size;
  const size = sizeOf(stated.size, oneNumber, defaultSize);
  const settings = { size, crop, cropPct: stated.crop_pct ?? processor.cropPct ?? null };
  const sizing = (processor.sizing ?? usualSizing)(settings);
  if (typeof sizing === "string")
    throw new UsageError(`${path} states for ${found.name} ${sizing}; correct it, or ${useFlags}`, {
      code: "bad-file",
    });
  const interpolation = filterByPillow(path, stated.resample ?? processor.resample);
  const isCropped = sizing.crop !== undefined || sizing.cut !== undefined;
  return isCropped ? { ...sizing, interpolation, ...margin } : { ...sizing, interpolation };
}

/** Scaling of pixels: out = (white · x − offset − mean) / std for x in [0, 1]. EfficientNet divides by std twice. */
function pixelsOf(stated: Stated, { processor }: Found): Preprocessing {
  const reads = (key: string) => processor.keys?.includes(key) === true;
  const white = stated.do_rescale ? 255 * stated.rescale_factor : 255;
  const offset = stated.do_rescale && reads("rescale_offset") && stated.rescale_offset ? 1 : 0;
  const order =
    reads("do_flip_channel_order") && stated.do_flip_channel_order
      ? ({ channelOrder: "bgr" } as const)
      : {};
  const normalizes = stated.do_normalize && processor.mean.length > 0;
  const dividesAgain = reads("include_top") && stated.include_top;
  const [mean, std] = [stated.image_mean ?? processor.mean, stated.image_std ?? processor.std];
  const divisions = Number(normalizes) + Number(dividesAgain);
  const isUnit = Math.abs(white - 1) < 1e-6;
  if (divisions === 0 && offset === 0) return isUnit ? order : { scale: white, ...order };
  const scale = isUnit ? 1 : white;
  return {
    mean: (normalizes ? mean : [0]).map((value) => (value + offset) / scale),
    std: (divisions > 0 ? std : [1]).map((value) => value ** Math.max(divisions, 1) / scale),
    ...order,
  };
}

/**
 * The preprocessing that a processor's file states. `modelType` is the `model_type` in the config.json beside it, for files
 * that name no processor class. Throws a UsageError for classes, keys and values that are not supported.
 */
export function fromHuggingFace(
  path: string,
  value: Readonly<Record<string, unknown>>,
  modelType: string | undefined,
): Preprocessing {
  const present = Object.fromEntries(
    Object.entries(value).filter(([, setting]) => setting !== null),
  );
  const found = processorOf(path, present, modelType);
  refuseUnknownKeys(path, present, found);
  const stated = parsedBy(Common, path, present);
  return { ...pixelsOf(stated, found), ...sizingOf(path, stated, found) };
}
