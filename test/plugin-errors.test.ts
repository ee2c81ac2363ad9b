// Whatever the code of a plug-in throws or returns, the error names its definition and its file: each kind, each function.
import { afterAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { defineAttack } from "../src/attacks/define-attack.ts";
import type { Victim } from "../src/attacks/victim.ts";
import { memoryData } from "../src/data/data-files.ts";
import { defineDataset } from "../src/data/define-dataset.ts";
import { defineDefense } from "../src/defenses/define-defense.ts";
import { input } from "../src/engine/graph/ops.ts";
import { defineLoss } from "../src/losses/define-loss.ts";
import { forgetPlugins, type PluginDefinition, rememberFile } from "../src/math/plugin.ts";
import { keyOf, keysFor } from "../src/math/random.ts";
import { tensor } from "../src/math/tensor.ts";
import { UsageError } from "../src/math/usage-error.ts";
import { defineArchitecture } from "../src/models/define-architecture.ts";
import { defineNoise, pixels } from "../src/noise/define-noise.ts";
import { emptyMemory, feedsOf } from "../src/train/batch-procedure.ts";
import { lossOfBatch } from "../src/train/objective-graph.ts";
import { linearVictim } from "./fixtures/linear-victim.ts";

afterAll(forgetPlugins);

const words = { summary: "nothing", source: "this test" } as const;
const keys = keysFor(keyOf(1), [0, 1]);
const x = tensor([2, 1, 1, 2], [0.5, 0.5, 0.25, 0.75]);
const labels = [0, 1];
const victim: Victim = linearVictim(tensor([2, 2], [1, 0, 0, 1]), [0, 0]);
const from = memoryData({});
const batch = { x, labels, objectiveKeys: keys, dropoutKeys: keys };
const sizes = { batch: 2, images: [2, 1, 1, 2], classes: 2 } as const;

/** A definition that is known to be from a file. */
function fromFile<D extends PluginDefinition>(definition: D): D {
  rememberFile(definition, "./mine.mjs");
  return definition;
}

/** Calls each function of a plug-in with `body` as the author's code. `name` is how errors name the function. */
const calls: Readonly<Record<string, { readonly of: string; run(body: () => never): unknown }>> = {
  "attack make": {
    of: "attack mine of ./mine.mjs",
    run: (make) =>
      fromFile(
        defineAttack({
          ...words,
          name: "mine",
          norms: ["linf"],
          asks: "logits",
          options: z.strictObject({}),
          make,
        }),
      ).from({ norm: "linf", epsilon: 0.1 }),
  },
  "attack perturb": {
    of: "attack mine of ./mine.mjs",
    run: (body) =>
      fromFile(
        defineAttack({
          ...words,
          name: "mine",
          norms: ["linf"],
          asks: "logits",
          options: z.strictObject({}),
          make: () => ({ perturb: async () => body() }),
        }),
      )({ norm: "linf", epsilon: 0.1 }).perturb(victim, x, labels, keys),
  },
  "attack minimize": {
    of: "attack mine of ./mine.mjs",
    run: (body) =>
      fromFile(
        defineAttack({
          ...words,
          kind: "minimum-norm",
          name: "mine",
          norms: ["l2"],
          options: z.strictObject({}),
          make: () => ({ minimize: async () => body() }),
        }),
      )().minimize(victim, x, labels, keys),
  },
  "loss graph": {
    of: "loss mine of ./mine.mjs",
    run: (graph) => {
      const loss = fromFile(defineLoss({ name: "mine", source: "this test", graph }))({ labels });
      return loss.definition.weights(loss, 2);
    },
  },
  "loss weights": {
    of: "loss mine of ./mine.mjs",
    run: (weights) => {
      const loss = fromFile(
        defineLoss({ name: "mine", source: "this test", graph: (z) => z, weights }),
      )({ labels });
      return loss.definition.weights(loss, 2);
    },
  },
  "defense make": {
    of: "defense mine of ./mine.mjs",
    run: (make) => fromFile(defineDefense({ name: "mine", source: "this test", make }))(),
  },
  "defense noise.sample": {
    of: "defense mine of ./mine.mjs",
    run: (sample) =>
      fromFile(
        defineDefense({
          name: "mine",
          source: "this test",
          make: () => ({
            objective: { name: "mine", feeds: sample },
            noise: { name: "own", sample },
          }),
        }),
      )().noise?.sample(keys, x.shape),
  },
  "defense feeds": {
    of: "defense mine of ./mine.mjs",
    run: (feeds) =>
      feedsOf(
        fromFile({ type: "defense", name: "mine" }),
        { name: "mine", feeds },
        { x: x.shape },
        victim,
        batch,
      ),
  },
  "defense memory": {
    of: "defense mine of ./mine.mjs",
    run: (memory) => emptyMemory(fromFile({ type: "defense", name: "mine" }), { memory }, sizes),
  },
  "defense arrays": {
    of: "defense mine of ./mine.mjs",
    run: (arrays) =>
      lossOfBatch(fromFile({ type: "defense", name: "mine" }), {
        name: "mine",
        feeds: arrays,
        arrays,
      }).arrays(sizes),
  },
  "noise sample": {
    of: "noise mine of ./mine.mjs",
    run: (sample) =>
      fromFile(
        defineNoise({
          name: "mine",
          parameters: { level: pixels(0.1, "level") },
          source: "this test",
          describe: () => "mine",
          sample,
        }),
      )().sample(keys, x.shape),
  },
  "noise describe": {
    of: "noise mine of ./mine.mjs",
    run: (describe) =>
      fromFile(
        defineNoise({
          name: "mine",
          parameters: {},
          source: "this test",
          describe,
          sample: () => x,
        }),
      )().describe?.(),
  },
  "architecture make": {
    of: "architecture mine of ./mine.mjs",
    run: (make) =>
      fromFile(
        defineArchitecture({
          name: "mine",
          source: "this test",
          options: z.strictObject({}),
          make,
        }),
      )({ shape: [1, 1, 2], classes: 2, mean: [0], std: [1] }),
  },
  "architecture forward": {
    of: "architecture mine of ./mine.mjs",
    run: (forward) =>
      fromFile(
        defineArchitecture({
          name: "mine",
          source: "this test",
          options: z.strictObject({}),
          make: () => ({ parameters: [], forward }),
        }),
      )({ shape: [1, 1, 2], classes: 2, mean: [0], std: [1] }).forward(
        input("x", x.shape),
        () => expect.fail("no parameters"),
        "frozen",
      ),
  },
  "architecture input": {
    of: "architecture mine of ./mine.mjs",
    run: (seen) =>
      fromFile(
        defineArchitecture({
          name: "mine",
          source: "this test",
          options: z.strictObject({}),
          make: () => ({
            parameters: [],
            input: seen,
            forward: () => ({ logits: input("z", [2, 2]), statistics: {} }),
          }),
        }),
      )({ shape: [1, 1, 2], classes: 2, mean: [0], std: [1] }).input?.(input("x", x.shape)),
  },
  "dataset open": {
    of: "dataset mine of ./mine.mjs",
    run: (open) =>
      fromFile(defineDataset({ name: "mine", text: "", source: "this test", open }))(from),
  },
  "dataset images": {
    of: "dataset mine of ./mine.mjs",
    async run(images) {
      const part = { size: 2, labels: [0, 1], images };
      const open = () => ({
        shape: [1, 1, 2],
        classes: ["a", "b"],
        mean: [0],
        std: [1],
        train: part,
        test: part,
      });
      const opened = await fromFile(
        defineDataset({ name: "mine", text: "", source: "this test", open }),
      )(from);
      return opened.test.images([0, 1]);
    },
  },
};

/** The error of a call, whether it throws or rejects. */
async function errorOf(call: () => unknown): Promise<UsageError> {
  try {
    await call();
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return error as UsageError;
  }
  return expect.fail("no error");
}

const returning = (value: unknown) => (() => value) as () => never;
const throwing = (error: unknown) => () => {
  throw error;
};

describe.each(Object.entries(calls))("%s", (name, { of, run }) => {
  const [, call] = name.split(" ");

  it("that throws is bad-plugin, with the definition, the file and the function", async () => {
    const error = await errorOf(() => run(throwing(new TypeError("x is undefined"))));
    expect(error.code).toBe("bad-plugin");
    expect(error.message).toBe(`${of} threw in ${call}: x is undefined`);
  });

  it("that throws a UsageError keeps its code and message, and is named too", async () => {
    const own = new UsageError(["there is no file a", "  make it"], { code: "not-found" });
    const error = await errorOf(() => run(throwing(own)));
    expect(error.code).toBe("not-found");
    expect(error.lines).toEqual([`${of}, in ${call}: there is no file a`, "  make it"]);
    expect(error.cause).toBe(own);
  });

  it("that throws something else than an error is bad-plugin", async () => {
    const error = await errorOf(() => run(throwing("a word")));
    expect([error.code, error.message]).toEqual(["bad-plugin", `${of} threw in ${call}: a word`]);
  });

  it.each<[string, unknown]>([
    ["a number", 5],
    ["an object", { a: 1 }],
    ["an array of another shape", tensor([3])],
  ])("that returns %s is bad-plugin, with the definition and the file", async (_, value) => {
    const error = await errorOf(() => run(returning(value)));
    expect(error.code).toBe("bad-plugin");
    expect(error.message.slice(0, of.length + 1)).toBe(`${of} `);
  });
});

it.each(["attack perturb", "defense noise.sample", "noise sample", "dataset images"])(
  "%s that returns NaN is bad-plugin",
  async (name) => {
    const nan = tensor(
      x.shape,
      x.data.map(() => Number.NaN),
    );
    const error = await errorOf(() => calls[name].run(returning(nan)));
    expect([error.code, error.message]).toEqual([
      "bad-plugin",
      expect.stringMatching(/of \.\/mine\.mjs returned NaN/),
    ]);
  },
);

it("an attack that overwrites its images is measured from the images that it was given", async () => {
  const attack = defineAttack({
    ...words,
    name: "mine",
    norms: ["linf"],
    asks: "logits",
    options: z.strictObject({}),
    make: () => ({
      async perturb(_, given) {
        given.data.fill(1);
        return given;
      },
    }),
  })({ norm: "linf", epsilon: 0.1 });
  await expect(attack.perturb(victim, x, labels, keys)).rejects.toThrow("linf norm 0.5");
  expect(x.data[0]).toBe(0.5);
});

it.each([
  ["statistics that are no numbers", { mean: ["a"], std: [1] }, "mean without one number"],
  ["a standard deviation of 0", { mean: [0], std: [0] }, "std 0"],
  ["notes that are text", { notes: ["a"] }, "notes that are not a list of { code, text }"],
  [
    "no examples",
    { test: { pixels: new Uint8Array(), labels: new Uint8Array() } },
    "no examples in test",
  ],
])("a data set with %s is bad-plugin", async (_, change, message) => {
  const part = { pixels: Uint8Array.of(0, 255), labels: Uint8Array.of(0, 1) };
  const contents = { shape: [1, 1, 1], classes: ["a", "b"], train: part, test: part };
  const open = () => Object.assign({}, contents, change) as never;
  const wrong = fromFile(defineDataset({ name: "mine", text: "", source: "this test", open }));
  const error = await errorOf(() => wrong(from));
  expect([error.code, error.message]).toEqual(["bad-plugin", expect.stringContaining(message)]);
});
