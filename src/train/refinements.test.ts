import { expect, it } from "vitest";
import * as g from "../engine/graph/expressions.ts";
import { interpret } from "../engine/graph/interpret.ts";
import { tensor } from "../math/tensor.ts";
import { clipped } from "./optimizer.ts";
import { refinementsIn } from "./refinements.ts";
import { cosine, schedules } from "./schedule.ts";

it("gradients longer than the limit are scaled to it together, and shorter ones stay", () => {
  const inputs = [g.input("a", [2]), g.input("b", [1])];
  const at = (max: number) =>
    interpret(clipped(inputs, max), { a: tensor([2], [3, 0]), b: tensor([1], [4]) }).map((one) =>
      Array.from(one.data, Number),
    );
  expect(at(10)).toEqual([[3, 0], [4]]);
  const [[a], [b]] = at(1);
  expect([a, b]).toEqual([expect.closeTo(0.6, 6), expect.closeTo(0.8, 6)]);
});

it("a cosine rises to its rate, passes half of it in the middle and ends near 0", () => {
  const rate = cosine(1, 0.1, 110);
  expect([rate(0), rate(10)]).toEqual([expect.closeTo(1 / 11, 9), 1 / 11 + 10 / 11]);
  expect(rate(11 + 49.5)).toBeCloseTo(0.5, 9);
  expect(rate(109)).toBeGreaterThan(0);
  expect(rate(109)).toBeLessThan(0.001);
});

it("every schedule starts above 0 and never exceeds its rate", () => {
  for (const make of Object.values(schedules)) {
    const all = Array.from({ length: 50 }, (_, step) => make(0.3, 50)(step));
    expect(Math.max(...all)).toBeLessThanOrEqual(0.3 + 1e-12);
    expect(Math.min(...all)).toBeGreaterThan(0);
  }
});

it("options that need each other or exclude each other are refused", () => {
  expect(() => refinementsIn({ ema: 0.9, swa: 0.5 })).toThrow("--ema and --swa");
  expect(() => refinementsIn({ maxCleanLoss: 0.03 })).toThrow("--validation 512");
  expect(() => refinementsIn({ patience: 2 })).toThrow("--patience");
  expect(refinementsIn({ ema: 0.9, swa: undefined })).toEqual({ ema: 0.9 });
});
