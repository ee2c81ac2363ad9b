import { describe, expect, it } from "vitest";
import { linearVictim } from "../../test/fixtures/linear-victim.ts";
import type { Split } from "../data/dataset.ts";
import { uniform } from "../math/distributions.ts";
import { keyOf, keysFor } from "../math/random.ts";
import { normalCdf } from "../math/special.ts";
import { takeRows, tensor } from "../math/tensor.ts";
import { noiseNamed } from "../noise/table.ts";
import { artefactRows, artefactSummary } from "./artefact.ts";
import { artefactChart, artefactGrid } from "./artefact-grid.ts";

// Two classes, the sign of Σ x − Σ ½ in 60 dimensions, with a margin of ½ on each side: under normal noise the
// probability of being right is Φ(margin / σ√d), which says what every factor must leave.
const PIXELS = 60;
const SIGMA = 0.1;
const MARGIN = 0.5;
const weights = tensor([2, PIXELS]);
weights.data.fill(0.5, 0, PIXELS);
weights.data.fill(-0.5, PIXELS);
const network = linearVictim(weights, [-PIXELS / 4, PIXELS / 4]);

const COUNT = 12;
const indices = Array.from({ length: COUNT }, (_, i) => i);
const images = uniform(keysFor(keyOf(5), indices), [COUNT, PIXELS], 0.4, 0.6);
for (const i of indices) {
  const row = images.data.subarray(i * PIXELS, (i + 1) * PIXELS);
  const sum = row.reduce((a, b) => a + b, 0);
  const wanted = PIXELS / 2 + (i % 2 === 0 ? MARGIN : -MARGIN);
  for (let j = 0; j < PIXELS; j++) row[j] += (wanted - sum) / PIXELS;
}
const test: Split = {
  size: COUNT,
  labels: Uint8Array.from(indices, (i) => i % 2),
  images: (own) => takeRows(images, own),
};

const rows = await artefactRows(
  { network, noise: noiseNamed(`normal:${SIGMA}`) },
  test,
  indices,
  1,
  {
    steps: [10, 60],
    searches: 9,
    eot: 64,
    draws: 400,
    batch: 512,
  },
);
const points = artefactSummary(rows, 400);
const at = (steps: number, factor: number) => {
  const point = points.find((one) => one.steps === steps && one.factor === factor);
  if (point === undefined) throw new Error(`no point at ${steps} steps, factor ${factor}`);
  return point;
};

/** P(right) of a point whose mean margin is `margin`. */
const right = (margin: number) => normalCdf(margin / (SIGMA * Math.sqrt(PIXELS)));

describe("C&W against a noisy linear classifier", () => {
  // Not at the exact distance: of some hundred points the one with the luckiest mean of 64 draws is kept, whose
  // standard deviation is a fifth of the margin.
  it("finds an adversarial example for every image, at the distance that lucky draws allow", () => {
    expect(rows.every(({ found }) => found)).toBe(true);
    const distance = MARGIN / Math.sqrt(PIXELS);
    expect(at(60, 1).l2 / distance).toBeGreaterThan(0.4);
    expect(at(60, 1).l2 / distance).toBeLessThan(1);
  });

  it("looks worse the better it is: closer to the boundary, where a draw is a coin toss", () => {
    expect(at(60, 1).l2).toBeLessThan(at(10, 1).l2);
    expect(at(60, 1).accuracy.mean).toBeGreaterThan(at(10, 1).accuracy.mean);
    expect(at(60, 1).accuracy.mean).toBeGreaterThan(0.4);
  });

  it("is beaten by a longer step along its own direction, as the closed form says", () => {
    for (const factor of [1.25, 1.5, 2]) {
      // The margin falls in proportion to the length, from MARGIN at x.
      const reached = at(60, 1).l2 * Math.sqrt(PIXELS) * factor;
      expect(at(60, factor).accuracy.mean).toBeCloseTo(right(MARGIN - reached), 1);
    }
    expect(at(60, 2).accuracy.mean).toBeLessThan(at(60, 1).accuracy.mean - 0.1);
  });

  it("is beaten by ten predictions of the same point", () => {
    expect(at(60, 1).tenOfTen).toBeLessThan(0.05);
    expect(rows.every(({ clean }) => clean > 0.6)).toBe(true);
  });
});

it("the demonstration is shown with its intervals and its count, as a table and as a chart", () => {
  const grid = artefactGrid(points, "here");
  expect(grid.rows[0].cells[0].detail).toMatch(/n 12$/);
  expect(artefactChart(points)).toContain("<svg");
});
