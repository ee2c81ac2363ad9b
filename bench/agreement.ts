import type { Tensor } from "../src/math/tensor.ts";

/** Length of the difference of two sets of arrays, relative to the length of the second. */
export function relativeError(
  ours: Readonly<Record<string, Tensor>>,
  theirs: Readonly<Record<string, Tensor>>,
): number {
  let [difference, whole] = [0, 0];
  for (const [name, { data }] of Object.entries(theirs)) {
    const own = ours[name];
    if (own === undefined || own.data.length !== data.length)
      throw new Error(`internal: PyTorch gave ${name} of ${data.length} numbers, we did not`);
    data.forEach((v, i) => {
      difference += (own.data[i] - v) ** 2;
      whole += v * v;
    });
  }
  return Math.sqrt(difference / whole);
}
