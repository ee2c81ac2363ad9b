import { beforeEach, expect, it, vi } from "vitest";
import type { Answer } from "../protocol.ts";
import type { Asked } from "./series.ts";

// Without a browser there is no worker.
vi.stubGlobal(
  "Worker",
  class {
    addEventListener() {}
  },
);
const { Series } = await import("./series.ts");
const { problem } = await import("./worker.ts");
vi.unstubAllGlobals();

/** A computation that counts to 3, and the promises of the moments that it is asked for. */
class Counting implements Asked<number> {
  isStopped = false;
  #count = 0;
  answers: (() => void)[] = [];

  next(): Promise<Answer<number>> {
    return new Promise((resolve) => {
      this.answers.push(() => resolve({ value: ++this.#count }));
    });
  }

  stop(): void {
    this.isStopped = true;
  }

  /** Answers the oldest question, and lets the series take the answer. */
  async answer(): Promise<void> {
    await vi.waitFor(() => expect(this.answers).toHaveLength(1));
    this.answers.shift()?.();
    await new Promise((resolve) => setTimeout(resolve));
  }
}

let all: Counting[];
const counted = () =>
  new Series<number>(
    async () => {
      const one = new Counting();
      all.push(one);
      return one;
    },
    (value) => value === 3,
  );

beforeEach(() => {
  all = [];
  problem.value = null;
});

it("asks for moment after moment until the last, and starts anew after it", async () => {
  const series = counted();
  void series.play();
  for (let i = 0; i < 3; i++) {
    await vi.waitFor(() => expect(all).toHaveLength(1));
    await all[0].answer();
  }
  expect(series.moments.value).toEqual([1, 2, 3]);
  expect(series.status.value).toBe("done");
  void series.play();
  expect(series.moments.value).toEqual([]);
  await vi.waitFor(() => expect(all).toHaveLength(2));
});

it("goes on with the same computation after a pause", async () => {
  const series = counted();
  void series.play();
  await vi.waitFor(() => expect(all).toHaveLength(1));
  series.pause();
  await all[0].answer();
  expect([series.status.value, series.moments.value]).toEqual(["paused", [1]]);
  expect(all[0].answers).toEqual([]);
  void series.play();
  await all[0].answer();
  expect(all).toHaveLength(1);
  expect(series.moments.value).toEqual([1, 2]);
});

it("drops a moment that was asked for before a reset, and stops that computation", async () => {
  const series = counted();
  void series.play();
  await vi.waitFor(() => expect(all[0]?.answers).toHaveLength(1));
  series.reset();
  await all[0].answer();
  expect(all[0].isStopped).toBe(true);
  expect([series.status.value, series.moments.value]).toEqual(["idle", []]);
});

it("shows what is wrong, and can be played again", async () => {
  const failed = { usage: true, message: "no" };
  const series = new Series<number>(
    async () => ({ next: async () => ({ problem: failed }), stop: () => undefined }),
    () => false,
  );
  await series.play();
  expect(problem.value).toEqual(failed);
  expect(series.status.value).toBe("idle");
});
