import { gradient } from "../src/autodiff/gradient.ts";
import * as g from "../src/graph/expressions.ts";
import { interpret } from "../src/graph/interpret.ts";
import { is, type Value } from "../src/graph/value.ts";
import { threefry } from "../src/math/random.ts";
import { type NdArray, type Shape, sizeOf } from "../src/math/tensor.ts";

type Named<T> = Readonly<Record<string, T>>;

const isFloat = ({ dtype }: { readonly dtype: string }) => dtype.startsWith("float");

/** Numbers in [−1, 1). */
const drawn = (shape: Shape, seed: number): number[] =>
  Array.from({ length: sizeOf(shape) }, (_, i) => threefry([11, seed], 0, i)[0] / 2 ** 31 - 1);

const arrayOf = (like: { readonly dtype: string; readonly shape: Shape }, values: number[]) =>
  (like.dtype === "float64"
    ? { dtype: "float64", shape: like.shape, data: Float64Array.from(values) }
    : { dtype: "float32", shape: like.shape, data: Float32Array.from(values) }) as NdArray;

/**
 * The slope of a random weighted sum of the outputs along a random direction of the inputs: from the gradient, and measured
 * by central differences. Null where no real number goes in or comes out.
 */
export function slopes(
  outputs: Named<Value>,
  inputs: Named<Value>,
  feeds: Named<NdArray>,
): { readonly computed: number; readonly measured: number } | null {
  const real = Object.values(outputs).filter((y) => isFloat(y) && sizeOf(y.shape) > 0);
  const fed = Object.entries(inputs).filter(([, x]) => is(x, "Input") && isFloat(x));
  if (real.length === 0 || fed.length === 0) return null;
  const parts = real.map((y, i) =>
    g.cast(g.sum(g.mul(y, g.constant(arrayOf(y, drawn(y.shape, i))))), "float64"),
  );
  const loss = parts.reduce(g.add);
  const directions = fed.map(([, { shape }], i) => drawn(shape, 100 + i));
  const gradients = interpret(
    gradient(
      loss,
      fed.map(([, x]) => x),
    ),
    feeds,
  );
  const computed = gradients.reduce(
    (total, { data }, i) =>
      total + directions[i].reduce((sum, v, j) => sum + v * Number(data[j]), 0),
    0,
  );
  const at = (h: number): number => {
    const moved = fed.map(([name, x], i) => {
      const from = feeds[name].data;
      return [
        name,
        arrayOf(
          x,
          directions[i].map((v, j) => Number(from[j]) + h * v),
        ),
      ] as const;
    });
    return Number(interpret([loss], { ...feeds, ...Object.fromEntries(moved) })[0].data[0]);
  };
  const h = 2 ** -8;
  return { computed, measured: (at(h) - at(-h)) / (2 * h) };
}
