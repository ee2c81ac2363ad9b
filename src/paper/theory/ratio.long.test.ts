import { describe, expect, it } from "vitest";
import golden from "../../../test/golden/theory.json" with { type: "json" };
import { keyOf } from "../../math/random.ts";
import { coneVolume } from "./cone.ts";
import { logShareByCorners, logShareOnLine } from "./cube.ts";
import { ratioByCounting } from "./monte-carlo.ts";
import { logPairVolume } from "./pair.ts";
import { log10Ratio } from "./ratio.ts";
import { equalVolumeRadius, logVolume } from "./volume.ts";

const { POSITIVE_INFINITY } = Number;
const order = (text: number | string) => (text === "inf" ? POSITIVE_INFINITY : Number(text));
const apart = (a: number, b: number) => Math.abs(a / b - 1);

describe("the ratio", () => {
  it.each(
    golden.map(([d, p, q, expected]) => ({ d: Number(d), p: order(p), q: order(q), expected })),
  )("of d = $d, p = $p, q = $q agrees with another method", ({ d, p, q, expected }) => {
    // Exact values and 17 digits for the cube, about 11 from the double integral for two finite orders.
    const tolerance = q === POSITIVE_INFINITY ? 1e-12 : 2e-10;
    expect(apart(log10Ratio(d, p, q), Number(expected))).toBeLessThan(tolerance);
  });

  it.each([
    [40, 2],
    [60, 2],
    [80, 2],
    [60, 1],
    [100, 10],
    [60, 1.5],
  ])("of a ball and the cube is the same by corners and on the line: d = %d, p = %d", (d, p) => {
    const s = equalVolumeRadius(d, p, POSITIVE_INFINITY) ** p;
    expect(apart(logShareByCorners(d, p, s), logShareOnLine(d, p, s))).toBeLessThan(2e-11);
  });

  it.each([
    [2, 1, 2],
    [3, 1, 2],
  ])(
    "of two balls is the same in real space and by contours: d = %d, p = %d, q = %d",
    (d, p, q) => {
      const a = equalVolumeRadius(d, p, q) ** p;
      const byContour = logPairVolume(d, p, q, a) - logVolume(d, q);
      const inSpace = Math.log(coneVolume(d, p, q, a)) - logVolume(d, q);
      expect(apart(byContour, inSpace)).toBeLessThan(1e-9);
    },
  );

  // Wilson's intervals at level 1 − 1e-9: eight of them miss once in 10⁸ keys.
  it.each([
    [2, 2, POSITIVE_INFINITY],
    [3, 2, POSITIVE_INFINITY],
    [10, 2, POSITIVE_INFINITY],
    [6, POSITIVE_INFINITY, 2],
    [3, 1, 2],
    [5, 1, 2],
    [5, 4, 2],
    [4, 1.5, 3],
  ])("is what counting finds: d = %d, p = %d, q = %d", (d, p, q) => {
    const options = { key: keyOf(1), draws: 200_000, level: 1 - 1e-9 };
    const { low, high } = ratioByCounting(d, p, q, options);
    const ratio = 10 ** log10Ratio(d, p, q);
    expect(high - low).toBeLessThan(0.08);
    expect(ratio).toBeGreaterThan(low);
    expect(ratio).toBeLessThan(high);
  });

  it("falls with every dimension", () => {
    const ratios = [1, 2, 3, 4, 5, 10, 59, 60, 61, 62].map((d) =>
      log10Ratio(d, 2, POSITIVE_INFINITY),
    );
    for (const [i, ratio] of ratios.slice(1).entries()) expect(ratio).toBeLessThan(ratios[i]);
  });

  it("changes little with the order, from the cube to an order of 300", () => {
    const [cube, near] = [POSITIVE_INFINITY, 300].map((q) => log10Ratio(200, 2, q));
    expect(apart(near, cube)).toBeLessThan(0.05);
  });
});

it("counting says when no point falls into the ball", () => {
  expect(() => ratioByCounting(40, 1, 2, { key: keyOf(0), draws: 10 })).toThrow("none of 10 draws");
});
