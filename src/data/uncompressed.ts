// Decodes BMP and PNM (PBM, PGM, PPM), which sharp does not read, to the levels of Pillow's convert("RGB").
import { elementCount } from "../math/tensor.ts";
import type { Image } from "./data-files.ts";

/** Pixels of the largest image. */
const MAX_PIXELS = 2 ** 26;

function requireSize(width: number, height: number): void {
  if (!(width > 0 && height > 0 && width * height <= MAX_PIXELS))
    throw new Error(`its header states ${width}×${height} pixels`);
}

/** An image [3, height, width] from the levels of red, green and blue of each pixel (x, y). */
function imageOf(
  width: number,
  height: number,
  levels: (x: number, y: number) => readonly [number, number, number],
): Image {
  const shape = [3, height, width];
  const pixels = new Uint8Array(elementCount(shape));
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const rgb = levels(x, y);
      for (let c = 0; c < 3; c++) pixels[(c * height + y) * width + x] = rgb[c];
    }
  return { shape, pixels };
}

const truncated = (): Error => new Error("it is truncated");

function decodeBmp(bytes: Uint8Array): Image {
  if (bytes.length < 54) throw truncated();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [start, header] = [view.getUint32(10, true), view.getUint32(14, true)];
  const [width, signed] = [view.getInt32(18, true), view.getInt32(22, true)];
  const [bits, compression] = [view.getUint16(28, true), view.getUint32(30, true)];
  const height = Math.abs(signed);
  requireSize(width, height);
  const isPlain = compression === 0 || (compression === 3 && bits === 32);
  if (header < 40 || !isPlain || ![1, 4, 8, 24, 32].includes(bits))
    throw new Error(`it is a BMP of ${bits} bits with compression ${compression}; save it as PNG`);
  const stride = 4 * Math.ceil((width * bits) / 32);
  if (start + stride * height > bytes.length) throw truncated();
  const palette = 14 + header;
  const perByte = 8 / bits;
  return imageOf(width, height, (x, y) => {
    const row = start + stride * (signed > 0 ? height - 1 - y : y);
    let at = row + (x * bits) / 8;
    if (bits <= 8) {
      const byte = bytes[row + Math.floor(x / perByte)];
      const index = (byte >> (8 - bits * ((x % perByte) + 1))) & (2 ** bits - 1);
      at = palette + 4 * index;
    }
    return [bytes[at + 2], bytes[at + 1], bytes[at]];
  });
}

/** The `count` numbers of a PNM header, without comments, and the offset of the pixels. */
function pnmHeader(bytes: Uint8Array, count: number): { numbers: number[]; start: number } {
  const text = new TextDecoder("latin1").decode(bytes.subarray(0, 2 ** 12));
  const pattern = new RegExp(`^P\\d${"(?:\\s|#[^\\n]*\\n)+(\\d+)".repeat(count)}\\s`);
  const match = pattern.exec(text);
  if (match === null) throw new Error("its header cannot be read");
  return { numbers: match.slice(1).map(Number), start: match[0].length };
}

/** The first `count` samples of a PNM, kinds 1 to 3 being text and 4 to 6 binary. */
function pnmSamples(
  bytes: Uint8Array,
  kind: number,
  maxLevel: number,
  count: number,
): ArrayLike<number> {
  if (kind <= 3) {
    const text = new TextDecoder("latin1").decode(bytes).replace(/#[^\n]*/g, " ");
    const words = kind === 1 ? text.replace(/\s/g, "").split("") : text.trim().split(/\s+/);
    if (words.length < count) throw truncated();
    return words.slice(0, count).map(Number);
  }
  const width = maxLevel > 255 ? 2 : 1;
  if (bytes.length < width * count) throw truncated();
  if (width === 1) return bytes.subarray(0, count);
  return Uint16Array.from({ length: count }, (_, i) => 256 * bytes[2 * i] + bytes[2 * i + 1]);
}

function decodePnm(bytes: Uint8Array): Image {
  const kind = bytes[1] - 48;
  const isBits = kind === 1 || kind === 4;
  const channels = kind === 3 || kind === 6 ? 3 : 1;
  const { numbers, start } = pnmHeader(bytes, isBits ? 2 : 3);
  const [width, height, maxLevel = 1] = numbers;
  requireSize(width, height);
  if (!(maxLevel >= 1 && maxLevel < 65_536)) throw new Error(`its largest level is ${maxLevel}`);
  const body = bytes.subarray(start);
  const stride = Math.ceil(width / 8);
  if (kind === 4) {
    if (body.length < stride * height) throw truncated();
    return imageOf(width, height, (x, y) => {
      const isBlack = (body[y * stride + (x >> 3)] >> (7 - (x & 7))) & 1;
      const level = isBlack === 1 ? 0 : 255;
      return [level, level, level];
    });
  }
  const samples = pnmSamples(body, kind, maxLevel, channels * width * height);
  function level(sample: number): number {
    if (isBits) return sample === 1 ? 0 : 255;
    // Pillow reads grey of more than 8 bits as 16 bits and clips it at 255.
    if (channels === 1 && maxLevel > 255)
      return Math.min(Math.round((sample / maxLevel) * 65_535), 255);
    return Math.min(Math.round((sample / maxLevel) * 255), 255);
  }
  return imageOf(width, height, (x, y) => {
    const at = channels * (y * width + x);
    const [r, g, b] = [0, 1, 2].map((c) => level(samples[at + (channels === 3 ? c : 0)]));
    return [r, g, b];
  });
}

/** Decodes a BMP or PNM; null for another format. Throws an `Error` in a few words for a damaged file. */
export function decodeUncompressed(bytes: Uint8Array): Image | null {
  if (bytes[0] === 0x42 && bytes[1] === 0x4d) return decodeBmp(bytes);
  if (bytes[0] === 0x50 && bytes[1] >= 49 && bytes[1] <= 54) return decodePnm(bytes);
  return null;
}
