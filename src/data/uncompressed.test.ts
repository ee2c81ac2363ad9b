import { describe, expect, it } from "vitest";
import { decodeUncompressed } from "./uncompressed.ts";

const ascii = (text: string, ...rest: number[]) =>
  Uint8Array.of(...new TextEncoder().encode(text), ...rest);
const levels = (bytes: Uint8Array) => Array.from(decodeUncompressed(bytes)?.pixels ?? []);

/** A BMP of that many bits with its palette and rows, as Windows writes it. */
function bmp(width: number, height: number, bits: number, palette: number[], rows: number[]) {
  const view = new DataView(new ArrayBuffer(54));
  view.setUint16(0, 0x424d);
  view.setUint32(10, 54 + palette.length, true);
  view.setUint32(14, 40, true);
  view.setInt32(18, width, true);
  view.setInt32(22, height, true);
  view.setUint16(26, 1, true);
  view.setUint16(28, bits, true);
  return Uint8Array.of(...new Uint8Array(view.buffer), ...palette, ...rows);
}

describe("an image without compression", () => {
  // Levels are those of Pillow 12.3's convert("RGB").
  it.each([
    ["a text PPM with a comment", ascii("P3\n# c\n1 2\n255\n1 2 3\n4 5 6\n"), [1, 4, 2, 5, 3, 6]],
    ["a binary PPM", ascii("P6 1 1 255\n", 9, 8, 7), [9, 8, 7]],
    ["a PGM of another white", ascii("P5 2 1 100\n", 50, 33), [128, 84, 128, 84, 128, 84]],
    ["a PGM of 16 bits, clipped", ascii("P5 2 1 65535\n", 0, 9, 200, 0), [9, 255, 9, 255, 9, 255]],
    ["a PBM, whose 1 is black", ascii("P4 3 1\n", 0b10100000), [0, 255, 0, 0, 255, 0, 0, 255, 0]],
    ["a text PBM", ascii("P1\n2 1\n10"), [0, 255, 0, 255, 0, 255]],
    [
      "a BMP of 24 bits, rows from below",
      bmp(1, 2, 24, [], [3, 2, 1, 0, 6, 5, 4, 0]),
      [4, 1, 5, 2, 6, 3],
    ],
    ["a BMP from above", bmp(1, -2, 24, [], [3, 2, 1, 0, 6, 5, 4, 0]), [1, 4, 2, 5, 3, 6]],
    [
      "a BMP of 1 bit",
      bmp(2, 1, 1, [0, 0, 0, 0, 9, 8, 7, 0], [0b01000000, 0, 0, 0]),
      [0, 7, 0, 8, 0, 9],
    ],
    [
      "a BMP of 4 bits",
      bmp(2, 1, 4, [0, 0, 0, 0, 9, 8, 7, 0], [0x10, 0, 0, 0]),
      [7, 0, 8, 0, 9, 0],
    ],
  ])("is read: %s", (_, bytes, expected) => {
    expect(levels(bytes)).toEqual(expected);
  });

  it.each([
    ["truncated", ascii("P6 2 2 255\n", 1), /truncated/],
    ["truncated BMP", bmp(9, 9, 24, [], [1]), /truncated/],
    ["of absurd size", ascii("P5 99999 99999 255\n"), /header states 99999×99999/],
    ["of a strange kind", bmp(1, 1, 16, [], [0, 0, 0, 0]), /BMP of 16 bits/],
    ["without a header", ascii("P6 what"), /header cannot be read/],
  ])("is refused when %s", (_, bytes, message) => {
    expect(() => decodeUncompressed(bytes)).toThrow(message);
  });

  it("is not what other formats are", () => {
    expect(decodeUncompressed(Uint8Array.of(0x89, 0x50, 0x4e))).toBeNull();
  });
});
