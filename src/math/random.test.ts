import fc from "fast-check";
import { expect, it } from "vitest";
import { fillBits, fold, keyOf, threefry } from "./random.ts";

// Random123's kat_vectors: counter and key of zeros, of ones, and of digits of π.
const known = [
  { counter: [0, 0], key: [0, 0], answer: [0x6b200159, 0x99ba4efe] },
  {
    counter: [0xffffffff, 0xffffffff],
    key: [0xffffffff, 0xffffffff],
    answer: [0x1cb996fc, 0xbb002be7],
  },
  {
    counter: [0x243f6a88, 0x85a308d3],
    key: [0x13198a2e, 0x03707344],
    answer: [0xc4923a9c, 0x483df7a0],
  },
] as const;

it.each(known)("threefry of $counter gives the published answer", ({ counter, key, answer }) => {
  expect(threefry(key, counter[0], counter[1])).toEqual(answer);
});

it("a stream is the cipher of its counters, and a longer one starts with a shorter one", () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 0, max: 33 }), (seed, length) => {
      const words = new Uint32Array(length);
      fillBits(keyOf(seed), words);
      const expected = Array.from({ length }, (_, i) => threefry(keyOf(seed), 0, i >> 1)[i % 2]);
      expect([...words]).toEqual(expected);
    }),
  );
});

it("a key takes all 53 bits of a seed, and folds differ by theirs", () => {
  expect(keyOf(2 ** 40 + 3)).toEqual([256, 3]);
  expect(fold(keyOf(0), 2 ** 40)).not.toEqual(fold(keyOf(0), 0));
});
