import { type Key, threefry } from "../math/random.ts";
import { rowSize, type Tensor, tensor } from "../math/tensor.ts";

/** Width in pixels of the border of zeros that an image is padded with (Zagoruyko & Komodakis 2016, §3). */
const MARGIN = 4;

/** Options of `augment`. */
export interface Augmentation {
  /** Mirrors half of the images; false for classes that a mirror image does not belong to, such as digits. */
  readonly flip?: boolean;
}

/**
 * Shifts each image [batch, channel, height, width] by −4 … 4 pixels in both directions, zeros moving in, and mirrors it
 * left to right with probability ½. The result for an image depends on its own key alone.
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
    const shifts = 2 * MARGIN + 1;
    const cell = Math.floor((word / 2 ** 32) * shifts * shifts);
    const [down, right] = [Math.floor(cell / shifts) - MARGIN, (cell % shifts) - MARGIN];
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
