import { sub, type Tensor, tensor } from "../math/tensor.ts";

const factors = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];

/** Differences of images, amplified to be visible. */
export interface Difference {
  /** The largest of 1, 2, 5, 10 … that keeps factor · |adversarial − original| ≤ ½. */
  readonly factor: number;
  /** ½ + factor · (adversarial − original), [n, channel, height, width]: grey is no difference. */
  readonly images: Tensor;
}

/** Differences of images [n, channel, height, width] with one factor for all, so that they can be compared. */
export function amplified(originals: Tensor, adversarials: Tensor): Difference {
  const { data, shape } = sub(adversarials, originals);
  const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
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
