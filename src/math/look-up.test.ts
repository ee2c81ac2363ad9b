import { describe, expect, it } from "vitest";
import { lookUp } from "./look-up.ts";

describe("lookUp", () => {
  it("returns the entries of a table, even one called __proto__", () => {
    expect(lookUp({ relu: 1 }, "relu")).toBe(1);
    expect(lookUp(JSON.parse('{ "__proto__": 2 }'), "__proto__")).toBe(2);
  });

  it.each(["toString", "constructor", "hasOwnProperty", "valueOf", "__proto__"])(
    "returns nothing for the inherited name %s",
    (name) => {
      expect(lookUp({ relu: 1 }, name)).toBeUndefined();
    },
  );
});
