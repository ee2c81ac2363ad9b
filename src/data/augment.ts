import { type Key, threefry } from "../math/random.ts";
import { rowSize, type Tensor, tensor } from "../math/tensor.ts";

/** Pixels of zeros around an image before it is cropped (Zagoruyko & Komodakis 2016, §3). */
const MARGIN = 4;

/** What `augment` may leave out. */
export interface Augmentation {
  /** Mirrors half of the images; false for what has no mirror image, such as digits. */
  readonly flip?: boolean;
}

/**
 * Each image [batch, channel, height, width] shifted by −4 … 4 pixels in either direction, zeros moving in, and
 * mirrored left to right with probability ½: a function of its own key alone.
 */
export function augment(
  x: Tensor,
  keys: readonly Key[],
  { flip = true }: Augmentation = {},
): Tensor {
  const [batch, channels, height, width] = x.shape;
  if (keys.length !== batch)
    throw new Error(`augment needs one key per image: ${batch} images, ${keys.length} keys`);
  const row = rowSize(x);
  const out = tensor(x.shape);
  keys.forEach((key, i) => {
    const [word, coin] = threefry(key, 0, 0);
    const choices = 2 * MARGIN + 1;
    const cell = Math.floor((word / 2 ** 32) * choices * choices);
    const [down, right] = [Math.floor(cell / choices) - MARGIN, (cell % choices) - MARGIN];
    const mirrored = flip && coin >= 2 ** 31;
    for (let line = 0; line < channels * height; line++) {
      const y = (line % height) - down;
      if (y < 0 || y >= height) continue;
      const from = i * row + (line - down) * width;
      const to = i * row + line * width;
      for (let column = Math.max(0, right); column < Math.min(width, width + right); column++) {
        const at = column - right;
        out.data[to + column] = x.data[from + (mirrored ? width - 1 - at : at)];
      }
    }
  });
  return out;
}
