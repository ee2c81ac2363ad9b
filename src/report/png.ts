import { encode } from "fast-png";
import { rows, type Tensor } from "../math/tensor.ts";

function base64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/** Image i of [n, channel, height, width] as a PNG of 8 bits: 0 is black, 1 is white, values outside are clipped. */
export function pngBytes(images: Tensor, i: number): Uint8Array {
  const { data } = rows(images, i, i + 1);
  const [, channels, height, width] = images.shape;
  const area = height * width;
  const pixels = new Uint8Array(data.length);
  for (let channel = 0; channel < channels; channel++)
    for (let at = 0; at < area; at++)
      pixels[at * channels + channel] = Math.round(
        255 * Math.min(1, Math.max(0, data[channel * area + at])),
      );
  return encode({ width, height, channels, depth: 8, data: pixels });
}

/** The PNG of image i as a data URI. */
export const pngUri = (images: Tensor, i: number): string =>
  `data:image/png;base64,${base64(pngBytes(images, i))}`;
