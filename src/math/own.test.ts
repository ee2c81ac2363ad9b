import { describe, expect, it } from "vitest";
import { own } from "./own.ts";

describe("a table looked up by a foreign name", () => {
  it("gives its own entries, one called __proto__ included", () => {
    expect(own({ relu: 1 }, "relu")).toBe(1);
    expect(own(JSON.parse('{ "__proto__": 2 }'), "__proto__")).toBe(2);
  });

  it.each(["toString", "constructor", "hasOwnProperty", "valueOf", "__proto__"])(
    "has no entry %s that it only inherits",
    (name) => {
      expect(own({ relu: 1 }, name)).toBeUndefined();
    },
  );
});
