import type { Form } from "./shapes-outlines.ts";

/** Height and width of an image in pixels. */
export const SIDE = 32;
const AREA = SIDE * SIDE;

/** Red, green and blue in [0, 1]. */
export type Color = readonly [number, number, number];

/** An image being painted. */
export interface Canvas {
  /** [3, 32, 32]; values may leave [0, 1]. */
  readonly pixels: Float64Array;
  /** Paints a form of this radius around (x, y). Its edge is antialiased over one pixel. */
  paint(form: Form, x: number, y: number, radius: number, color: Color): void;
}

/** A canvas of one colour whose brightness rises by `right` from left to right and by `down` from top to bottom. */
export function canvas(background: Color, right: number, down: number): Canvas {
  const pixels = new Float64Array(3 * AREA);
  for (let y = 0; y < SIDE; y++)
    for (let x = 0; x < SIDE; x++) {
      const shade = right * (x / SIDE - 0.5) + down * (y / SIDE - 0.5);
      for (let channel = 0; channel < 3; channel++)
        pixels[channel * AREA + y * SIDE + x] = background[channel] + shade;
    }
  const from = (center: number, radius: number) => Math.max(0, Math.floor(center - radius - 1));
  const to = (center: number, radius: number) => Math.min(SIDE, Math.ceil(center + radius + 1) + 1);
  return {
    pixels,
    paint(form, centerX, centerY, radius, color) {
      for (let y = from(centerY, radius); y < to(centerY, radius); y++)
        for (let x = from(centerX, radius); x < to(centerX, radius); x++) {
          const cover = Math.min(0.5 - form(x - centerX, y - centerY, radius), 1);
          if (cover <= 0) continue;
          for (let channel = 0; channel < 3; channel++) {
            const at = channel * AREA + y * SIDE + x;
            pixels[at] += cover * (color[channel] - pixels[at]);
          }
        }
    },
  };
}
