import { drawShapes } from "../../data/shapes.ts";
import { shapeClasses } from "../../data/shapes-image.ts";
import type { Picture } from "../protocol.ts";

const SHAPE = [3, 32, 32] as const;

/** The first `count` test images of `shapes`, each drawn on its own: all 5000 would take a second. */
export function shapesPictures(count: number): Picture[] {
  const { pixels, labels } = drawShapes("test", count);
  const row = pixels.length / labels.length;
  return Array.from(labels, (label, i) => ({
    name: `shapes ${i}, ${shapeClasses[label]}`,
    pixels: new Float32Array(pixels.subarray(i * row, (i + 1) * row)).map((level) => level / 255),
    shape: SHAPE,
    label,
  }));
}
