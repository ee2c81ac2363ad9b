import { describe, expect, it } from "vitest";
import { linearVictim } from "../../test/fixtures/linear-victim.ts";
import { uniform } from "../math/distributions.ts";
import { fillBits, keyOf, keysFor } from "../math/random.ts";
import { tensor } from "../math/tensor.ts";
import { type Choices, choicesOf } from "./choices.ts";
import { distances } from "./examples.ts";
import { frameOf } from "./frame.ts";
import { runBounded } from "./harness.ts";
import { shareAt, square } from "./square.ts";
import { maxChoices, nextChoices, proposals } from "./square-patch.ts";
import type { Norm } from "./victim.ts";

const wordsOf = (seed: number) => {
  const words = new Uint32Array(600);
  fillBits(keyOf(seed), words);
  return choicesOf(words);
};

it.each([[[784]], [[1, 9, 9]], [[3, 4, 60]], [[3, 32, 32]], [[2, 5, 6]]])(
  "has enough random words for images of shape %j, and none left over for a start",
  (pixels) => {
    const frame = frameOf(pixels);
    const size = frame.channels * frame.height * frame.width;
    const x = new Float32Array(size).fill(0.5);
    const drawn = Object.values(proposals).map(({ start, next }) => {
      let count = 0;
      const counted: Choices = {
        sign: () => {
          count++;
          return count % 2 === 0 ? 1 : -1;
        },
        below: () => {
          count++;
          return 0;
        },
      };
      start({ x, frame, epsilon: 0.3 }, counted);
      const first = count;
      const side = Math.min(3, frame.height, frame.width);
      next({ x, frame, epsilon: 0.3 }, { best: x, side }, counted);
      expect(count - first).toBeLessThanOrEqual(nextChoices(frame));
      return first;
    });
    expect(Math.max(...drawn, nextChoices(frame))).toBe(maxChoices(frame));
  },
);

it("does not go on without random words", () => {
  const choices = choicesOf(new Uint32Array(2));
  expect([choices.sign(), choices.below(4)]).toEqual([-1, 0]);
  expect(() => choices.sign()).toThrow("more than 2 random words");
});

it("halves the share after 10, 50, 200, 500, 1000, 2000, 4000, 6000 and 8000 of 10,000 queries, and rescales that", () => {
  const inverse = (query: number, queries: number) => 0.8 / shareAt(query, queries, 0.8);
  const at = [10, 11, 50, 51, 200, 201, 501, 1001, 2001, 4001, 6001, 8001, 10_000];
  expect(at.map((query) => inverse(query, 10_000))).toEqual([
    1, 2, 2, 4, 4, 8, 16, 32, 64, 128, 256, 512, 512,
  ]);
  expect([5, 6, 1000, 1001].map((query) => inverse(query, 5000))).toEqual([1, 2, 32, 64]);
});

const frame = frameOf([3, 10, 10]);
const grey = new Float32Array(300).fill(0.5);

it("starts in ℓ∞ with stripes of ±ε, each channel's own", () => {
  const start = proposals.linf.start({ x: grey, frame, epsilon: 0.125 }, wordsOf(1));
  for (let at = 0; at < 300; at++) {
    expect(Math.abs(start[at] - 0.5)).toBe(0.125);
    expect(start[at]).toBe(start[at - (at % 100) + (at % 10)]); // the first row of its channel
  }
  expect(new Set(start).size).toBe(2);
});

it("changes one square of the image in ℓ∞, to ±ε from x", () => {
  const next = proposals.linf.next(
    { x: grey, frame, epsilon: 0.125 },
    { best: grey, side: 4 },
    wordsOf(2),
  );
  const changed = [...next.keys()].filter((at) => next[at] !== 0.5);
  expect(changed.length).toBe(3 * 16);
  for (const at of changed) expect(Math.abs(next[at] - 0.5)).toBe(0.125);
  const rows = new Set(changed.map((at) => Math.floor((at % 100) / 10)));
  expect([...rows].length).toBe(4);
});

describe.each(["l2", "l1"] as const)("in %s", (norm) => {
  const { start, next } = proposals[norm];
  const image = { x: grey, frame, epsilon: 0.7 };

  it("a start uses all of the radius, in hills and valleys", () => {
    const first = start(image, wordsOf(3));
    expect(distances[norm](first, grey)).toBeCloseTo(0.7, 5);
    expect(Math.max(...first) > 0.5 && Math.min(...first) < 0.5).toBe(true);
  });

  it("a window gives another one what it held, and both stay in a radius that is used up", () => {
    let best = start(image, wordsOf(3));
    for (let seed = 10; seed < 40; seed++) {
      const moved = next(image, { best, side: 3 }, wordsOf(seed));
      expect(distances[norm](moved, grey)).toBeCloseTo(0.7, 4);
      const changed = [...moved.keys()].filter((at) => Math.abs(moved[at] - best[at]) > 1e-3);
      expect(changed.length).toBeLessThanOrEqual(2 * 3 * 9);
      best = moved;
    }
    expect([...best.keys()].filter((at) => best[at] === 0.5).length).toBeGreaterThan(10);
  });
});

it.each([[[30]], [[5, 6]], [[1, 1, 30]], [[30, 1, 1]], [[2, 3, 5]]])(
  "takes images of shape %j",
  async (pixels) => {
    const keys = keysFor(keyOf(1), [0, 1]);
    const x = uniform(keys, [2, ...pixels], 0.4, 0.6);
    const weights = tensor([2, 30], [...Array(30).fill(0), ...Array(30).fill(1)]);
    for (const norm of ["linf", "l2", "l1"] as const satisfies Norm[]) {
      const epsilon = { linf: 0.3, l2: 1.5, l1: 8 }[norm];
      const attack = square({ norm, epsilon, queries: 300 });
      const { queries, moved } = await runBounded(
        attack,
        linearVictim(weights, [16, 0]),
        x,
        [0, 0],
        keys,
      );
      expect(moved).toEqual([false, false]);
      expect(queries.gradients).toBe(0);
      expect(queries.forwards).toBeLessThanOrEqual(602);
    }
  },
);
