import { describe, expect, it } from "vitest";
import { duration, progress } from "../src/cli/kit/progress.ts";

function onPipe(options = {}) {
  const written: string[] = [];
  let time = 1000;
  const stderr = { write: (text: string) => written.push(text) };
  return {
    written,
    bar: progress(stderr, { ...options, now: () => time }),
    wait: (s: number) => (time += s),
  };
}

describe("progress on a pipe", () => {
  it("writes a line at the start, every ten seconds and at the end", () => {
    const { written, bar, wait } = onPipe();
    for (let done = 0; done <= 100; done++) {
      bar.update("epoch 1", done, 100);
      wait(0.3);
    }
    bar.stop();
    expect(written).toEqual([
      "epoch 1: 0/100\n",
      "epoch 1: 34/100, 3.3/s, 20s left\n",
      "epoch 1: 68/100, 3.3/s, 10s left\n",
      "epoch 1: 100/100, done in 30s\n",
    ]);
  });

  it("counts rate and time left from the label's first update, not from zero", () => {
    const { written, bar, wait } = onPipe();
    bar.update("resumed", 900, 1000);
    wait(10);
    bar.update("resumed", 920, 1000);
    expect(written.at(-1)).toBe("resumed: 920/1000, 2.0/s, 40s left\n");
  });

  it("starts anew with each label", () => {
    const { written, bar, wait } = onPipe();
    bar.update("a", 1, 2);
    wait(1);
    bar.update("b", 1, 2);
    expect(written).toEqual(["a: 1/2\n", "b: 1/2\n"]);
  });

  it("shows the share of a whole that has no unit", () => {
    const { written, bar, wait } = onPipe({ percent: true });
    bar.update("all", 0.5, 4);
    wait(10);
    bar.update("all", 1.5, 4);
    expect(written).toEqual(["all: 12 %\n", "all: 37 %, 25s left\n"]);
  });

  it("lets a line pass", () => {
    const { written, bar } = onPipe();
    bar.log("saved");
    expect(written).toEqual(["saved\n"]);
  });
});

it("redraws one line on a terminal, with the time left", () => {
  let shown = "";
  const stderr = {
    isTTY: true,
    columns: 100,
    write: (text: string) => {
      shown += text;
    },
  };
  let time = 0;
  const bar = progress(stderr, { now: () => time });
  bar.update("epoch 1", 0, 10);
  time = 5;
  bar.update("epoch 1", 5, 10);
  bar.stop();
  expect(shown).toContain("epoch 1");
  expect(shown).toContain("5/10 1.0/s, 5s left");
  expect(shown).not.toContain("\n");
});

it.each([
  [0.4, "0s"],
  [59.4, "59s"],
  [59.6, "1m00s"],
  [75, "1m15s"],
  [5400, "1h30m"],
  [90061, "25h01m"],
])("writes %f seconds as %s", (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});
