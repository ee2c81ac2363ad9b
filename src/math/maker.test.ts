import { expect, it } from "vitest";
import { makerWith } from "./maker.ts";

it("is called as the function, and has the fields, name included", () => {
  const twice = makerWith((x: number) => 2 * x, { type: "noise", name: "twice" } as const);
  expect(twice(4)).toBe(8);
  expect([twice.type, twice.name]).toEqual(["noise", "twice"]);
  expect(new Set(Object.keys(twice))).toEqual(new Set(["type", "name"]));
  expect(() => Object.assign(twice, { name: "thrice" })).toThrow(TypeError);
});

it("leaves the function as it was, so that one function serves two definitions", () => {
  const same = (x: number) => x;
  const [a, b] = [makerWith(same, { name: "a" }), makerWith(same, { name: "b" })];
  expect([a.name, b.name, same.name]).toEqual(["a", "b", "same"]);
});
