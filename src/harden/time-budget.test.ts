import { describe, expect, it } from "vitest";
import type { TrainEvent } from "../train/events.ts";
import {
  affordableImages,
  lengthFor,
  plannedSeconds,
  timeLimit,
  timesOf,
  trialLength,
} from "./time-budget.ts";

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

describe("the times of a trial", () => {
  it("leave out what the first steps and the first check compile, which is spent once", async () => {
    const { events, now } = trial(
      ["start", 5],
      ["validation", 30],
      step(9),
      step(4),
      step(5),
      ["validation", 8],
      ["epoch", 2],
      step(2),
      step(3),
      step(4),
      ["validation", 10],
      ["epoch", 1],
      ["done", 1],
    );
    const once = 5 + (30 - 10) + (9 - 3) + (4 - 3) + (5 - 3) + 1;
    expect(await timesOf(events, { now })).toEqual({ step: 3, check: 10, epochEnd: 1, once });
  });

  it.each([1, 2])("of a step leave out what follows an epoch of %i", async (perEpoch) => {
    const ends = [["validation", 9] as const, ["epoch", 70] as const, ["checkpoint", 6] as const];
    const epoch = [...Array.from({ length: perEpoch }, () => step(2)), ...ends];
    const all = Array.from({ length: 6 / perEpoch }, () => epoch).flat();
    const { events, now } = trial(...all, ["done", 40]);
    expect(await timesOf(events, { now })).toEqual({ step: 2, check: 9, epochEnd: 76, once: 40 });
  });

  it("are those of the last step if a verdict ends the trial", async () => {
    const { events, now } = trial(step(9), step(2), ["stopped", 1]);
    expect((await timesOf(events, { now })).step).toBe(2);
  });

  it("are not measured on a trial that is interrupted", async () => {
    const { events, now } = trial(step(9), ["interrupted", 0]);
    const signal = AbortSignal.abort(new Error("stop"));
    await expect(timesOf(events, { now, signal })).rejects.toThrow("stop");
  });
});

it("a trial has six steps of the size of the training, in epochs of at most three", () => {
  expect(trialLength({ images: 5000, batch: 128 })).toEqual({ epochs: 2, examples: 384 });
  expect(trialLength({ images: 300, batch: 128 })).toEqual({ epochs: 3, examples: 256 });
  expect(trialLength({ images: 100, batch: 128 })).toEqual({ epochs: 6, examples: 100 });
});

const times = { step: 1, check: 0, epochEnd: 0, once: 0 };
const run = { images: 1000, batch: 100, checks: 1 };

describe("the length of a training", () => {
  it("is as many whole epochs as fit, or a part of one, and at least a step", () => {
    expect(lengthFor(54, times, run)).toEqual({ epochs: 5, examples: undefined });
    expect(lengthFor(5.4, times, run)).toEqual({ epochs: 1, examples: 500 });
    expect(lengthFor(-9, times, run)).toEqual({ epochs: 1, examples: 100 });
  });

  it("fills the time with smaller epochs if that gains more steps than it loses images", () => {
    expect(lengthFor(19, times, run)).toEqual({ epochs: 2, examples: 900 });
    expect(lengthFor(13, times, run)).toEqual({ epochs: 1, examples: undefined });
    expect(lengthFor(29, times, run)).toEqual({ epochs: 3, examples: 900 });
  });

  it("has one step per epoch, and a finite number of epochs, if the images do not fill a batch", () => {
    const few = { images: 123, batch: 128, checks: 1 };
    expect(lengthFor(54, times, few)).toEqual({ epochs: 54, examples: undefined });
  });

  it("has time for all checks, the ends of epochs and the start", () => {
    for (const step of [0.1, 1, 7])
      for (const check of [0, 3, 40])
        for (const epochEnd of [0, 5])
          for (const checks of [1, 4])
            for (const images of [300, 5000]) {
              const [spent, left] = [{ step, check, epochEnd, once: 20 }, 3240];
              const size = { images, batch: 128, checks };
              const { epochs, examples = images } = lengthFor(left, spent, size);
              const inEpoch = Math.floor(examples / 128) * step + checks * check + epochEnd;
              const planned = 20 + check + epochs * inEpoch;
              expect(planned).toBeLessThanOrEqual(left);
              expect(planned).toBeGreaterThan(0.7 * left);
            }
  });
});

it("a check takes a tenth of the time at most, on 32 images or more", () => {
  expect(affordableImages(512, 0.1, 3240)).toBe(512);
  expect(affordableImages(512, 2, 3240)).toBe(162);
  expect(affordableImages(512, 60, 3240)).toBe(32);
  expect(affordableImages(13, 60, 3240)).toBe(13);
  expect(affordableImages(512, 0, -1)).toBe(512);
});

it("nine tenths of the minutes are planned, and a fifth more is the limit", () => {
  expect(plannedSeconds(60, 100)).toBeCloseTo(3140);
  let time = 1000;
  const limit = timeLimit(10, () => time);
  time += 719;
  expect(limit.isOver()).toBe(false);
  time += 2;
  expect(limit.isOver()).toBe(true);
  expect(limit.text).toContain("20 % over --minutes 10");
});
