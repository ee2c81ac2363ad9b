import { expect, it } from "vitest";
import golden from "../../test/golden/special.json" with { type: "json" };
import { betaCdf, betaQuantile, logGamma, normalCdf, normalQuantile } from "./special.ts";

const close = (actual: number, expected: number, relative: number) =>
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(relative * Math.abs(expected));

it.each(golden.normalQuantile)("the normal quantile of %d agrees with 40 digits", (p, z) =>
  close(normalQuantile(p), z, 4e-15),
);

it.each(golden.normalCdf)("Φ(%d) agrees with 40 digits", (z, p) => close(normalCdf(z), p, 1e-13));

it.each(golden.logGamma)("ln Γ(%d) agrees with 40 digits", (x, y) =>
  expect(Math.abs(logGamma(x) - y)).toBeLessThan(2e-14 * Math.max(1, Math.abs(y))),
);

it.each(golden.betaCdf)("I_%d(%d, %d) agrees with 40 digits", (x, a, b, p) => {
  close(betaCdf(x, a, b), p, 1e-10);
  if (p > 0.001 && p < 0.999) close(betaQuantile(p, a, b), x, 1e-10);
});

it("the normal quantile is infinite at 0 and 1, and NaN outside of [0, 1]", () => {
  expect(normalQuantile(0)).toBe(Number.NEGATIVE_INFINITY);
  expect(normalQuantile(1)).toBe(Number.POSITIVE_INFINITY);
  expect(normalQuantile(1.5)).toBeNaN();
});
