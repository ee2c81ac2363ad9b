import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { uniform, unit } from "./distributions.ts";
import { fillBits, fillInLoop, fold, type Key, keyOf, threefry } from "./random.ts";
import { simd } from "./threefry-simd.ts";

// The kat_vectors of Random123: counter and key of zeros, of ones, and of digits of π.
const published = [
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

it.each(published)(
  "threefry of $counter gives the published answer",
  ({ counter, key, answer }) => {
    expect(threefry(key, counter[0], counter[1])).toEqual(answer);
  },
);

it("a stream consists of the blocks of its counters, and a longer stream extends a shorter one", () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 0, max: 33 }), (seed, length) => {
      const words = new Uint32Array(length);
      fillBits(keyOf(seed), words);
      const expected = Array.from({ length }, (_, i) => threefry(keyOf(seed), 0, i >> 1)[i % 2]);
      expect([...words]).toEqual(expected);
    }),
  );
});

it("a key depends on all 53 bits of a seed, and a fold on those of its number", () => {
  expect(keyOf(2 ** 40 + 3)).toEqual([256, 3]);
  expect(fold(keyOf(0), 2 ** 40)).not.toEqual(fold(keyOf(0), 0));
});

describe("WebAssembly", () => {
  it("is available in Node", () => {
    expect(simd()).not.toBeNull();
  });

  const word = fc.integer({ min: 0, max: 2 ** 32 - 1 });

  it("draws the words of the loop, for any number of words", () => {
    fc.assert(
      fc.property(fc.tuple(word, word), fc.integer({ min: 30, max: 40_000 }), (key, length) => {
        const [words, expected] = [new Uint32Array(length), new Uint32Array(length)];
        fillBits(key, words);
        fillInLoop(key, 0, 0, expected);
        if (length % 2 === 1) expected[length - 1] = threefry(key, 0, (length - 1) / 2)[0];
        expect(Buffer.compare(Buffer.from(words.buffer), Buffer.from(expected.buffer))).toBe(0);
      }),
      { numRuns: 30 },
    );
  });

  it("draws from any counter on, and wraps around after the last one", () => {
    const counters: readonly Key[] = [
      [7, 0],
      [0xffffffff, 0xfffffffd],
    ];
    for (const [c0, c1] of counters) {
      const expected = new Uint32Array(40);
      fillInLoop([1, 0x80000000], c0, c1, expected);
      expect(simd()?.words(1, 0x80000000, c0, c1, 40)).toEqual(expected);
    }
  });

  it("computes uniform numbers in double precision and rounds them once", () => {
    const bound = fc.double({ min: -2, max: 2, noNaN: true });
    fc.assert(
      fc.property(
        word,
        bound,
        bound,
        fc.integer({ min: 30, max: 20_000 }),
        (seed, low, high, n) => {
          const words = new Uint32Array(n);
          fillBits(keyOf(seed), words);
          const expected = Float32Array.from(words, (one) => low + (high - low) * unit(one));
          const found = uniform([keyOf(seed)], [1, n], low, high).data;
          // Comparing them number by number is what took the time.
          expect(Buffer.compare(Buffer.from(found.buffer), Buffer.from(expected.buffer))).toBe(0);
        },
      ),
      { numRuns: 30 },
    );
  });
});
