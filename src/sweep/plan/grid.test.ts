import { describe, expect, it } from "vitest";
import { combinations, combinationsOf, parsePlan } from "./grid.ts";
import { planJsonSchema, type Step } from "./schema.ts";

const codeOf = (action: () => unknown): unknown => {
  try {
    action();
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
  return undefined;
};

const plan = (more: object) =>
  parsePlan("p.json", JSON.stringify(Object.assign({ models: [{ file: "a.onnx" }] }, more)));

const step = (more: Partial<Step>): Step =>
  Object.assign({ options: {}, grid: {}, where: {}, priority: 0 }, more);

describe("a grid", () => {
  it("has a combination for each choice of values, the last list varying fastest", () => {
    expect(combinations({ a: [1, 2], b: ["x", "y"] })).toEqual([
      { a: 1, b: "x" },
      { a: 1, b: "y" },
      { a: 2, b: "x" },
      { a: 2, b: "y" },
    ]);
    expect(combinations({})).toEqual([{}]);
  });

  it("takes values as the command line does: 8/255 is a number, lists are lists", () => {
    const [one, two] = combinationsOf(
      "evaluate",
      step({ options: { attacks: ["none"] }, grid: { epsilonLinf: ["8/255", [0.1, 0.2]] } }),
      "p",
    );
    expect(one.options.epsilonLinf).toEqual([8 / 255]);
    expect(two.varied).toEqual({ epsilonLinf: [0.1, 0.2] });
    expect(two.options.steps).toBe(20);
  });

  it.each<[string, string, Partial<Step>, string]>([
    ["an unknown option", "evaluate", { options: { epsilonn: 1 } }, "unknown-option"],
    ["an unknown option of the grid", "train", { grid: { lr: [0.1] } }, "unknown-option"],
    ["a value out of range", "certify", { options: { n: 10, examples: 0 } }, "bad-option"],
    ["an unknown attack", "evaluate", { grid: { attacks: [["pgd-linff"]] } }, "unknown-name"],
    ["an option of another step", "audit", { options: { epochs: 3 } }, "unknown-option"],
    [
      "an option both fixed and varied",
      "train",
      { options: { seed: 1 }, grid: { seed: [1] } },
      "bad-option",
    ],
  ])("is refused with %s", (_, kind, more, code) => {
    expect(codeOf(() => combinationsOf(kind as "train", step(more), "p"))).toBe(code);
  });
});

describe("a plan", () => {
  it.each<[string, object, string]>([
    ["an empty list in a grid", { train: [{ grid: { defense: [] } }] }, "bad-option"],
    ["a field that plans do not have", { evalute: [] }, "unknown-option"],
    ["a field that steps do not have", { train: [{ option: {} }] }, "unknown-option"],
    ["no models", { models: [] }, "missing-option"],
    ["threads that are not a number", { threads: "two" }, "bad-option"],
  ])("is refused with %s", (_, more, code) => {
    expect(codeOf(() => plan(more))).toBe(code);
  });

  it("is refused if it is no JSON", () => {
    expect(codeOf(() => parsePlan("p.json", "{"))).toBe("bad-file");
  });

  it("has defaults for everything but models", () => {
    expect(plan({})).toMatchObject({
      threads: 1,
      images: 512,
      retries: 2,
      report: false,
      train: [],
    });
  });

  it("has a schema with the options of every step, each as a value and as a list", () => {
    const schema = planJsonSchema() as never as {
      properties: Record<string, { items: { properties: Record<string, { properties: object }> } }>;
    };
    for (const kind of ["train", "evaluate", "certify", "audit"]) {
      const { options, grid } = schema.properties[kind].items.properties;
      expect(Object.keys(options.properties).length).toBeGreaterThan(5);
      expect(Object.keys(grid.properties)).toEqual(Object.keys(options.properties));
    }
    expect(schema.properties.train.items.properties.options.properties).toHaveProperty("defense");
  });
});
