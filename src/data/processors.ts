// The image processors of Hugging Face's transformers (4.57), one row per class. A class has a plain and a `Fast` variant, and
// older files call it `…FeatureExtractor`. test/golden/processors.py records what the classes themselves compute.
import type { Sizing } from "./sizing.ts";

/** A size as preprocessor_config.json states it, in pixels. */
export type StatedSize =
  | { readonly shortest_edge: number }
  | { readonly height: number; readonly width: number };

/** Arguments of a processor's own sizing rule. */
export interface SizeSettings {
  readonly size: StatedSize;
  /** Height and width of the crop; null without a crop. */
  readonly crop: readonly [number, number] | null;
  /** Side of the crop divided by the resized side. */
  readonly cropPct: number | null;
}

/** Steps of one processor class, and its defaults for keys that a file lacks. */
export interface Processor {
  /** `model_type` of the models that use the class, for files that name no class. */
  readonly models: readonly string[];
  readonly size: StatedSize;
  /** Meaning of a size that is a single number. */
  readonly oneNumber: "square" | "shorter side";
  /** Pillow's number of the filter. */
  readonly resample: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Side of the crop, and whether the class crops by default; absent if the plain class never crops. */
  readonly crop?: { readonly side: number; readonly byDefault: boolean };
  readonly cropPct?: number;
  /** Defaults of the `Fast` variant that differ. */
  readonly fast?: { readonly size: StatedSize; readonly crops: boolean };
  /** Keys that not every class reads. */
  readonly keys?: readonly string[];
  /** The class's own sizing rule, by default `usualSizing`; returns a problem in words if the settings are impossible. */
  readonly sizing?: (settings: SizeSettings) => Sizing | string;
}

const square = (side: number): StatedSize => ({ height: side, width: side });
const shorter = (side: number): StatedSize => ({ shortest_edge: side });

const HALF = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
const CLIP = {
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
};
/** A centre crop that the class applies by default. */
const cropTo = (side: number) => ({ side, byDefault: true });

/** A stated size as a list: [shorter side], or [height, width]. */
export const sidesOf = (size: StatedSize): readonly number[] =>
  "shortest_edge" in size ? [size.shortest_edge] : [size.height, size.width];

/** Resizes to the size, then crops the middle. */
export const usualSizing = ({ size, crop }: SizeSettings): Sizing => withCrop(sidesOf(size), crop);

const withCrop = (resize: readonly number[], crop: SizeSettings["crop"]): Sizing =>
  crop === null ? { resize } : { resize, crop };

/** From this side on, ConvNeXt resizes the whole image to a square instead of cropping. */
const CONVNEXT_SQUASHED_SIDE = 384;

function convNextSizing({ size, crop, cropPct }: SizeSettings): Sizing | string {
  if (!("shortest_edge" in size)) return "a height and a width, but it takes shortest_edge";
  const side = size.shortest_edge;
  if (side >= CONVNEXT_SQUASHED_SIDE) return withCrop([side, side], crop);
  if (crop !== null && (crop[0] !== side || crop[1] !== side))
    return `crop_size ${crop.join("×")} beside size ${side}, which is cropped to ${side}×${side} already`;
  return { resize: [Math.trunc(side / (cropPct ?? 1))], crop: [side, side] };
}

/** Resizes the shorter side to 256 for a crop of 224, and in that proportion for others. */
const levitSizing = ({ size, crop }: SizeSettings): Sizing =>
  usualSizing({
    size: "shortest_edge" in size ? shorter(Math.trunc((256 / 224) * size.shortest_edge)) : size,
    crop,
    cropPct: null,
  });

/** Resizes to size / crop_pct. */
function poolFormerSizing({ size, crop, cropPct }: SizeSettings): Sizing {
  if (cropPct === null) return usualSizing({ size, crop, cropPct });
  const [height, width = height] = sidesOf(size).map((side) => Math.trunc(side / cropPct));
  const scaled = height === width ? shorter(height) : { height, width };
  return usualSizing({ size: scaled, crop, cropPct });
}

/** Crops a share of the shorter side first, then resizes to the size. */
function perceiverSizing({ size, crop }: SizeSettings): Sizing | string {
  if ("shortest_edge" in size) return "shortest_edge, but it takes a height and a width";
  const resize = [size.height, size.width];
  return crop === null
    ? { resize }
    : { resize, cut: [size.height / crop[0], size.width / crop[1]] };
}

