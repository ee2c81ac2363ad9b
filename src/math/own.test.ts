import { describe, expect, it } from "vitest";
import { own } from "./own.ts";

describe("own", () => {
  it("returns the entries of a table, even one called __proto__", () => {
    expect(own({ relu: 1 }, "relu")).toBe(1);
    expect(own(JSON.parse('{ "__proto__": 2 }'), "__proto__")).toBe(2);
  });

  it.each(["toString", "constructor", "hasOwnProperty", "valueOf", "__proto__"])(
    "returns nothing for the inherited name %s",
    (name) => {
      expect(own({ relu: 1 }, name)).toBeUndefined();
    },
  );
});
