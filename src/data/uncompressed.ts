// BMP and PNM (PBM, PGM, PPM) images, which sharp does not read. Levels are those of Pillow's convert("RGB").
import { sizeOf } from "../math/tensor.ts";
import type { Image } from "./data-files.ts";

/** Pixels that an image may have. */
const MAX_PIXELS = 2 ** 26;

function checkedSize(width: number, height: number): void {
  if (!(width > 0 && height > 0 && width * height <= MAX_PIXELS))
    throw new Error(`its header states ${width}×${height} pixels`);
}

/** An image whose pixel (x, y) has these levels of red, green and blue. */
function imageOf(
  width: number,
  height: number,
  levels: (x: number, y: number) => readonly [number, number, number],
): Image {
  const shape = [3, height, width];
  const pixels = new Uint8Array(sizeOf(shape));
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
  checkedSize(width, height);
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

/** The numbers of a PNM header, comments left out, and where the pixels begin. */
function pnmHeader(bytes: Uint8Array, count: number): { numbers: number[]; start: number } {
  const text = new TextDecoder("latin1").decode(bytes.subarray(0, 2 ** 12));
  const pattern = new RegExp(`^P\\d${"(?:\\s|#[^\\n]*\\n)+(\\d+)".repeat(count)}\\s`);
  const match = pattern.exec(text);
  if (match === null) throw new Error("its header cannot be read");
  return { numbers: match.slice(1).map(Number), start: match[0].length };
}

/** Samples of a text or binary PNM, `count` of them. */
function pnmSamples(
  bytes: Uint8Array,
  kind: number,
  most: number,
  count: number,
): ArrayLike<number> {
  if (kind <= 3) {
    const text = new TextDecoder("latin1").decode(bytes).replace(/#[^\n]*/g, " ");
    const words = kind === 1 ? text.replace(/\s/g, "").split("") : text.trim().split(/\s+/);
    if (words.length < count) throw truncated();
    return words.slice(0, count).map(Number);
  }
  const wide = most > 255 ? 2 : 1;
  if (bytes.length < wide * count) throw truncated();
  if (wide === 1) return bytes.subarray(0, count);
  return Uint16Array.from({ length: count }, (_, i) => 256 * bytes[2 * i] + bytes[2 * i + 1]);
}

function decodePnm(bytes: Uint8Array): Image {
  const kind = bytes[1] - 48;
  const isBits = kind === 1 || kind === 4;
  const channels = kind === 3 || kind === 6 ? 3 : 1;
  const { numbers, start } = pnmHeader(bytes, isBits ? 2 : 3);
  const [width, height, most = 1] = numbers;
  checkedSize(width, height);
  if (!(most >= 1 && most < 65_536)) throw new Error(`its largest level is ${most}`);
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
  const samples = pnmSamples(body, kind, most, channels * width * height);
  function level(sample: number): number {
    if (isBits) return sample === 1 ? 0 : 255;
    // Pillow reads grey of more than 8 bits as 16 bits, and clips those.
    if (channels === 1 && most > 255) return Math.min(Math.round((sample / most) * 65_535), 255);
    return Math.min(Math.round((sample / most) * 255), 255);
  }
  return imageOf(width, height, (x, y) => {
    const at = channels * (y * width + x);
    const [r, g, b] = [0, 1, 2].map((c) => level(samples[at + (channels === 3 ? c : 0)]));
    return [r, g, b];
  });
}

/** The image in the bytes of a BMP or a PNM; null for another format. Fails for one that is damaged. */
export function decodeUncompressed(bytes: Uint8Array): Image | null {
  if (bytes[0] === 0x42 && bytes[1] === 0x4d) return decodeBmp(bytes);
  if (bytes[0] === 0x50 && bytes[1] >= 49 && bytes[1] <= 54) return decodePnm(bytes);
  return null;
}
