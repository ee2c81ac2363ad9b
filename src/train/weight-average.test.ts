import { expect, it } from "vitest";
import { tensor } from "../math/tensor.ts";
import { averagingOf, WeightAverage } from "./weight-average.ts";

/** The averages after weights 1, 2, 3, … */
function averages(options: { readonly ema?: number; readonly swa?: number }, steps: number) {
  const averaging = averagingOf(options, steps);
  if (averaging === undefined) throw new Error("no averaging");
  const average = new WeightAverage(averaging, null);
  return Array.from({ length: steps }, (_, i) => {
    average.add({ w: tensor([1], [i + 1]) }, i + 1);
    return average.current?.w.data[0] ?? null;
  });
}

it("stochastic weight averaging is the mean of the weights after its share of the run", () => {
  expect(averages({ swa: 0.5 }, 6)).toEqual([null, null, null, 4, 4.5, 5]);
  expect(averages({ swa: 0 }, 3)).toEqual([1, 1.5, 2]);
});

it("an exponential average keeps its decay's share of the old weights, and less of the first ones", () => {
  const [first, second] = averages({ ema: 0.9 }, 2);
  expect(first).toBe(1);
  expect(second).toBeCloseTo(1 * (3 / 12) + 2 * (9 / 12), 6);
  const late = averages({ ema: 0.5 }, 40);
  expect(late[39]).toBeCloseTo(0.5 * Number(late[38]) + 0.5 * 40, 4);
});

it("there is none without an option, and one that was stored goes on", () => {
  expect(averagingOf({}, 10)).toBeUndefined();
  const averaging = averagingOf({ swa: 0 }, 4);
  if (averaging === undefined) throw new Error("no averaging");
  const resumed = new WeightAverage(averaging, { w: tensor([1], [1.5]) });
  resumed.add({ w: tensor([1], [3]) }, 3);
  expect(resumed.slots()["average/w"].data[0]).toBe(2);
});
