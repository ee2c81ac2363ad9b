// preprocessor_config.json of Hugging Face's transformers.
import { z } from "zod";
import { UsageError } from "../math/usage-error.ts";
import type { Preprocessing } from "./preprocessing.ts";
import { filterByPillow, PerChannel, parsedBy, refused, Side } from "./preprocessing-fields.ts";
import {
  otherProcessors,
  type Processor,
  processors,
  type StatedSize,
  usualSizing,
} from "./processors.ts";

const HeightWidth = z.strictObject({ height: Side, width: Side });
const Pair = z.tuple([Side, Side]).transform(([height, width]) => ({ height, width }));

/** Keys of every class; `null` is an absent key. */
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

/** Keys that every class knows. */
const everywhere = [
  "do_resize",
  "size",
  "resample",
  "do_rescale",
  "rescale_factor",
  "do_normalize",
  "image_mean",
  "image_std",
];

/** Keys that change no pixel of an RGB image. */
const neutral = new Set([
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

const outOf =
  "state the steps by flags (--resize, --crop, --interpolation, --mean, --std, --scale) with --preprocessing none";

interface Found {
  readonly name: string;
  readonly processor: Processor;
  readonly isFast: boolean;
}

/** Stands for any class where a file leaves nothing to the class. */
const anyClass: Processor = {
  models: [],
  size: { height: 1, width: 1 },
  oneNumber: "square",
  resample: 2,
  mean: [0],
  std: [1],
};

/** Whether a file states all that its class would decide: what a size means, the filter, the crop, mean and std. */
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

/** The class that a file names, or that the model beside it uses. */
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
      `${path} names no image_processor_type${modelType === undefined ? "" : `, and the model type ${modelType} beside it is not known here`}, and classes read the same keys differently; add it, or ${outOf}`,
      { code: "bad-file" },
    );
  }
  const written = String(stated);
  const name = written.replace(/(ImageProcessor(Fast|Pil)?|FeatureExtractor)$/, "");
  if (Object.hasOwn(otherProcessors, name))
    throw new UsageError(
      `${path} is of ${written}, which ${otherProcessors[name]}; it cannot be applied here, so prepare the images yourself and use --preprocessing none`,
      { code: "bad-file" },
    );
  if (!Object.hasOwn(processors, name))
    throw new UsageError(`${path} is of ${written}, whose steps are not known here; ${outOf}`, {
      code: "bad-file",
    });
  return { name: written, processor: processors[name], isFast: written.endsWith("Fast") };
}

/** Keys that the class reads. */
function keysOf({ processor, isFast }: Found): Set<string> {
  const { crop, cropPct, keys = [] } = processor;
  const known = new Set([...everywhere, ...keys]);
  if (crop !== undefined || isFast)
    for (const key of ["do_center_crop", "crop_size"]) known.add(key);
  if (cropPct !== undefined) known.add("crop_pct");
  return known;
}

function refuseUnknown(path: string, value: Readonly<Record<string, unknown>>, found: Found): void {
  const known = keysOf(found);
  for (const [key, setting] of Object.entries(value)) {
    // A switch that is off asks for nothing.
    if (known.has(key) || neutral.has(key) || setting === false) continue;
    throw new UsageError(
      `${path} has the key ${key} (${JSON.stringify(setting)?.slice(0, 60)}), which ${found.name} does not read; remove it if it has no effect, or ${outOf}`,
      { code: "bad-file" },
    );
  }
}

const sizeOf = (
  size: Stated["size"],
  whole: Processor["oneNumber"],
  byDefault: StatedSize,
): StatedSize => {
  if (size === undefined) return byDefault;
  if (typeof size !== "number") return size;
  return whole === "square" ? { height: size, width: size } : { shortest_edge: size };
};

/** What becomes of an image's sides. */
function sizingOf(path: string, said: Stated, found: Found): Preprocessing {
  const { processor, isFast } = found;
  const { crop: cropped, fast } = processor;
  const crops =
    said.do_center_crop ?? (isFast ? fast?.crops : undefined) ?? cropped?.byDefault ?? false;
  const stated = said.crop_size ?? cropped?.side;
  if (crops && stated === undefined)
    throw new UsageError(`${path} crops (do_center_crop), and states no crop_size; add it`, {
      code: "bad-file",
    });
  let crop: readonly [number, number] | null = null;
  if (crops && stated !== undefined)
    crop = typeof stated === "number" ? [stated, stated] : [stated.height, stated.width];
  const margin = { margin: "floor", fill: [0] } as const;
  if (!said.do_resize) {
    if (crop !== null && processor.sizing !== undefined && found.processor === processors.Perceiver)
      throw refused(path, "that images are cropped by a share and not resized", outOf);
    return crop === null ? {} : { crop, ...margin };
  }
  let whole = processor.oneNumber;
  if (said.default_to_square !== undefined)
    whole = said.default_to_square ? "square" : "shorter side";
  const size = sizeOf(said.size, whole, (isFast ? fast?.size : undefined) ?? processor.size);
  const settings = { size, crop, cropPct: said.crop_pct ?? processor.cropPct ?? null };
  const sizing = (processor.sizing ?? usualSizing)(settings);
  if (typeof sizing === "string")
    throw new UsageError(`${path} states for ${found.name} ${sizing}; correct it, or ${outOf}`, {
      code: "bad-file",
    });
  const interpolation = filterByPillow(path, said.resample ?? processor.resample);
  const isCropped = sizing.crop !== undefined || sizing.cut !== undefined;
  return isCropped ? { ...sizing, interpolation, ...margin } : { ...sizing, interpolation };
}

/** What becomes of a pixel: out = (white · x − offset − mean) / std for x in [0, 1], EfficientNet dividing by std twice. */
function pixelsOf(said: Stated, { processor }: Found): Preprocessing {
  const reads = (key: string) => processor.keys?.includes(key) === true;
  const white = said.do_rescale ? 255 * said.rescale_factor : 255;
  const offset = said.do_rescale && reads("rescale_offset") && said.rescale_offset ? 1 : 0;
  const order =
    reads("do_flip_channel_order") && said.do_flip_channel_order
      ? ({ channelOrder: "bgr" } as const)
      : {};
  const normalizes = said.do_normalize && processor.mean.length > 0;
  const again = reads("include_top") && said.include_top;
  const [mean, std] = [said.image_mean ?? processor.mean, said.image_std ?? processor.std];
  const divisions = Number(normalizes) + Number(again);
  const isUnit = Math.abs(white - 1) < 1e-6;
  if (divisions === 0 && offset === 0) return isUnit ? order : { scale: white, ...order };
  const by = isUnit ? 1 : white;
  return {
    mean: (normalizes ? mean : [0]).map((value) => (value + offset) / by),
    std: (divisions > 0 ? std : [1]).map((value) => value ** Math.max(divisions, 1) / by),
    ...order,
  };
}

/** The preprocessing of a processor's file; `modelType` is that of the model beside it. */
export function fromHuggingFace(
  path: string,
  value: Readonly<Record<string, unknown>>,
  modelType: string | undefined,
): Preprocessing {
  const stated = Object.fromEntries(
    Object.entries(value).filter(([, setting]) => setting !== null),
  );
  const found = processorOf(path, stated, modelType);
  refuseUnknown(path, stated, found);
  const said = parsedBy(Common, path, stated);
  return { ...pixelsOf(said, found), ...sizingOf(path, said, found) };
}
