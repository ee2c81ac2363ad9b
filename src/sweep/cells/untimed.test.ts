import { expect, it } from "vitest";
import { readRowLines, rowLine } from "../../files/row-lines.ts";
import { untimedRows } from "./untimed.ts";

it("results of different seconds are equal, and the seconds are kept apart", () => {
  const bytes = (...seconds: readonly number[]) =>
    new TextEncoder().encode(seconds.map((s, index) => rowLine({ index, seconds: s })).join(""));
  const one = untimedRows("rows", bytes(1.5, 0.25));
  const other = untimedRows("rows", bytes(3, 4));
  expect(one.bytes).toEqual(other.bytes);
  expect([one.seconds, other.seconds]).toEqual([
    [1.5, 0.25],
    [3, 4],
  ]);
  const { rows } = readRowLines("rows", new TextDecoder().decode(one.bytes));
  expect(rows.map(({ value }) => value)).toMatchObject([{ index: 0 }, { index: 1 }]);
});
