import { sub, type Tensor, tensor } from "../math/tensor.ts";

const factors = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];

/** Adversarial minus original, made visible. */
export interface Difference {
  /** What it was multiplied by: the largest of 1, 2, 5, 10 … that keeps the largest difference within grey ± ½. */
  readonly factor: number;
  /** ½ + factor · (adversarial − original), of the images' shape: grey is no difference. */
  readonly images: Tensor;
}

/** One factor for all images, so that they can be compared. */
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
