import { beforeEach, expect, it } from "vitest";
import { MAX_ZOOM, moveBy, zoom, zoomBy, zoomOut } from "./zoom.ts";

beforeEach(zoomOut);

/** The share of the image that is shown at a share of the frame. */
const shownAt = (at: number, centre: number) => centre + (at - 0.5) / zoom.value.scale;

it("keeps the point under the pointer where it is", () => {
  zoomBy(2);
  const before = [shownAt(0.6, zoom.value.x), shownAt(0.45, zoom.value.y)];
  zoomBy(3, 0.6, 0.45);
  expect(zoom.value.scale).toBe(6);
  expect(shownAt(0.6, zoom.value.x)).toBeCloseTo(before[0]);
  expect(shownAt(0.45, zoom.value.y)).toBeCloseTo(before[1]);
});

it("never shows more than the image, nor a pixel larger than sixteen times", () => {
  zoomBy(100, 0, 1);
  expect(zoom.value.scale).toBe(MAX_ZOOM);
  moveBy(5, -5);
  const { scale, x, y } = zoom.value;
  expect([x, y]).toEqual([0.5 / scale, 1 - 0.5 / scale]);
  zoomBy(1e-3);
  expect(zoom.value).toEqual({ scale: 1, x: 0.5, y: 0.5 });
});

it("moves the image with the pointer: to the right shows what is left of it", () => {
  zoomBy(4);
  moveBy(0.4, 0);
  expect(zoom.value.x).toBeCloseTo(0.4);
});
