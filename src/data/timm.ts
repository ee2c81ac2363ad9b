// timm's config.json (`pretrained_cfg`), read as timm.data.resolve_data_config and transforms_imagenet_eval read it.
import { z } from "zod";
import { type Shape, sizeOf } from "../math/tensor.ts";
import type { Preprocessing } from "./preprocessing.ts";
import { filterNamed, PerChannel, parsedBy, Side } from "./preprocessing-fields.ts";

const Size = z.array(Side).length(3);
const Unread = z.unknown().optional();

/** The fields of timm's PretrainedCfg; those without an effect on pixels may hold anything. */
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
const CROP_PCT = 0.875;

/**
 * The preprocessing of timm's `value`. `input` is the shape that the network takes, where it is known: one exported at
 * `test_input_size` is prepared with `test_crop_pct`.
 */
export function fromTimm(path: string, value: unknown, input?: Shape): Preprocessing {
  const said = parsedBy(Timm, path, value);
  const test = said.test_input_size ?? said.input_size;
  const isTest =
    input !== undefined &&
    sizeOf(input) === sizeOf(test) &&
    sizeOf(test) !== sizeOf(said.input_size);
  const [, height, width] = isTest ? test : said.input_size;
  const pct = (isTest ? said.test_crop_pct : null) ?? said.crop_pct ?? CROP_PCT;
  const [tall, wide] = [height, width].map((side) => Math.floor(side / pct));
  const { mean = IMAGENET.mean, std = IMAGENET.std } = said;
  const interpolation = filterNamed(path, said.interpolation ?? "bicubic");
  const shared = { mean, std, interpolation, crop: [height, width] };
  switch (said.crop_mode ?? "center") {
    case "squash":
      return { ...shared, resize: [tall, wide], fill: [0] };
    case "border": {
      const fill = mean.map((level) => Math.round(255 * level));
      return { ...shared, resize: [tall, wide], fit: "contain", fill };
    }
    default:
      if (tall === wide) return { ...shared, resize: [tall], fill: [0] };
      // timm hands its filter on only where the shorter side is scaled.
      return {
        ...shared,
        resize: [tall, wide],
        fit: "cover",
        interpolation: "bilinear",
        fill: [0],
      };
  }
}
