import { describe, expect, it } from "vitest";
import { nodeOf } from "../../../../test/fixtures/model-fixture.ts";
import { numbersOf, type RunOptions, runNodes } from "../../../../test/fixtures/run-fixture.ts";
import { elementCount, type NdArray, type Shape, tensor } from "../../../math/tensor.ts";
import type { AttributeValue } from "../protos.ts";

const waves = (shape: Shape, phase: number): NdArray =>
  tensor(
    shape,
    Array.from({ length: elementCount(shape) }, (_, i) => Math.sin(1.7 * i + phase)),
  );
const truths = (shape: Shape, values: readonly number[]): NdArray => ({
  dtype: "bool",
  shape,
  data: Uint8Array.from(values),
});
const int64 = (values: readonly number[], shape: Shape = [values.length]): NdArray => ({
  dtype: "int64",
  shape,
  data: BigInt64Array.from(values, BigInt),
});

/**
 * Attention by its definition on one head: q [queries, size], k and v [keys, size]; `sees` says
 * which keys a query may attend to.
 */
function byHand(
  [q, k, v]: readonly NdArray[],
  sees: (query: number, key: number) => boolean,
  bias: (query: number, key: number) => number = () => 0,
): number[] {
  const [queries, size] = q.shape.slice(-2);
  const [keys, width] = v.shape.slice(-2);
  const at = (array: NdArray, row: number, column: number, columns: number) =>
    Number(array.data[row * columns + column]);
  return Array.from({ length: queries }, (_, i) => {
    const weights = Array.from({ length: keys }, (__, j) => {
      if (!sees(i, j)) return 0;
      let score = 0;
      for (let d = 0; d < size; d++) score += at(q, i, d, size) * at(k, j, d, size);
      return Math.exp(score / Math.sqrt(size) + bias(i, j));
    });
    const total = weights.reduce((a, b) => a + b, 0);
    return Array.from({ length: width }, (__, d) =>
      weights.reduce((sum, w, j) => sum + (total === 0 ? 0 : w / total) * at(v, j, d, width), 0),
    );
  }).flat();
}

const x = waves([1, 1, 3, 4], 0);
const k = waves([1, 1, 5, 4], 1);
const v = waves([1, 1, 5, 2], 2);

/** Attention of x with stored arrays; null leaves an input out. */
function attended(
  arrays: readonly (NdArray | null)[],
  attributes: Readonly<Record<string, AttributeValue>> = {},
  options: RunOptions = {},
) {
  const stored: Record<string, NdArray> = {};
  const names = arrays.map((array, i) => {
    if (array === null) return "";
    stored[`a${i}`] = array;
    return `a${i}`;
  });
  const nodes = [nodeOf("Attention", ["x", ...names], ["y", "", "", "s"], attributes)];
  const more: RunOptions = { opset: 24, arrays: stored, ...options };
  return numbersOf(nodes, { x }, more);
}

const close = (found: readonly number[], wanted: readonly number[]) => {
  expect(found.length).toBe(wanted.length);
  for (const [i, value] of found.entries()) expect(value).toBeCloseTo(wanted[i], 5);
};

