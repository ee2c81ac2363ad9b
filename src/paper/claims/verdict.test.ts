import { describe, expect, it } from "vitest";
import { allOf, protocolVerdict, verdictOf } from "./verdict.ts";

const interval = (low: number, high: number) => ({ mean: (low + high) / 2, low, high });

describe("a verdict", () => {
  it("is that of the side on which the whole interval lies", () => {
    expect(verdictOf(interval(0.01, 0.1), "more")).toBe("holds");
    expect(verdictOf(interval(-0.1, -0.01), "more")).toBe("does not hold");
    expect(verdictOf(interval(-0.01, 0.1), "more")).toBe("undecided");
    expect(verdictOf(interval(-0.1, -0.01), "less")).toBe("holds");
    expect(verdictOf(interval(0.01, 0.1), "less")).toBe("does not hold");
  });

  it("is undecided where an end of the interval is 0", () => {
    for (const expected of ["more", "less"] as const) {
      expect(verdictOf(interval(0, 0.1), expected)).toBe("undecided");
      expect(verdictOf(interval(-0.1, 0), expected)).toBe("undecided");
    }
  });

  it("of “equal” and “not more” allows a margin", () => {
    expect(verdictOf(interval(-0.04, 0.04), "equal")).toBe("holds");
    expect(verdictOf(interval(-0.04, 0.06), "equal")).toBe("undecided");
    expect(verdictOf(interval(0.02, 0.2), "equal")).toBe("does not hold");
    expect(verdictOf(interval(-0.5, 0.04), "not more")).toBe("holds");
    expect(verdictOf(interval(-0.5, 0.06), "not more")).toBe("undecided");
    expect(verdictOf(interval(0.01, 0.04), "not more")).toBe("does not hold");
  });

  it("of several comparisons needs all of them, and one against it decides", () => {
    expect(allOf(["holds", "holds"])).toBe("holds");
    expect(allOf(["holds", "undecided"])).toBe("undecided");
    expect(allOf(["holds", "undecided", "does not hold"])).toBe("does not hold");
    expect(allOf([])).toBe("undecided");
  });
});

describe("a claim under two protocols", () => {
  const published = interval(0.2, 0.4);

  it("is an artefact where only the published one shows it, on intervals apart", () => {
    expect(protocolVerdict(published, interval(-0.1, 0.1), "more")).toBe("artefact");
    expect(protocolVerdict(published, interval(-0.2, -0.1), "more")).toBe("artefact");
  });

  it("is none where the sound one shows it too, or the intervals overlap", () => {
    expect(protocolVerdict(published, interval(0.1, 0.15), "more")).toBe("holds");
    expect(protocolVerdict(published, interval(-0.1, 0.25), "more")).toBe("undecided");
    expect(protocolVerdict(interval(-0.1, 0.4), interval(-0.3, -0.2), "more")).toBe(
      "does not hold",
    );
  });
});
