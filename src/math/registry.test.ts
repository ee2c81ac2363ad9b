import { afterEach, expect, test } from "vitest";
import { Registry } from "./registry.ts";

const circle = { name: "circle" };
const square = { name: "square" };
const shapes = new Registry("shape", [circle, square]);
afterEach(() => shapes.remove("star"));

test("finds definitions by name and lists added ones last", () => {
  const star = { name: "star" };
  shapes.add(star);
  expect(shapes.names).toEqual(["circle", "square", "star"]);
  expect(shapes.builtIn).toEqual([circle, square]);
  expect(shapes.named("star")).toBe(star);
});

test("suggests the nearest name", () => {
  expect(() => shapes.named("squire")).toThrow("unknown shape squire; did you mean square?");
});

test("adds the same value twice without an error, and refuses another one of its name", () => {
  const star = { name: "star" };
  shapes.add(star);
  shapes.add(star);
  expect(() => shapes.add({ name: "star" })).toThrow(
    expect.objectContaining({ code: "bad-plugin" }),
  );
  expect(() => shapes.add({ name: "circle" })).toThrow("a shape named circle already");
});

test("does not remove a built-in definition", () => {
  shapes.remove("circle");
  expect(shapes.find("circle")).toBe(circle);
});
