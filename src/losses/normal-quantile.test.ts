import { expect, it } from "vitest";
import { gradient } from "../engine/autodiff/gradient.ts";
import { interpret } from "../engine/graph/interpret.ts";
import { input, sum } from "../engine/graph/ops.ts";
import { normalQuantile as exact } from "../math/special.ts";
import { tensor } from "../math/tensor.ts";
import { normalQuantile } from "./normal-quantile.ts";

const points = [1e-6, 1e-4, 0.001, 0.0242, 0.0243, 0.1, 0.3, 0.5, 0.7, 0.97574, 0.99, 0.999];

it("agrees with the quantile in double precision, in value and slope", () => {
  const p = input("p", [points.length]);
  const y = normalQuantile(p);
  const [slope] = gradient(sum(y), [p]);
  const feeds = { p: tensor([points.length], points) };
  const [values, slopes] = interpret([y, slope], feeds).map(({ data }) => [...data].map(Number));
  points.forEach((point, i) => {
    const z = exact(Math.fround(point));
    expect(Math.abs(values[i] - z)).toBeLessThan(2e-5 * Math.max(1, Math.abs(z)));
    // dΦ⁻¹/dp = 1/φ(z).
    const expected = Math.sqrt(2 * Math.PI) * Math.exp((z * z) / 2);
    expect(Math.abs(slopes[i] / expected - 1), String(point)).toBeLessThan(2e-3);
  });
});

it("stays finite at 0 and 1", () => {
  const p = input("p", [2]);
  const y = normalQuantile(p);
  const [slope] = gradient(sum(y), [p]);
  const feeds = { p: tensor([2], [0, 1]) };
  for (const value of interpret([y, slope], feeds))
    for (const v of value.data) expect(Number.isFinite(Number(v))).toBe(true);
});
