// How a network's pictures were prepared, from the files that people have: our own names, Hugging Face's
// preprocessor_config.json, timm's config.json.

import { z } from "zod";
import { UsageError } from "../math/usage-error.ts";
import { filterNames } from "./resize.ts";
import { describeSizing, type Sizing } from "./sizing.ts";

const PerChannel = z.union([z.number(), z.array(z.number()).min(1)]).transform((v) => [v].flat());
/** Pixels of a side that pictures may be brought to. */
const MOST_SIDE = 2 ** 14;
const Side = z.int().positive().max(MOST_SIDE);
const Sides = z
  .union([Side, z.array(Side).min(1).max(2)])
  .transform((v): readonly number[] => [v].flat());

/** The names of the command line's flags. */
const Own = z.strictObject({
  mean: PerChannel.optional(),
  std: PerChannel.optional(),
  scale: z.number().positive().optional(),
  layout: z.enum(["nchw", "nhwc"]).optional(),
  resize: Sides.optional(),
  crop: Sides.optional(),
  interpolation: z.enum(filterNames).optional(),
});

/** What a file says of its pictures: what is done to a picture file, then to pixels in [0, 1]. */
export interface Preprocessing extends Sizing {
  readonly mean?: readonly number[] | undefined;
  readonly std?: readonly number[] | undefined;
  readonly scale?: number | undefined;
  readonly layout?: "nchw" | "nhwc" | undefined;
}

const HeightWidth = z.object({ height: Side, width: Side });

/** Hugging Face's image processors; missing switches are on, as there. */
const HuggingFace = z.object({
  do_resize: z.boolean().default(true),
  size: z.union([Side, z.object({ shortest_edge: Side }), HeightWidth]).optional(),
  resample: z.int().optional(),
  do_center_crop: z.boolean().optional(),
  crop_size: z.union([Side, HeightWidth]).optional(),
  crop_pct: z.number().positive().max(1).nullish(),
  do_rescale: z.boolean().default(true),
  rescale_factor: z
    .number()
    .positive()
    .default(1 / 255),
  do_normalize: z.boolean().default(true),
  image_mean: PerChannel.optional(),
  image_std: PerChannel.optional(),
  do_flip_channel_order: z.boolean().optional(),
  image_processor_type: z.string().optional(),
  feature_extractor_type: z.string().optional(),
});

/** timm's pretrained_cfg. */
const Timm = z.object({
  mean: PerChannel.optional(),
  std: PerChannel.optional(),
  input_size: z.array(Side).length(3),
  crop_pct: z.number().positive().nullish(),
  crop_mode: z.string().default("center"),
  interpolation: z.string().default("bilinear"),
});

/** Pillow's numbers of its filters. */
const pillowFilters = ["nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"];

const refused = (path: string, what: string, instead: string): UsageError =>
  new UsageError(`${path} says ${what}, which is not done here; ${instead}`);

function filterOf(path: string, name: string): (typeof filterNames)[number] {
  const found = filterNames.find((known) => known === name);
  if (found === undefined)
    throw refused(
      path,
      `that pictures are resized by ${name}`,
      `give the nearest of ${filterNames.join(" and ")} and the other settings by flags, with --preprocessing none`,
    );
  return found;
}

/** A processor that gives a whole number as size means the shorter side if it also crops (CLIP), else a square (ViT). */
function fromHuggingFace(path: string, said: z.output<typeof HuggingFace>): Preprocessing {
  const { do_center_crop: crops = said.crop_size !== undefined, size, crop_size: cut } = said;
  const kind = said.image_processor_type ?? said.feature_extractor_type ?? "";
  if (said.do_flip_channel_order === true)
    throw refused(
      path,
      "that channels are flipped to blue, green, red",
      "export the network with the flip inside",
    );
  const { rescale_factor: factor } = said;
  // The network gets (255 · factor · x − mean) / std of a pixel x in [0, 1].
  const white = said.do_rescale ? 255 * factor : 255;
  const unit = Math.abs(white - 1) < 1e-6;
  const rescaled = (values: readonly number[]) =>
    unit ? [...values] : values.map((value) => value / white);
  const { image_mean: mean = [0], image_std: std = [1] } = said;
  const pixels = said.do_normalize
    ? { mean: rescaled(mean), std: rescaled(std) }
    : unit
      ? {}
      : { scale: white };
  const pair = (one: number | z.output<typeof HeightWidth>): readonly number[] =>
    typeof one === "number" ? [one] : [one.height, one.width];
  const shortest = typeof size === "object" && "shortest_edge" in size ? size.shortest_edge : null;
  if (!said.do_resize || size === undefined)
    return { ...pixels, ...(crops && cut !== undefined && { crop: pair(cut) }) };
  const interpolation = filterOf(path, pillowFilters[said.resample ?? 2] ?? String(said.resample));
  // ConvNeXt's: below 384 pixels a middle part of crop_pct, else the whole picture as a square.
  if (said.crop_pct != null && shortest !== null)
    return shortest < 384
      ? {
          ...{ ...pixels, interpolation, crop: [shortest] },
          resize: [Math.trunc(shortest / said.crop_pct)],
        }
      : { ...pixels, interpolation, resize: [shortest, shortest] };
  const side = shortest ?? (typeof size === "number" ? size : null);
  const bySide = shortest !== null || crops || kind.startsWith("CLIP");
  const resize =
    side === null ? pair(size as z.output<typeof HeightWidth>) : bySide ? [side] : [side, side];
  return { ...pixels, interpolation, resize, ...(crops && { crop: pair(cut ?? side ?? 224) }) };
}

