import { describe, expect, it } from "vitest";
import type { TrainEvent } from "../train/events.ts";
import { lengthFor, secondsPerStep, trialLength } from "./time-budget.ts";

/** A trial in a time of its own: each event takes as many seconds as it says. */
function trial(...all: readonly (readonly [TrainEvent["event"], number])[]) {
  let time = 0;
  async function* events() {
    for (const [event, seconds] of all) {
      time += seconds;
      yield { event } as TrainEvent;
    }
  }
  return { events: events(), now: () => time };
}

const step = (seconds: number) => ["step", seconds] as const;

describe("a step's time", () => {
  it("leaves out the first three steps, which compile", async () => {
    const { events, now } = trial(
      ["start", 50],
      step(9),
      step(9),
      step(9),
      step(2),
      step(3),
      step(4),
    );
    expect(await secondsPerStep(events, { now })).toBe(3);
  });

  it.each([1, 2])("leaves out what follows an epoch of %i steps", async (perEpoch) => {
    const epoch = [...Array.from({ length: perEpoch }, () => step(2)), ["epoch", 70] as const];
    const all = Array.from({ length: 6 / perEpoch }, () => epoch).flat();
    const { events, now } = trial(...all, ["done", 40]);
    expect(await secondsPerStep(events, { now })).toBe(2);
  });

  it("is that of the last step if a verdict ends the trial", async () => {
    const { events, now } = trial(step(9), step(2), ["stopped", 1]);
    expect(await secondsPerStep(events, { now })).toBe(2);
  });

  it("is not measured on a trial that is interrupted", async () => {
    const { events, now } = trial(step(9), ["interrupted", 0]);
    const signal = AbortSignal.abort(new Error("stop"));
    await expect(secondsPerStep(events, { now, signal })).rejects.toThrow("stop");
  });
});

it("a trial has six steps of the size of the training, in epochs of at most three", () => {
  expect(trialLength({ images: 5000, batch: 128 })).toEqual({ epochs: 2, examples: 384 });
  expect(trialLength({ images: 300, batch: 128 })).toEqual({ epochs: 3, examples: 256 });
  expect(trialLength({ images: 100, batch: 128 })).toEqual({ epochs: 6, examples: 100 });
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
