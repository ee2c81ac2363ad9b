import { expect, it } from "vitest";
import { regionLabels } from "./region-labels.ts";

const cells = (...rows: readonly string[]) => rows.flatMap((row) => [...row].map(Number));
const box = () => ({ width: 3, height: 1 });

it("a label stands in the middle of its region, and only where it fits", () => {
  const image = cells("0000000", "0000000", "0000000", "1111100", "2211100");
  expect(regionLabels(image, 7, box)).toEqual([
    { value: 0, column: 3, row: 1 },
    { value: 1, column: 2, row: 3 },
  ]);
});

it("a label keeps clear of what is marked", () => {
  const image = cells("000000000", "000000000", "000000000");
  const [{ column }] = regionLabels(image, 9, box, [[4, 1]]);
  expect(Math.abs(column - 4)).toBeGreaterThanOrEqual(2.5);
});
