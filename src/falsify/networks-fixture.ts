// Networks with closed forms, for the tests of the search.
import { normal } from "../math/distributions.ts";
import { fold, keyOf } from "../math/random.ts";
import { type Tensor, tensor } from "../math/tensor.ts";
import type { FlatNetwork } from "./falsify.ts";

/** A clock that a call of the network moves by a second; a search of n seconds is one of n calls. */
export interface Watched {
  readonly network: FlatNetwork;
  readonly now: () => number;
}

/** A network of one row function and its vector–Jacobian product. */
export function watched(
  f: (x: Float32Array) => number[],
  pull: (x: Float32Array, weights: Float32Array) => number[],
): Watched {
  let calls = 0;
  const map = (x: Tensor, row: (x: Float32Array, i: number) => number[]): Tensor => {
    const [batch, inputs] = x.shape;
    const out = Array.from({ length: batch }, (_, i) =>
      row(x.data.subarray(i * inputs, (i + 1) * inputs), i),
    );
    return tensor([batch, out[0].length], out.flat());
  };
  const outputs = async (x: Tensor) => {
    calls++;
    return map(x, f);
  };
  return {
    now: () => calls,
    network: {
      outputs,
      async gradient(x, weights) {
        const m = weights.shape[1];
        return {
          outputs: await outputs(x),
          gradient: map(x, (row, i) => pull(row, weights.data.subarray(i * m, (i + 1) * m))),
        };
      },
    },
  };
}

export const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((sum, value, i) => sum + value * b[i], 0);

/** y = W x + b, W [outputs][inputs]. */
export const linear = (W: readonly ArrayLike<number>[], b: readonly number[]): Watched =>
  watched(
    (x) => W.map((row, j) => dot(row, x) + b[j]),
    (x, weights) =>
      Array.from(x, (_, i) => W.reduce((sum, row, j) => sum + weights[j] * row[i], 0)),
  );

/** Two hidden layers' worth of kinks in two dimensions: y = V relu(U x + c). */
export function kinked(seed: number, outputs: number): Watched {
  const draw = (n: number, what: number) =>
    Array.from(normal([fold(keyOf(seed), what)], [1, n]).data);
  const hidden = 24;
  const [U, c, V] = [draw(2 * hidden, 0), draw(hidden, 1), draw(outputs * hidden, 2)];
  const before = (x: ArrayLike<number>) =>
    c.map((bias, h) => U[2 * h] * x[0] + U[2 * h + 1] * x[1] + bias);
  return watched(
    (x) => {
      const z = before(x).map((value) => Math.max(value, 0));
      return Array.from({ length: outputs }, (_, j) =>
        dot(V.slice(j * hidden, (j + 1) * hidden), z),
      );
    },
    (x, weights) => {
      const g = before(x).map((value, h) =>
        value > 0 ? Array.from(weights).reduce((sum, w, j) => sum + w * V[j * hidden + h], 0) : 0,
      );
      return [0, 1].map((i) => g.reduce((sum, value, h) => sum + value * U[2 * h + i], 0));
    },
  );
}
