import { describe, expect, it } from "vitest";
import { linearVictim } from "../../../test/fixtures/linear-victim.ts";
import type { Norm } from "../../attacks/victim.ts";
import { rowSize, takeRows, tensor } from "../../math/tensor.ts";
import type { RadiusRow } from "./radius-row.ts";
import { type RadiusSearch, type SearchEffort, searchRadii } from "./search.ts";
import { smallestByImage } from "./smallest.ts";

const w = [0.7, -0.5, 0.3, 0.9, -0.4, 0.6];
const bias = 0.8;
const victim = linearVictim(tensor([2, 6], [0, 0, 0, 0, 0, 0, ...w]), [bias, 0]);
/** Grey images at different distances from the plane; the last is wrong without an attack. */
const greys = [0.42, 0.45, 0.47, 0.54, 0.35, 0.6];
const pixels = tensor(
  [greys.length, 6],
  greys.flatMap((grey) => w.map(() => grey)),
);
const score = (grey: number) => w.reduce((sum, value) => sum + value * grey, -bias);
const isWrong = (i: number) => i === greys.length - 1;
const labels = greys.map((grey, i) => (score(grey) > 0 !== isWrong(i) ? 1 : 0));
/** The dual norm of w: the distance is the score divided by it. */
const dual: Readonly<Record<Norm, number>> = {
  linf: w.reduce((sum, value) => sum + Math.abs(value), 0),
  l2: Math.hypot(...w),
  l1: Math.max(...w.map(Math.abs)),
};
const exact = (norm: Norm, i: number) => Math.abs(score(greys[i])) / dual[norm];

const thorough: SearchEffort = { families: ["fmn", "ddn"], steps: 60, apgdSteps: 20 };
const search = (norm: Norm, given: Partial<RadiusSearch> = {}): RadiusSearch =>
  Object.assign(
    {
      victim,
      test: {
        size: greys.length,
        labels,
        images: (indices: readonly number[]) => takeRows(pixels, [...indices]),
      },
      examples: greys.length,
      batch: 4,
      norm,
      effort: thorough,
      seed: 0,
    },
    given,
  );

async function rowsOf(
  asked: RadiusSearch,
  stored: readonly RadiusRow[] = [],
  batches = Number.POSITIVE_INFINITY,
): Promise<RadiusRow[]> {
  const rows = [...stored];
  let done = 0;
  for await (const found of searchRadii(asked, stored)) {
    rows.push(...found);
    if (++done === batches) break;
  }
  return rows;
}

const best = (rows: readonly RadiusRow[], norm: Norm): number[] =>
  greys.map((_, i) => smallestByImage([], rows, norm).get(i) ?? Number.NaN);

describe.each(["linf", "l2", "l1"] as const)("the search for smallest radii in %s", (norm) => {
  it("finds the distance to a plane within 2 %, and never less", async () => {
    expect(rowSize(pixels)).toBe(6);
    const found = best(await rowsOf(search(norm)), norm);
    for (const [i, radius] of found.entries()) {
      if (isWrong(i)) expect(radius).toBe(0);
      else {
        expect(radius).toBeGreaterThan(exact(norm, i) * (1 - 1e-5));
        expect(radius).toBeLessThan(exact(norm, i) * 1.02);
      }
    }
  });

  it("goes on after an interruption with the rows of a whole search, and repeats nothing", async () => {
    const whole = await rowsOf(search(norm));
    for (const batches of [1, 3, 5]) {
      const part = await rowsOf(search(norm), [], batches);
      expect(await rowsOf(search(norm), part)).toEqual(whole);
    }
    expect(await rowsOf(search(norm), whole)).toEqual(whole);
  });

  // In ℓ1 APGD spreads its steps over several pixels, of which the best is a sixth.
  const slack = norm === "l1" ? 1.2 : 1.06;

  it("APGD in smaller balls brings twice the distance down", async () => {
    const effort: SearchEffort = { families: ["fmn"], steps: 1, apgdSteps: 20 };
    const clean = { attack: "none", epsilon: null };
    const coarse = { attack: `fmn-${norm}`, epsilon: null };
    const stored = greys.flatMap((_, index): RadiusRow[] => {
      const about = { index, label: labels[index], norm };
      if (isWrong(index)) return [Object.assign({}, about, clean, { radius: 0 })];
      const twice = 2 * exact(norm, index);
      return [
        Object.assign({}, about, clean, { radius: null }),
        Object.assign({}, about, coarse, { radius: twice }),
      ];
    });
    const found = best(await rowsOf(search(norm, { effort }), stored), norm);
    for (const [i, radius] of found.entries())
      if (!isWrong(i)) expect(radius).toBeLessThan(slack * exact(norm, i));
  });
});
