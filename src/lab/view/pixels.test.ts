import { afterEach, expect, it, vi } from "vitest";
import { amplified, rgbaOf } from "./pixels.ts";

/** What a browser has. */
class FakeImageData {
  readonly data: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.data = new Uint8ClampedArray(4 * width * height);
  }
}

afterEach(() => vi.unstubAllGlobals());

it("shows an unchanged pixel grey, and a difference as often as the gain says, up to black and white", () => {
  const clean = Float32Array.of(0.5, 0.5, 0.5, 0.5);
  const now = Float32Array.of(0.5, 0.53, 0.25, 0.9);
  const found = [...amplified(now, clean, 8)];
  expect(found).toEqual([0.5, expect.closeTo(0.74), 0, 1]);
});

it("takes the channels of a pixel from the planes of an image, rows first", () => {
  vi.stubGlobal("ImageData", FakeImageData);
  // [3, 1, 2]: the left pixel is (1, 0, 0.2), the right one (0, 1, 0.4).
  const { data, width, height } = rgbaOf([1, 0, 0, 1, 0.2, 0.4], [3, 1, 2]);
  expect([width, height]).toEqual([2, 1]);
  expect([...data]).toEqual([255, 0, 51, 255, 0, 255, 102, 255]);
});

it("shows one channel as grey", () => {
  vi.stubGlobal("ImageData", FakeImageData);
  const { data, width, height } = rgbaOf([0, 0.2, 1], [1, 3, 1]);
  expect([width, height]).toEqual([1, 3]);
  expect([...data]).toEqual([0, 0, 0, 255, 51, 51, 51, 255, 255, 255, 255, 255]);
});
