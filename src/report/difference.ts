import { sub, type Tensor, tensor } from "../math/tensor.ts";

/** Factors of the amplification that a reader can divide by. */
const factors = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];

/** Differences of images, amplified to be visible. */
export interface Difference {
  /** The largest of 1, 2, 5, 10 … that keeps factor · |adversarial − original| ≤ ½. */
  readonly factor: number;
  /** ½ + factor · (adversarial − original), [n, channel, height, width]: grey where the images agree. */
  readonly images: Tensor;
}

/** Differences of images [n, channel, height, width] with one factor for all, so that they can be compared. */
export function amplified(originals: Tensor, adversarials: Tensor): Difference {
  const { data, shape } = sub(adversarials, originals);
  const largest = data.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  const fitting = factors.filter((factor) => factor * largest <= 0.5 + 1e-6);
  const factor = largest === 0 ? 1 : (fitting.at(-1) ?? 1);
  return {
    factor,
    images: tensor(
      shape,
      data.map((value) => 0.5 + factor * value),
    ),
  };
}