describe("attention averages values by softmax weights", () => {
  it("over all keys without a mask", () => {
    close(
      attended([k, v]),
      byHand([x, k, v], () => true),
    );
  });

  it("with a mask of one row for all queries", () => {
    const mask = truths([1, 1, 1, 5], [1, 0, 1, 1, 0]);
    close(
      attended([k, v, mask]),
      byHand([x, k, v], (_, j) => ![1, 4].includes(j)),
    );
  });

  it("with a mask per query that is shorter than the keys, which masks the rest", () => {
    const mask = waves([3, 4], 5);
    const wanted = byHand(
      [x, k, v],
      (_, j) => j < 4,
      (i, j) => Number(mask.data[4 * i + j]),
    );
    close(attended([k, v, mask]), wanted);
  });

  it("causally, from the end of the past if there is one", () => {
    const causal = { is_causal: { int: 1 } };
    close(
      attended([k, v], causal),
      byHand([x, k, v], (i, j) => j <= i),
    );
    const [pastKey, pastValue] = [waves([1, 1, 2, 4], 3), waves([1, 1, 2, 2], 4)];
    const join = (a: NdArray, b: NdArray): NdArray =>
      tensor([1, 1, 7, a.shape[3]], [...a.data, ...b.data].map(Number));
    const [keys, values] = [join(pastKey, k), join(pastValue, v)];
    close(
      attended([k, v, null, pastKey, pastValue], causal),
      byHand([x, keys, values], (i, j) => j <= i + 2),
    );
  });

  it("over the used part of a cache, causally from its end", () => {
    const lengths = int64([4]);
    const rest = [null, null, null, lengths];
    close(
      attended([k, v, ...rest]),
      byHand([x, k, v], (_, j) => j < 4),
    );
    close(
      attended([k, v, ...rest], { is_causal: { int: 1 } }),
      byHand([x, k, v], (i, j) => j <= i + 1),
    );
  });

  it("within a window to either side", () => {
    const sizes = { left_window_size: { int: 1 }, right_window_size: { int: 2 } };
    close(
      attended([k, v], sizes, { opset: 25 }),
      byHand([x, k, v], (i, j) => j >= i - 1 && j <= i + 2),
    );
  });
});

describe("a query that may not attend to any key", () => {
  const second = (i: number) => i !== 1;
  const masks: [string, NdArray][] = [
    [
      "logical",
      truths(
        [3, 5],
        Array.from({ length: 15 }, (_, i) => (Math.floor(i / 5) === 1 ? 0 : 1)),
      ),
    ],
    [
      "of numbers",
      tensor(
        [3, 5],
        Array.from({ length: 15 }, (_, i) =>
          Math.floor(i / 5) === 1 ? Number.NEGATIVE_INFINITY : 0,
        ),
      ),
    ],
  ];
  it.each(masks)("gives zeros, masked by %s", (_, mask) => {
    close(attended([k, v, mask]), byHand([x, k, v], second));
  });

  it("gives zeros if its cache is shorter than the queries", () => {
    const found = attended([k, v, null, null, null, int64([2])], { is_causal: { int: 1 } });
    close(
      found,
      byHand([x, k, v], (i, j) => j <= i - 1),
    );
  });
});

describe("heads", () => {
  it("of queries share key heads in order", () => {
    // Four heads of width 1 with two of keys: heads 0 and 1 see the first, 2 and 3 the second.
    const [queries, keys, values] = [waves([1, 2, 4], 0), waves([1, 3, 2], 1), waves([1, 3, 2], 2)];
    const counts = { q_num_heads: { int: 4 }, kv_num_heads: { int: 2 } };
    const node = nodeOf("Attention", ["x", "k", "v"], ["y"], counts);
    const options = { opset: 23, arrays: { k: keys, v: values } };
    const { y } = runNodes([node], { x: queries }, options);
    const column = (array: NdArray, c: number, columns: number): NdArray =>
      tensor(
        [array.data.length / columns, 1],
        Array.from({ length: array.data.length / columns }, (_, i) =>
          Number(array.data[i * columns + c]),
        ),
      );
    for (const head of [0, 1, 2, 3]) {
      const shared = head >> 1;
      const parts = [column(queries, head, 4), column(keys, shared, 2), column(values, shared, 2)];
      close(
        Array.from(column(y, head, 4).data as Float32Array),
        byHand(parts, () => true),
      );
    }
  });

  it("that do not divide the width are refused", () => {
    const three = waves([1, 3, 4], 0);
    const run = (attributes: Record<string, AttributeValue>) =>
      runNodes(
        [nodeOf("Attention", ["x", "x", "x"], ["y"], attributes)],
        { x: three },
        { opset: 23 },
      );
    expect(() => run({})).toThrow("attribute q_num_heads is missing");
    const odd = { q_num_heads: { int: 3 }, kv_num_heads: { int: 2 } };
    expect(() => run(odd)).toThrow("a width of 4 into 3 equal heads");
    const more = { q_num_heads: { int: 2 }, kv_num_heads: { int: 4 } };
    expect(() => run(more)).toThrow("2 query heads do not fit 4 key heads");
  });
});
