// Decodes images as Pillow does, with sharp (libvips) and our own readers of BMP and PNM.
import type { Sharp } from "sharp";
import type { DecodedImage, Image } from "../data-files.ts";
import { type ImageRules, type ImageTrait, onBackground, pillowRules } from "../image-rules.ts";
import { decodeUncompressed } from "../uncompressed.ts";

/** Pixels of the largest image; a quarter of sharp's own limit. */
const MAX_PIXELS = 2 ** 26;

/** Readers of libvips that are allowed. Those of drawings and documents stay blocked, whatever a file is called. */
const readers = ["Jpeg", "Png", "Webp", "Nsgif", "Tiff", "Heif"];

async function openSharp() {
  const { default: sharp } = await import("sharp");
  sharp.block({ operation: ["VipsForeignLoad"] });
  sharp.unblock({ operation: readers.map((name) => `VipsForeignLoad${name}`) });
  return sharp;
}

/** One level of red, green or blue of the CMYK pixel at `at`, converted without a profile as Pillow does. */
function fromCmyk(data: Uint8Array, at: number, channel: number): number {
  const light = 255 - data[at + 3];
  const product = data[at + channel] * light + 128;
  return Math.max(0, light - ((product + (product >> 8)) >> 8));
}

/** Raw samples of sharp, [height, width, channel]. */
interface Raw {
  readonly data: Uint8Array;
  readonly info: { readonly width: number; readonly height: number; readonly channels: number };
}

/** An image [3, height, width]; `level` gives one channel of the pixel whose samples begin at `at`. */
function planes({ info }: Raw, level: (at: number, channel: number) => number): Image {
  const { width, height, channels } = info;
  const area = width * height;
  const pixels = new Uint8Array(3 * area);
  for (let c = 0; c < 3; c++)
    for (let i = 0; i < area; i++) pixels[c * area + i] = level(i * channels, c);
  return { shape: [3, height, width], pixels };
}

/** 16-bit grey as 8 bits: clipped at 255 as Pillow does, or divided by 257. */
async function decodeGrey16(image: Sharp, { imageGrey16 }: ImageRules): Promise<Image> {
  const raw = await image
    .toColourspace("grey16")
    .raw({ depth: "ushort" })
    .toBuffer({ resolveWithObject: true });
  const { buffer, byteOffset, byteLength } = raw.data;
  const levels = new Uint16Array(buffer.slice(byteOffset, byteOffset + byteLength));
  const isScaled = imageGrey16 === "scale";
  return planes(raw, (at) => (isScaled ? Math.round(levels[at] / 257) : Math.min(levels[at], 255)));
}

async function decodeCmyk(image: Sharp): Promise<Image> {
  const raw = await image
    .pipelineColourspace("cmyk")
    .toColourspace("cmyk")
    .raw()
    .toBuffer({ resolveWithObject: true });
  return planes(raw, (at, channel) => fromCmyk(raw.data, at, channel));
}

/** An image in grey or sRGB, with or without alpha; `isTransparent` if a pixel is not fully opaque. */
async function decodeSrgb(
  image: Sharp,
  { imageAlpha }: ImageRules,
): Promise<{ readonly decoded: Image; readonly isTransparent: boolean }> {
  const raw = await image.toColourspace("srgb").raw().toBuffer({ resolveWithObject: true });
  const { data, info } = raw;
  const count = info.channels;
  const alphaAt = count === 2 || count === 4 ? count - 1 : -1;
  const isTransparent =
    alphaAt >= 0 && data.some((level, i) => i % count === alphaAt && level < 255);
  const background = imageAlpha === "white" ? 255 : 0;
  const decoded = planes(raw, (at, channel) => {
    const level = data[at + (count < 3 ? 0 : channel)];
    if (!isTransparent || imageAlpha === "drop") return level;
    return onBackground(level, data[at + alphaAt], background);
  });
  return { decoded, isTransparent };
}

/**
 * Decodes a JPEG, PNG, WebP, GIF, TIFF, AVIF, BMP or PNM into bytes [3, height, width], as Pillow's convert("RGB") does
 * unless the rules differ. Rejects for anything else, and for more than 2²⁶ pixels.
 */
export async function decodeImage(
  bytes: Uint8Array,
  rules: ImageRules = pillowRules,
): Promise<DecodedImage> {
  const uncompressed = decodeUncompressed(bytes);
  if (uncompressed !== null) return { ...uncompressed, traits: [] };
  const sharp = await openSharp();
  const input = sharp(bytes, { limitInputPixels: MAX_PIXELS, ignoreIcc: true });
  const { space, depth, channels, orientation = 1 } = await input.metadata();
  const image = rules.imageExif === "apply" ? input.autoOrient() : input;
  const traits: ImageTrait[] = orientation === 1 ? [] : ["exif"];
  if (space === "grey16" && depth === "ushort" && channels === 1)
    return { ...(await decodeGrey16(image, rules)), traits: [...traits, "grey16"] };
  if (space === "cmyk") return { ...(await decodeCmyk(image)), traits: [...traits, "cmyk"] };
  const { decoded, isTransparent } = await decodeSrgb(image, rules);
  if (isTransparent) traits.push("alpha");
  return { ...decoded, traits };
}
