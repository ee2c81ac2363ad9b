import { describe, expect, it } from "vitest";
import { normal } from "../math/distributions.ts";
import { keyOf } from "../math/random.ts";
import { add, tensor } from "../math/tensor.ts";
import type { PlanePoint } from "../report/marks.ts";
import { coordinates, cubeSection, dot, planeThrough, pointsOf } from "./plane.ts";

const r = Math.SQRT1_2;

/** Corners in order of their angle, rounded, so that the order of the hull does not matter. */
const sorted = (corners: readonly PlanePoint[]) =>
  corners
    .toSorted((p, q) => Math.atan2(p[1], p[0]) - Math.atan2(q[1], q[0]))
    .map((corner) => corner.map((v) => Number(v.toFixed(9))));

const draw = (seed: number, size: number) => normal([keyOf(seed)], [1, size]);

describe("the ℓ∞ ball cut by a plane", () => {
  const plane = (first: readonly number[], second: readonly number[]) => ({
    first: Float64Array.from(first),
    second: Float64Array.from(second),
  });

  it("is a square in a plane along two axes", () => {
    const corners = cubeSection(plane([1, 0, 0], [0, 1, 0]), 0.1);
    const square: PlanePoint[] = [
      [-0.1, -0.1],
      [0.1, -0.1],
      [0.1, 0.1],
      [-0.1, 0.1],
    ];
    expect(sorted(corners)).toEqual(sorted(square));
  });

  it("is a square on its corner in a plane turned by 45°", () => {
    const far = 0.1 * Math.SQRT2;
    const corners = cubeSection(plane([r, r], [r, -r]), 0.1);
    const square: PlanePoint[] = [
      [0, -far],
      [far, 0],
      [0, far],
      [-far, 0],
    ];
    expect(sorted(corners)).toEqual(sorted(square));
  });

  it("is a regular hexagon of side √2 ε at right angles to a cube's diagonal", () => {
    const s = Math.sqrt(1 / 6);
    const corners = cubeSection(plane([r, -r, 0], [s, s, -2 * s]), 0.5);
    expect(corners).toHaveLength(6);
    corners.forEach(([a, b], i) => {
      const [c, d] = corners[(i + 1) % 6];
      expect(Math.hypot(c - a, d - b)).toBeCloseTo(0.5 * Math.SQRT2, 9);
      expect(Math.hypot(a, b)).toBeCloseTo(0.5 * Math.SQRT2, 9);
    });
  });

  it("has every corner, and no point beyond an edge's middle, in the ball of a random plane", () => {
    const cut = planeThrough(draw(1, 300).data, draw(2, 300).data, draw(3, 300).data);
    const size = ([a, b]: PlanePoint) =>
      cut.first.reduce((most, u, i) => Math.max(most, Math.abs(a * u + b * cut.second[i])), 0);
    const corners = cubeSection(cut, 0.031);
    expect(corners.length).toBeGreaterThan(4);
    corners.forEach(([a, b], i) => {
      const [c, d] = corners[(i + 1) % corners.length];
      expect(size([a, b])).toBeCloseTo(0.031, 9);
      expect(size([(a + c) / 2, (b + d) / 2])).toBeCloseTo(0.031, 9);
    });
  });
});

describe("the plane of two perturbations", () => {
  it("is orthonormal, and holds both of them", () => {
    const x = draw(4, 48);
    const [a, b] = [draw(5, 48), draw(6, 48)];
    const plane = planeThrough(a.data, b.data, draw(7, 48).data);
    expect(dot(plane.first, plane.first)).toBeCloseTo(1, 12);
    expect(dot(plane.second, plane.second)).toBeCloseTo(1, 12);
    expect(dot(plane.first, plane.second)).toBeCloseTo(0, 12);
    expect(coordinates(plane, a.data)[1]).toBeCloseTo(0, 6);
    for (const delta of [a, b]) {
      const { data } = pointsOf(x, plane, [coordinates(plane, delta.data)]);
      const expected = add(x, delta).data;
      for (let i = 0; i < data.length; i++) expect(data[i]).toBeCloseTo(expected[i], 5);
    }
  });

  it("exists even where they are parallel", () => {
    const a = draw(5, 48);
    const twice = tensor(
      a.shape,
      a.data.map((v) => 2 * v),
    );
    const plane = planeThrough(a.data, twice.data, draw(7, 48).data);
    expect(dot(plane.second, plane.second)).toBeCloseTo(1, 12);
    expect(dot(plane.first, plane.second)).toBeCloseTo(0, 12);
  });
});
