import { describe, expect, it } from "vitest";
import { defined, present } from "./defined.ts";

describe("defined", () => {
  it("drops undefined properties and no others", () => {
    const values = { none: undefined, zero: 0, empty: "", no: false, nothing: null };
    expect(Object.keys(defined(values))).toEqual(["zero", "empty", "no", "nothing"]);
  });

  it("keeps a default that undefined would replace", () => {
    const given: { readonly steps?: number | undefined } = { steps: undefined };
    const steps: number = { steps: 20, ...defined(given) }.steps;
    expect(steps).toBe(20);
  });
});

it("present keeps the order and drops undefined items only", () => {
  expect(present([0, undefined, null, "", undefined, 2])).toEqual([0, null, "", 2]);
});
