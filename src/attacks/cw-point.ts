// One image of C&W and Adam's memory of it, in double precision; plain loops, since every pixel passes here at every step.

/** A point x′ = (tanh w + 1)/2 on its way from x; arrays hold one number per pixel. */
export interface Point {
  readonly x: Float32Array;
  /** w at x, moved inside the box by 1e-6 of its half-width: atanh of an edge is infinite. */
  readonly origin: Float64Array;
  readonly w: Float64Array;
  readonly tanh: Float64Array;
  /** x′ as the victim sees it; tanh keeps it in [0, 1]. */
  readonly pixels: Float32Array;
  /** Adam's running means of the gradient and of its square. */
  readonly mean: Float64Array;
  readonly square: Float64Array;
  /** ‖x′ − x‖₂². */
  distance: number;
}

/** The point at x, pixels in [0, 1]. */
export function pointAt(x: Float32Array): Point {
  const origin = new Float64Array(x.length);
  for (let i = 0; i < x.length; i++) origin[i] = Math.atanh((2 * x[i] - 1) * (1 - 1e-6));
  const zeros = () => new Float64Array(x.length);
  const adam = { mean: zeros(), square: zeros() };
  const point = { x, origin, w: zeros(), tanh: zeros(), pixels: x.slice(), ...adam, distance: 0 };
  reset(point);
  return point;
}

/** Back to x itself, where the distance's gradient is 0 (as in the authors' code), with nothing remembered. */
export function reset(point: Point): void {
  const { x, origin, w, tanh, pixels, mean, square } = point;
  w.set(origin);
  pixels.set(x);
  for (let i = 0; i < x.length; i++) tanh[i] = (2 * x[i] - 1) * (1 - 1e-6);
  mean.fill(0);
  square.fill(0);
  point.distance = 0;
}

/**
 * Step number `step` (from 1) of Adam (Kingma & Ba 2015, arXiv:1412.6980, Alg. 1; β₁ 0.9, β₂ 0.999, ε 1e-8) on
 * ‖x′ − x‖₂² + weight · g(x′), where `slope` is ∂g/∂x′.
 */
export function descend(
  point: Point,
  slope: Float32Array,
  weight: number,
  step: number,
  learningRate: number,
): void {
  const { x, w, tanh, pixels, mean, square } = point;
  const [unbiasMean, unbiasSquare] = [1 / (1 - 0.9 ** step), 1 / (1 - 0.999 ** step)];
  let distance = 0;
  for (let i = 0; i < w.length; i++) {
    const t = tanh[i];
    const atPixel = 2 * (pixels[i] - x[i]) + weight * slope[i];
    const g = (atPixel * (1 - t * t)) / 2; // ∂x′/∂w = (1 − tanh² w)/2
    const m = 0.9 * mean[i] + 0.1 * g;
    const v = 0.999 * square[i] + 0.001 * g * g;
    mean[i] = m;
    square[i] = v;
    w[i] -= (learningRate * m * unbiasMean) / (Math.sqrt(v * unbiasSquare) + 1e-8);
    tanh[i] = Math.tanh(w[i]);
    pixels[i] = (tanh[i] + 1) / 2;
    const delta = pixels[i] - x[i];
    distance += delta * delta;
  }
  point.distance = distance;
}
