import { describe, expect, it } from "vitest";
import { percentDown, shortDown } from "./numbers.ts";

describe("guaranteed numbers", () => {
  it.each([
    [0.67486, "0.674"],
    [0.0121999, "0.0121"],
    [12.57, "12.5"],
    [0, "0"],
  ])("shows the radius %d as %s, never more than it is", (radius, text) => {
    expect(shortDown(radius)).toBe(text);
  });

  it.each([
    [0.99655, "99.6\u00a0%"],
    [1, "100.0\u00a0%"],
    [0.5, "50.0\u00a0%"],
  ])("shows the share %d as %s", (share, text) => {
    expect(percentDown(share)).toBe(text);
  });
});
