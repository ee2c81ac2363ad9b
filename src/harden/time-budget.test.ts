import { expect, it } from "vitest";
import type { TrainEvent } from "../train/events.ts";
import { lengthFor, secondsPerStep } from "./time-budget.ts";

async function* steps(count: number): AsyncGenerator<TrainEvent, void, void> {
  for (let step = 1; step <= count; step++)
    yield { event: "step", step, steps: count, epoch: 1, loss: 1, rate: 1 };
}

it("a step's time leaves the first steps out, which compile", async () => {
  const clock = [0, 9, 9 + 3 * 2];
  expect(await secondsPerStep(steps(10), () => clock.shift() ?? 0)).toBe(2);
});

it("as many whole epochs as fit into nine tenths of the time, or a part of one", () => {
  const run = { seconds: 1, images: 1000, batch: 100 };
  expect(lengthFor(1, run)).toEqual({ epochs: 5, examples: undefined });
  expect(lengthFor(0.1, run)).toEqual({ epochs: 1, examples: 500 });
  expect(lengthFor(0.0001, run)).toEqual({ epochs: 1, examples: 100 });
});

it("images that do not fill a batch are one step per epoch, of which there is a finite number", () => {
  const run = { seconds: 1, images: 123, batch: 128 };
  expect(lengthFor(1, run)).toEqual({ epochs: 54, examples: undefined });
});