function fromTimm(path: string, said: z.output<typeof Timm>): Preprocessing {
  const [, height, width] = said.input_size;
  const { mean, std, crop_mode: mode, interpolation } = said;
  if (mode !== "center" && mode !== "squash")
    throw refused(path, `crop_mode ${mode}`, "bring the pictures to size yourself");
  const whole = (side: number) => Math.floor(side / (said.crop_pct ?? 0.875));
  if (height !== width && mode === "center")
    throw refused(path, `pictures of ${width}×${height}`, "bring them to size yourself");
  return {
    ...(mean !== undefined && { mean }),
    ...(std !== undefined && { std }),
    resize: mode === "center" ? [whole(height)] : [whole(height), whole(width)],
    crop: height === width ? [height] : [height, width],
    interpolation: filterOf(path, interpolation === "random" ? "bilinear" : interpolation),
  };
}

/** What the file was, and what it says; null where it is no description of preprocessing. */
export interface FoundPreprocessing {
  readonly format: "rampart" | "Hugging Face" | "timm";
  readonly preprocessing: Preprocessing;
}

/** Problems that a message lists. */
const SHOWN = 5;

/** What crop_pct made of a side may be nothing, or more than any machine holds. */
function sized(path: string, preprocessing: Preprocessing): Preprocessing {
  const { resize = [], crop = [] } = preprocessing;
  const wrong = [...resize, ...crop].find((side) => !(side >= 1 && side <= MOST_SIDE));
  if (wrong !== undefined)
    throw new UsageError(
      `${path} brings pictures to a side of ${wrong} pixels, where 1 to ${MOST_SIDE} are possible; correct its size or crop_pct`,
    );
  return preprocessing;
}

function parsedBy<S extends z.ZodType>(schema: S, path: string, value: unknown): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path: at, message }) =>
    [at.join("."), message].filter(Boolean).join(": "),
  );
  const more = problems.length - SHOWN;
  throw new UsageError(
    `${path} cannot be used as preprocessing: ${problems.slice(0, SHOWN).join("; ")}${more > 0 ? `; and ${more} more` : ""}`,
  );
}

/** The preprocessing in the text of a JSON file, whichever of the known forms it has; null for any other JSON. */
export function parsePreprocessing(text: string, path: string): FoundPreprocessing | null {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    throw new UsageError(`${path} is not JSON: ${(error as Error).message}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const has = (...names: string[]) => names.some((name) => Object.hasOwn(value, name));
  const inner = (value as { readonly pretrained_cfg?: unknown }).pretrained_cfg;
  if (inner !== undefined || has("input_size"))
    return {
      format: "timm",
      preprocessing: sized(path, fromTimm(path, parsedBy(Timm, path, inner ?? value))),
    };
  if (has("image_mean", "image_std", "do_normalize", "do_rescale", "do_resize"))
    return {
      format: "Hugging Face",
      preprocessing: sized(path, fromHuggingFace(path, parsedBy(HuggingFace, path, value))),
    };
  return has(...Object.keys(Own.shape))
    ? { format: "rampart", preprocessing: parsedBy(Own, path, value) }
    : null;
}

/** The preprocessing in words: `mean 0.485, 0.456, 0.406, std …, resized to a shorter side of 256 (bicubic)`. */
export function describePreprocessing(found: Preprocessing): string {
  const { mean, std, scale, layout } = found;
  const sized = describeSizing(found);
  return [
    ...(mean === undefined ? [] : [`mean ${mean.join(", ")}`]),
    ...(std === undefined ? [] : [`std ${std.join(", ")}`]),
    ...(scale === undefined ? [] : [`white is ${scale}`]),
    ...(layout === undefined ? [] : [`layout ${layout}`]),
    ...(sized === "" ? [] : [sized]),
  ].join("; ");
}
