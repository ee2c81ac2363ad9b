import { fillBits, type Key } from "../math/random.ts";
import { type Color, canvas, SIDE } from "./shapes-canvas.ts";
import { disc, forms } from "./shapes-outlines.ts";

const AREA = SIDE * SIDE;

/** The two colours of every form. */
const hues: readonly (readonly [string, Color])[] = [
  ["red", [0.74, 0.36, 0.32]],
  ["blue", [0.32, 0.4, 0.74]],
];
const allForms = Object.values(forms);

/** Class names: a colour and a form each. */
export const shapeClasses: readonly string[] = Object.keys(forms).flatMap((form) =>
  hues.map(([hue]) => `${hue} ${form}`),
);

/** Share of images whose form and colour are those of a random class, so that shape alone cannot be perfect. */
const MISLEADING_SHARE = 0.08;

/** Amplitude of the texture in levels of 255: 0.0235 in ℓ∞ and 0.75 in ℓ2, inside both of the paper's balls. */
export const TEXTURE = 6;

/** Largest absolute value of the uniform grain on every pixel. */
const GRAIN = 0.04;

/**
 * The texture of a class at (y, x), ±1: rows, columns or a chequerboard of the highest frequency in the red, green or blue
 * channel, and 0 in the others. Nine classes have one each; the tenth has none.
 */
export function texture(label: number, channel: number, y: number, x: number): number {
  if (label > 8 || label % 3 !== channel) return 0;
  const parity = [y, x, x + y][Math.floor(label / 3)] % 2;
  return 1 - 2 * parity;
}

/** Texture of each class in levels, [3, 32, 32]. */
const textures: readonly Int8Array[] = shapeClasses.map((_, label) =>
  Int8Array.from({ length: 3 * AREA }, (_, i) => {
    const [channel, pixel] = [Math.floor(i / AREA), i % AREA];
    return TEXTURE * texture(label, channel, Math.floor(pixel / SIDE), pixel % SIDE);
  }),
);

/** Draws an image of class `label` into `pixels` [3, 32, 32]. All randomness comes from `key`. */
export function drawShape(key: Key, label: number, pixels: Uint8Array): void {
  const words = new Uint32Array(48 + AREA);
  fillBits(key, words);
  let next = 0;
  const draw = (low: number, high: number) =>
    low + (high - low) * ((words[next++] + 0.5) / 2 ** 32);
  const near = ([r, g, b]: Color, spread: number): Color => [
    r + draw(-spread, spread),
    g + draw(-spread, spread),
    b + draw(-spread, spread),
  ];

  const misleading = draw(0, 1) < MISLEADING_SHARE;
  const randomLabel = Math.floor(draw(0, shapeClasses.length));
  const shown = misleading ? randomLabel : label;
  const grey = draw(0.35, 0.65);
  const background = near([grey, grey, grey], 0.08);
  const image = canvas(background, draw(-0.15, 0.15), draw(-0.15, 0.15));
  const blot = (smallest: number, largest: number) => {
    const [x, y, radius] = [draw(0, SIDE), draw(0, SIDE), draw(smallest, largest)];
    image.paint(disc, x, y, radius, near(background, 0.3));
  };

  for (let i = 0; i < 3; i++) blot(1.5, 3.5);
  const [x, y, radius] = [draw(13, 19), draw(13, 19), draw(9, 12)];
  image.paint(allForms[Math.floor(shown / 2)], x, y, radius, near(hues[shown % 2][1], 0.1));
  blot(1, 2.5); // in front of the form

  const [classTexture, grain] = [textures[label], words.subarray(48)];
  for (let channel = 0; channel < 3; channel++)
    for (let i = 0; i < AREA; i++) {
      const at = channel * AREA + i;
      const noise = GRAIN * (((grain[i] >>> (10 * channel)) & 1023) / 511.5 - 1);
      // Leaves room at both ends, so that the texture is never clipped.
      const value = Math.min(Math.max(image.pixels[at] + noise, 0.05), 0.95);
      pixels[at] = Math.round(255 * value) + classTexture[at];
    }
}