/** Processors by the name of their class without `ImageProcessor`. */
export const processors: Readonly<Record<string, Processor>> = {
  Beit: {
    models: ["beit", "data2vec-vision"],
    size: square(256),
    oneNumber: "square",
    resample: 3,
    ...HALF,
    crop: cropTo(224),
    fast: { size: square(224), crops: false },
    keys: ["do_reduce_labels"],
  },
  Bit: {
    models: ["bit", "dinov2", "dinov2_with_registers", "focalnet", "hiera"],
    size: shorter(224),
    oneNumber: "shorter side",
    resample: 3,
    ...CLIP,
    crop: cropTo(224),
  },
  Blip: { models: ["blip"], size: square(384), oneNumber: "square", resample: 3, ...CLIP },
  CLIP: {
    models: ["aimv2", "clip", "groupvit", "metaclip_2", "mlcd"],
    size: shorter(224),
    oneNumber: "shorter side",
    resample: 3,
    ...CLIP,
    crop: cropTo(224),
  },
  ChineseCLIP: {
    models: ["chinese_clip"],
    size: shorter(224),
    oneNumber: "shorter side",
    resample: 3,
    ...CLIP,
    crop: cropTo(224),
  },
  ConvNext: {
    models: ["convnext", "convnextv2", "cvt", "regnet", "resnet", "van"],
    size: shorter(384),
    oneNumber: "shorter side",
    resample: 2,
    ...HALF,
    cropPct: 224 / 256,
    sizing: convNextSizing,
  },
  DINOv3ViT: {
    models: ["dinov3_vit", "dinov3_convnext"],
    size: square(224),
    oneNumber: "square",
    resample: 2,
    ...IMAGENET,
  },
  DeiT: {
    models: ["deit"],
    size: square(256),
    oneNumber: "square",
    resample: 3,
    ...HALF,
    crop: cropTo(224),
  },
  EfficientFormer: {
    models: ["efficientformer"],
    size: square(224),
    oneNumber: "square",
    resample: 3,
    ...IMAGENET,
    crop: cropTo(224),
  },
  EfficientNet: {
    models: ["align", "efficientnet"],
    size: square(346),
    oneNumber: "square",
    resample: 0,
    ...HALF,
    crop: { side: 289, byDefault: false },
    keys: ["rescale_offset", "include_top"],
  },
  Levit: {
    models: ["levit"],
    size: shorter(224),
    oneNumber: "shorter side",
    resample: 3,
    ...IMAGENET,
    crop: cropTo(224),
    sizing: levitSizing,
  },
  MobileNetV1: {
    models: ["mobilenet_v1"],
    size: shorter(256),
    oneNumber: "shorter side",
    resample: 2,
    ...HALF,
    crop: cropTo(224),
  },
  MobileNetV2: {
    models: ["mobilenet_v2"],
    size: shorter(256),
    oneNumber: "shorter side",
    resample: 2,
    ...HALF,
    crop: cropTo(224),
    keys: ["do_reduce_labels"],
  },
  MobileViT: {
    models: ["mobilevit", "mobilevitv2"],
    size: shorter(224),
    oneNumber: "shorter side",
    resample: 2,
    mean: [],
    std: [],
    crop: cropTo(256),
    keys: ["do_flip_channel_order", "do_reduce_labels"],
  },
  Perceiver: {
    models: ["perceiver"],
    size: square(224),
    oneNumber: "square",
    resample: 3,
    ...IMAGENET,
    crop: cropTo(256),
    sizing: perceiverSizing,
  },
  PoolFormer: {
    models: ["poolformer"],
    size: shorter(224),
    oneNumber: "shorter side",
    resample: 3,
    ...IMAGENET,
    crop: cropTo(224),
    cropPct: 0.9,
    sizing: poolFormerSizing,
  },
  Pvt: {
    models: ["pvt", "pvt_v2"],
    size: square(224),
    oneNumber: "square",
    resample: 2,
    ...IMAGENET,
  },
  Segformer: {
    models: ["segformer"],
    size: square(512),
    oneNumber: "square",
    resample: 2,
    ...IMAGENET,
    keys: ["do_reduce_labels", "reduce_labels"],
  },
  Siglip: { models: ["siglip"], size: square(224), oneNumber: "square", resample: 3, ...HALF },
  ViT: {
    models: [
      "clipseg",
      "dinat",
      "ijepa",
      "nat",
      "swiftformer",
      "swin",
      "swinv2",
      "vit",
      "vit_mae",
      "vit_msn",
    ],
    size: square(224),
    oneNumber: "square",
    resample: 2,
    ...HALF,
  },
  ViTHybrid: {
    models: ["vit-hybrid", "vit_hybrid"],
    size: shorter(224),
    oneNumber: "shorter side",
    resample: 3,
    ...CLIP,
    crop: cropTo(224),
  },
};

/** Unsupported classes, with the reason: their networks do not take one image of fixed size. */
export const otherProcessors: Readonly<Record<string, string>> = {
  ImageGPT: "turns pixels into the nearest of its colour clusters, which has no gradient",
  Siglip2: "cuts images into patches of varying number",
  TextNet: "rounds sides up to multiples of its size_divisor",
  VideoMAE: "prepares videos",
  Vivit: "prepares videos",
};
