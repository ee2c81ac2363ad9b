import fc from "fast-check";
import { expect, it } from "vitest";
import { isSlow } from "../../test/fixtures/slow.ts";
import { uniform } from "./distributions.ts";
import { keyOf } from "./random.ts";
import { adders, increaseMany, sumsOf } from "./sums.ts";
import { addInPlace } from "./tensor.ts";

const drawn = (seed: number, size: number) => uniform([keyOf(seed)], [1, size], -1, 1).data;

/** The same sums in WebAssembly and in JavaScript. */
function both(count: number, size: number, adds: readonly (readonly [number, number])[]) {
  return [true, false].map((simd) => {
    const sums = sumsOf(count, size, { simd });
    for (const [index, seed] of adds) sums.add(index, drawn(seed, size));
    return sums.over(3);
  });
}

it("WebAssembly is available: a faulty module would silently fall back to loops", () => {
  expect(adders(100)).not.toBeNull();
});

it("sums rows in double precision, with the same bits in WebAssembly and in JavaScript", () => {
  const adds = fc.array(fc.tuple(fc.nat(3), fc.nat()), { maxLength: 6 });
  // Rows longer and shorter than the copied part, and of a length that is not a multiple of four.
  fc.assert(
    fc.property(fc.constantFrom(5000, 4096, 1500, 1026, 8), adds, (size, all) => {
      const [fast, loops] = both(4, size, all);
      expect(fast).toEqual(loops);
    }),
    { numRuns: isSlow ? 30 : 8 },
  );
  const [[fast]] = both(1, 8192, [
    [0, 1],
    [0, 1],
    [0, 1],
  ]);
  expect(fast).toBe(drawn(1, 8192)[0]);
});

it("starts from zeros in reused memory", () => {
  const first = sumsOf(2, 4096);
  first.add(1, drawn(1, 4096));
  first.over(1);
  expect(sumsOf(2, 4096).over(1)).toEqual(new Float32Array(8192));
});

it("keeps simultaneous sums apart", () => {
  const [a, b] = [sumsOf(1, 4096), sumsOf(1, 4096)];
  a.add(0, drawn(1, 4096));
  b.add(0, drawn(2, 4096));
  expect(a.over(1)).toEqual(drawn(1, 4096));
  expect(b.over(1)).toEqual(drawn(2, 4096));
});

it.each([10, 4096, 4099, 20_000])("adds %d numbers with the bits of the loop", (size) => {
  const [x, y] = [drawn(1, size + 1), drawn(2, size)];
  const expected = x.slice(0, size);
  addInPlace(expected, y);
  const whole = x.slice();
  increaseMany(whole.subarray(0, size), y);
  expect(whole.subarray(0, size)).toEqual(expected);
  expect(whole[size]).toBe(x[size]);
});
