import { expect, it } from "vitest";
import { rowWith } from "../../test/fixtures/rows-fixture.ts";
import { linesOf } from "./diagnostic.ts";
import { nonFiniteGradients } from "./non-finite.ts";

it("an evaluation names the images whose gradients are not finite, and is silent where all are", () => {
  const node = '"root" (Sqrt)';
  const rows = [
    rowWith({ index: 0 }),
    rowWith({ index: 7, nonFinite: { value: "gradient", node } }),
  ];
  const [text, advice] = linesOf(nonFiniteGradients({ rows }));
  expect(text).toContain(`not finite for 1 image (index 7), first made by ${node}`);
  expect(advice).toContain("away from 0");
  expect(linesOf(nonFiniteGradients({ rows: rows.slice(0, 1) }))).toEqual([]);
});
