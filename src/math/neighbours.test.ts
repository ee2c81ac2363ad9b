import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ceil32, floor32, nextDown32, nextDown64, nextUp32, nextUp64 } from "./neighbours.ts";

const double = fc.double({ noNaN: true, noDefaultInfinity: true });

describe("neighbours of floating-point numbers", () => {
  it.each([
    [nextUp64, 1, 1 + 2 ** -52],
    [nextDown64, 1, 1 - 2 ** -53],
    [nextUp64, -1, -1 + 2 ** -53],
    [nextUp64, 0, 5e-324],
    [nextUp64, -0, 5e-324],
    [nextDown64, 0, -5e-324],
    [nextUp64, -5e-324, -0],
    [nextUp64, Number.MAX_VALUE, Number.POSITIVE_INFINITY],
    [nextUp32, 1, 1 + 2 ** -23],
    [nextDown32, 1, 1 - 2 ** -24],
    [nextDown32, -0, -(2 ** -149)],
    [nextUp32, Number.NEGATIVE_INFINITY, -3.4028234663852886e38],
    [nextUp32, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
  ])("%o of %d is %d", (neighbour, x, expected) => expect(neighbour(x)).toBe(expected));

  it("have no double between them", () => {
    fc.assert(
      fc.property(double, (x) => {
        const next = nextUp64(x);
        expect(next).toBeGreaterThan(x);
        expect(nextDown64(next)).toBe(x === 0 ? 0 : x);
        expect([x, next]).toContain(x / 2 + next / 2);
      }),
    );
  });

  it("ceil32 and floor32 are the nearest float32 on either side", () => {
    fc.assert(
      fc.property(double, (x) => {
        const [below, above] = [floor32(x), ceil32(x)];
        expect(below <= x && x <= above).toBe(true);
        expect([Math.fround(below), Math.fround(above)]).toEqual([below, above]);
        expect(Math.fround(x) === x ? above === below : above === nextUp32(below)).toBe(true);
      }),
    );
  });
});
