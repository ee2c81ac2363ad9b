// Intervals of sums of products: matrix products, convolutions and sums.

import { elementCount, type Shape } from "../../math/tensor.ts";
import { broadcastTo } from "../graph/interpret-arrays.ts";
import { visitProducts } from "../graph/interpret-conv.ts";
import type { ConvAttributes, Value } from "../graph/value.ts";
import { around, type Centred, centred, type Interval } from "./interval.ts";
import { gamma, up } from "./rounding.ts";

/**
 * Sums of products xᵢ·yᵢ of two intervals. With centres c and radii r, |xy − c·c′| ≤ |c|·r′ + r·|c′| + r·r′. `size` is
 * Σ (|c| + r)·(|c′| + r′), which bounds all rounding errors.
 */
class Sums {
  readonly value: Float64Array;
  readonly radius: Float64Array;
  readonly size: Float64Array;

  constructor(length: number) {
    this.value = new Float64Array(length);
    this.radius = new Float64Array(length);
    this.size = new Float64Array(length);
  }

  /** Adds x[i]·y[j] to the sum at `to`. */
  add(to: number, x: Centred, i: number, y: Centred, j: number): void {
    const [a, b] = [x.centre[i], y.centre[j]];
    const [r, s] = [x.radius[i], y.radius[j]];
    this.value[to] += a * b;
    const spread = s === 0 ? Math.abs(b) * r : Math.abs(b) * r + (Math.abs(a) + r) * s;
    this.radius[to] += spread;
    this.size[to] += Math.abs(a * b) + spread;
  }

  /** The sums of at most `terms` products each, rounded outward. */
  interval(shape: Shape, terms: number): Interval {
    const factor = gamma(4 * (terms + 8), "float64");
    const radius = this.radius.map((r, i) =>
      up(r + up(factor * this.size[i] + Number.MIN_VALUE * (terms + 8))),
    );
    return around(shape, this.value, radius);
  }
}

/** The interval of a convolution of intervals. */
export function convolved(node: Value, x: Interval, w: Interval, attrs: ConvAttributes): Interval {
  const [a, b] = [centred(x), centred(w)];
  const sums = new Sums(elementCount(node.shape));
  visitProducts(x.shape, w.shape, node.shape, attrs, (output, input, weight) =>
    sums.add(output, a, input, b, weight),
  );
  return sums.interval(node.shape, elementCount(w.shape.slice(1)));
}

const broadcastCentred = (x: Interval, shape: Shape): Centred => {
  const { centre, radius } = centred(x);
  const widened = (data: Float64Array) =>
    broadcastTo({ dtype: "float64", shape: x.shape, data }, shape).data as Float64Array;
  return { centre: widened(centre), radius: widened(radius) };
};

/** The interval of a matrix product of intervals, the leading axes broadcast. */
export function multiplied(node: Value, x: Interval, y: Interval): Interval {
  const batch = node.shape.slice(0, -2);
  const [rows, inner] = x.shape.slice(-2);
  const columns = node.shape[node.shape.length - 1];
  const a = broadcastCentred(x, [...batch, rows, inner]);
  const b = broadcastCentred(y, [...batch, inner, columns]);
  const sums = new Sums(elementCount(node.shape));
  for (let n = 0; n < elementCount(batch); n++)
    for (let i = 0; i < rows; i++)
      for (let k = 0; k < inner; k++) {
        const left = (n * rows + i) * inner + k;
        const right = (n * inner + k) * columns;
        const to = (n * rows + i) * columns;
        for (let j = 0; j < columns; j++) sums.add(to + j, a, left, b, right + j);
      }
  return sums.interval(node.shape, inner);
}
