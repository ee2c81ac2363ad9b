import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { defenseSettings } from "../train/defense-settings.ts";
import { refuseOtherOptions, resolveOptions, trainOptions } from "../train/options.ts";
import { type DefenseSpecification, defineDefense } from "./define-defense.ts";
import { ratLinfUniform } from "./rat.ts";
import { defenseNamed, defenseOptions, defenses } from "./table.ts";

const mine = defineDefense({
  name: "my-shift",
  source: "this test",
  options: z.strictObject({
    size: z.number().positive().default(0.1).describe("added to each pixel"),
    steps: z.int().positive().default(3).describe("repeats"),
  }),
  sharedOptions: { steps: "steps" },
  make: ({ size, steps }, { name }) => ({
    objective: { name: `${name} ${size} ${steps}`, examples: async (_, x) => x },
  }),
});
afterEach(() => defenses.remove("my-shift"));
const start = { data: "shapes", model: "cnn-small" };

describe("a defence from outside", () => {
  it("is used as a value with its own defaults", () => {
    const { name, noise, attacks, options, objective } = mine({ size: 0.5 });
    expect({ name, noise, attacks, options }).toEqual({
      name: "my-shift",
      noise: null,
      attacks: [],
      options: { size: 0.5, steps: 3 },
    });
    expect(objective.name).toBe("my-shift 0.5 3");
    expect(() => mine({ size: -1 })).toThrow("size is -1, but it must be more than 0");
    expect(() => defenseNamed("my-shift")).toThrow("unknown defense my-shift");
  });

  it("has a name and options among those of all defences once it is added", () => {
    defenses.add(mine);
    expect(defenseNamed("my-shift").options).toEqual({ size: 0.1, steps: 10 });
    const shared = { myShiftSize: 0.2, steps: 4 };
    expect(defenseNamed("my-shift", shared).options).toEqual({ size: 0.2, steps: 4 });
    expect(Object.keys(defenseOptions().shape)).toContain("myShiftSize");
    expect(() => defenseNamed("my-shift", { noise: "normal" })).toThrow(
      "my-shift injects no noise, got normal",
    );
  });

  it("has an option that other defences refuse", () => {
    defenses.add(mine);
    const shared: object = { myShiftSize: 0.2 };
    expect(() => defenseNamed("at-linf", shared)).toThrow(
      "at-linf has no option myShiftSize, got 0.2; leave it out, or use my-shift",
    );
  });

  it("is trained by name, with options that a resumed run compares", () => {
    defenses.add(mine);
    const given = trainOptions().parse(
      Object.assign({}, start, { defense: "my-shift", myShiftSize: 0.2 }),
    );
    const stored = resolveOptions(given);
    expect(stored).toMatchObject({ defense: "my-shift", myShiftSize: 0.2 });
    expect(defenseNamed("my-shift", defenseSettings(stored)).options).toEqual({
      size: 0.2,
      steps: 10,
    });
    expect(() => refuseOtherOptions(given, stored, "runs/a")).not.toThrow();
    const other = trainOptions().parse({ myShiftSize: 0.3 });
    expect(() => refuseOtherOptions(other, stored, "runs/a")).toThrow(
      "--my-shift-size 0.3 (was 0.2)",
    );
  });

  it("leaves no option behind", () => {
    expect(trainOptions().safeParse({ defense: "my-shift" }).success).toBe(false);
    expect(resolveOptions(Object.assign({ defense: "standard" }, start))).not.toHaveProperty(
      "myShiftSize",
    );
  });

  it.each<[string, DefenseSpecification["make"], string]>([
    ["throws", () => expect.fail("no idea"), "defense broken threw in make: no idea"],
    ["returns nothing", () => undefined as never, "must return an objective"],
    ["returns no objective", () => ({ objective: {} }) as never, "must return an objective"],
    [
      "returns the name of a noise",
      () => ({ objective: { examples() {} }, noise: "normal" }) as never,
      "returned a noise without name or sample",
    ],
  ])("is refused if its maker %s", (_, make, message) => {
    const broken = defineDefense({ name: "broken", source: "this test", make });
    expect(() => broken()).toThrow(
      expect.objectContaining({ code: "bad-plugin", message: expect.stringContaining(message) }),
    );
  });

  it("is refused if its name has a capital, or if it has no maker", () => {
    const named = (name: string, make?: unknown) => () =>
      defineDefense({ name, source: "", make } as DefenseSpecification);
    for (const broken of [named("Mine", () => ({})), named("mine")])
      expect(broken).toThrow(expect.objectContaining({ code: "bad-plugin" }));
  });
});

it("a built-in definition makes the defence of its name", () => {
  const [byValue, byName] = [
    ratLinfUniform({ noise: "uniform:0.1", steps: 4 }),
    defenseNamed("rat-linf-uniform", { noise: "uniform:0.1", steps: 4 }),
  ];
  expect(byValue.options).toEqual(byName.options);
  expect(byValue.noise?.name).toBe("uniform:0.1");
  expect(byValue.attacks).toMatchObject(byName.attacks.map(({ name }) => ({ name })));
  for (const { source } of defenses.all) expect(source).not.toBe("");
});
