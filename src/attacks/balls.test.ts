import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isSlow } from "../../test/fixtures/slow.ts";
import { normal, uniform } from "../math/distributions.ts";
import { fold, foldAll, keyOf, keysFor } from "../math/random.ts";
import { add, addScaled, clamp, rows, sub, type Tensor, tensor } from "../math/tensor.ts";
import { fastAscent } from "./ascent-simd.ts";
import { balls } from "./balls.ts";

const vectors = fc.array(fc.float({ noNaN: true, min: -100, max: 100 }), {
  minLength: 6,
  maxLength: 6,
});
const dot = (a: Tensor, b: Tensor) => a.data.reduce((sum, v, i) => sum + v * b.data[i], 0);
const batch = (data: readonly number[]) => tensor([2, 3], data);

/** The norm of a gradient that bounds ⟨gradient, d⟩ over the unit ball. */
const dual = {
  linf: (row: Float32Array) => row.reduce((sum, v) => sum + Math.abs(v), 0),
  l2: (row: Float32Array) => Math.hypot(...row),
  l1: (row: Float32Array) => Math.max(...row.map(Math.abs)),
};

describe.each(["linf", "l2", "l1"] as const)("the %s ball", (norm) => {
  const ball = balls[norm];

  it("projects into itself, and leaves what is inside alone", () => {
    fc.assert(
      fc.property(vectors, fc.double({ min: 0.01, max: 50, noNaN: true }), (data, epsilon) => {
        const projected = ball.project(batch(data), epsilon);
        for (const length of ball.norm(projected))
          expect(length).toBeLessThanOrEqual(epsilon * (1 + 1e-6));
        const inside = ball.project(batch(data), Math.max(...ball.norm(batch(data))) + 1);
        expect(inside.data).toEqual(batch(data).data);
      }),
    );
  });

  it("projects to the closest point: every other one lies beyond a right angle", () => {
    fc.assert(
      fc.property(vectors, fc.nat(), (data, seed) => {
        const delta = tensor([1, 6], data);
        const projected = ball.project(delta, 2);
        const other = ball.sample([keyOf(seed)], [1, 6], 2);
        // ⟨δ − p, q − p⟩ ≤ 0 for every q of a convex set, exactly when p is the projection of δ.
        expect(dot(sub(delta, projected), sub(other, projected))).toBeLessThan(1e-2);
      }),
    );
  });

  it("ascends as its parts do, one after the other", () => {
    fc.assert(
      fc.property(vectors, vectors, fc.nat(), (slopes, offsets, seed) => {
        const center = uniform([keyOf(seed), fold(keyOf(seed), 1)], [2, 3]);
        const at = clamp(add(center, ball.project(batch(offsets), 0.3)), 0, 1);
        const gradient = batch(slopes);
        const moved = addScaled(at, ball.steepest(gradient), 0.1);
        const expected = clamp(add(center, ball.project(sub(moved, center), 0.3)), 0, 1);
        expect(ball.ascend(at, gradient, 0.1, center, 0.3).data).toEqual(expected.data);
      }),
    );
  });

  it("ascends in WebAssembly as in its parts, to the bit, for rows of any length", () => {
    const sizes = fc.integer({ min: 256, max: 400 });
    const lengths = fc.double({ min: 1e-3, max: 0.5, noNaN: true });
    fc.assert(
      fc.property(sizes, fc.nat(), lengths, lengths, (size, seed, length, epsilon) => {
        const keys = keysFor(keyOf(seed), [0, 1, 2]);
        const drawn = (place: number, low: number) =>
          uniform(foldAll(keys, place), [3, size], low, 1);
        const center = clamp(drawn(0, -0.5), 0, 1);
        const at = clamp(add(center, ball.project(drawn(1, -1), epsilon)), 0, 1);
        const gradient = drawn(2, -1);
        // Zeros of both signs, a row of zeros, and numbers that are hardly more.
        gradient.data.set([0, -0, 1e-40, -1e-40, 1e30]);
        gradient.data.fill(0, 2 * size);
        for (const { data } of [center, at]) data.set([-0, 0, -0, 1, 1], 2 * size);
        const moved = addScaled(at, ball.steepest(gradient), length);
        const expected = clamp(add(center, ball.project(sub(moved, center), epsilon)), 0, 1);
        expect(ball.ascend(at, gradient, length, center, epsilon).data).toEqual(expected.data);
      }),
      { numRuns: isSlow ? 100 : 25 },
    );
  });

  it.each([4, 300])("detects gradients that are not finite in rows of %i numbers", (size) => {
    const [center, gradient] = [tensor([2, size]), tensor([2, size])];
    gradient.data.set([3.4028234663852886e38, -3.4028234663852886e38, 1e-45, -0]);
    const step = () => ball.ascendFinite(center, gradient, 0.1, center, 0.3);
    expect(step()?.data).toEqual(ball.ascend(center, gradient, 0.1, center, 0.3).data);
    for (const place of [0, size - 1, 2 * size - 1])
      for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
        const before = gradient.data[place];
        gradient.data[place] = value;
        expect(step()).toBeNull();
        gradient.data[place] = before;
      }
  });

  it("steps by length 1 in the direction that gains the dual norm of the gradient", () => {
    fc.assert(
      fc.property(vectors, (data) => {
        const gradient = batch(data);
        const direction = ball.steepest(gradient);
        for (const i of [0, 1]) {
          const [g, d] = [rows(gradient, i, i + 1), rows(direction, i, i + 1)];
          expect(ball.norm(d)[0]).toBeLessThan(1 + 1e-6);
          expect(dot(g, d)).toBeCloseTo(dual[norm](g.data), 2);
        }
      }),
    );
  });

  it("takes no step from a gradient of zeros, and a full one from a tiny gradient", () => {
    const direction = ball.steepest(tensor([3, 2], [0, 0, 1e-40, 0, 1e-30, 1e-30]));
    expect(direction.data.every(Number.isFinite)).toBe(true);
    expect(ball.norm(direction).map((v) => v.toFixed(5))).toEqual([
      "0.00000",
      "1.00000",
      "1.00000",
    ]);
  });

  it("samples uniformly: the share of draws within radius r is (r/ε)^d", () => {
    const keys = Array.from({ length: 20_000 }, (_, i) => fold(keyOf(3), i));
    const radii = ball.norm(ball.sample(keys, [20_000, 2, 2], 0.5)).sort((a, b) => a - b);
    const shares = radii.map((r) => (r / 0.5) ** 4);
    const gap = Math.max(...shares.map((share, i) => Math.abs(share - (i + 0.5) / 20_000)));
    expect(Math.sqrt(20_000) * gap).toBeLessThan(2.69); // exceeded with probability 1e-6
    expect(radii[19_999]).toBeLessThanOrEqual(0.5 * (1 + 1e-6));
  });

  it("samples around 0, by the example's key alone", () => {
    const keys = keysFor(keyOf(4), [...Array(4000).keys()]);
    const draws = ball.sample(keys, [4000, 3], 1);
    const sum = [0, 1, 2].map((j) => keys.reduce((s, _, i) => s + draws.data[3 * i + j], 0));
    for (const s of sum) expect(Math.abs(s / 4000)).toBeLessThan(5 * (0.58 / Math.sqrt(4000)));
    expect(ball.sample([keys[7]], [1, 3], 1).data).toEqual(rows(draws, 7, 8).data);
  });
});

it("WebAssembly takes the steps of long rows: a faulty module would silently fall back to loops", () => {
  expect([255, 256].map((size) => fastAscent("linf", size) !== null)).toEqual([false, true]);
  expect(fastAscent("l2", 257)).not.toBeNull();
});

it("measures in double precision", () => {
  const x = normal([keyOf(1)], [1, 100_000]);
  const exact = Math.sqrt(x.data.reduce((sum, v) => sum + v * v, 0));
  expect(balls.l2.norm(x)[0]).toBeCloseTo(exact, 9);
  expect(balls.linf.norm(add(x, x))[0]).toBe(Math.max(...add(x, x).data.map(Math.abs)));
});
