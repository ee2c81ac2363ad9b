// Reads timm's config.json (`pretrained_cfg`) like timm.data.resolve_data_config and transforms_imagenet_eval.
import { z } from "zod";
import { elementCount, type Shape } from "../math/tensor.ts";
import type { Preprocessing } from "./preprocessing.ts";
import { filterNamed, PerChannel, parsedBy, Side } from "./preprocessing-fields.ts";

/** [channel, height, width]. */
const Size = z.array(Side).length(3);
/** A field without an effect on pixels. */
const Unread = z.unknown().optional();

/** Fields of timm's PretrainedCfg. */
const Timm = z.strictObject({
  mean: PerChannel.optional(),
  std: PerChannel.optional(),
  input_size: Size,
  test_input_size: Size.nullish(),
  min_input_size: Unread,
  fixed_input_size: z.boolean().optional(),
  crop_pct: z.number().positive().nullish(),
  test_crop_pct: z.number().positive().nullish(),
  crop_mode: z.enum(["center", "squash", "border"]).nullish(),
  interpolation: z.string().nullish(),
  url: Unread,
  file: Unread,
  state_dict: Unread,
  hf_hub_id: Unread,
  hf_hub_filename: Unread,
  source: Unread,
  architecture: Unread,
  tag: Unread,
  custom_load: Unread,
  num_classes: Unread,
  label_offset: Unread,
  label_names: Unread,
  label_descriptions: Unread,
  pool_size: Unread,
  test_pool_size: Unread,
  first_conv: Unread,
  classifier: Unread,
  license: Unread,
  description: Unread,
  origin_url: Unread,
  notes: Unread,
  paper_name: Unread,
  paper_ids: Unread,
  global_pool: Unread,
  patch_size: Unread,
  num_features: Unread,
  feature_info: Unread,
});

const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
/** timm's default crop_pct. */
const CROP_PCT = 0.875;

/**
 * The preprocessing that timm's config states. `input` is the network's input shape, if known: a network that was exported at
 * `test_input_size` uses `test_crop_pct`. Throws a UsageError for fields that timm does not have.
 */
export function fromTimm(path: string, value: unknown, input?: Shape): Preprocessing {
  const config = parsedBy(Timm, path, value);
  const test = config.test_input_size ?? config.input_size;
  const isTest =
    input !== undefined &&
    elementCount(input) === elementCount(test) &&
    elementCount(test) !== elementCount(config.input_size);
  const [, height, width] = isTest ? test : config.input_size;
  const pct = (isTest ? config.test_crop_pct : null) ?? config.crop_pct ?? CROP_PCT;
  const [resizedHeight, resizedWidth] = [height, width].map((side) => Math.floor(side / pct));
  const { mean = IMAGENET.mean, std = IMAGENET.std } = config;
  const interpolation = filterNamed(path, config.interpolation ?? "bicubic");
  const shared = { mean, std, interpolation, crop: [height, width] };
  switch (config.crop_mode ?? "center") {
    case "squash":
      return { ...shared, resize: [resizedHeight, resizedWidth], fill: [0] };
    case "border": {
      const fill = mean.map((level) => Math.round(255 * level));
      return { ...shared, resize: [resizedHeight, resizedWidth], fit: "contain", fill };
    }
    default:
      if (resizedHeight === resizedWidth) return { ...shared, resize: [resizedHeight], fill: [0] };
      // timm passes its filter on only if the shorter side is resized; ResizeKeepRatio then uses its default.
      return {
        ...shared,
        resize: [resizedHeight, resizedWidth],
        fit: "cover",
        interpolation: "bilinear",
        fill: [0],
      };
  }
}
