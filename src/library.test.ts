import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, expectTypeOf, it } from "vitest";
import { pgd } from "./attacks/pgd.ts";
import {
  AttackOptions,
  attackNames,
  MinimalAttackOptions,
  minimalAttackNames,
} from "./attacks/table.ts";
import { AuditOptions as AuditSchema } from "./audit/options.ts";
import { DefenseOptions, defenseNames } from "./defenses/table.ts";
import { webRuntime } from "./engine/runtime/web.ts";
import { EvaluateOptions as EvaluateSchema } from "./evaluate/options.ts";
import { evaluateOptions } from "./library/checks.ts";
import { UsageError } from "./math/usage-error.ts";
import {
  type AttackName,
  type AuditOptions,
  attackNamed,
  audit,
  type DefenseName,
  type EvaluateOptions,
  evaluate,
  exportModel,
  nodeRuntime,
  openDataset,
  openModel,
  report,
  type TrainOptions,
  train,
  withEot,
  withNoise,
} from "./node.ts";
import { TrainOptions as TrainSchema } from "./train/options.ts";

/** A call with what types would refuse. */
async function untyped(
  call: (...given: never[]) => unknown,
  ...given: unknown[]
): Promise<unknown> {
  try {
    await call(...(given as never[]));
    return undefined;
  } catch (error) {
    return error;
  }
}

const out = "/nonexistent/run";
const unused = () => Promise.reject(new Error("nobody asks it"));
const victim = { logits: unused, lossAndGradient: unused };

describe("a wrong call of the library is a UsageError in the words of the command line:", () => {
  it.each([
    [
      audit,
      ["m.onnx", { maen: [0.5] }],
      "unknown-option",
      'unknown option "maen"; did you mean mean?',
    ],
    [
      audit,
      ["m.onnx", { require: 40 }],
      "bad-option",
      "require is 40, but it must be at most 1; shares are in [0, 1], did you mean 0.4?",
    ],
    [audit, ["m.onnx", { norms: ["l3"] }], "bad-option", 'norms is "l3"'],
    [audit, [7], "bad-option", "the model is 7, but it must be the path"],
    [
      evaluate,
      ["m", { attacks: "pgd-lnf" }],
      "unknown-name",
      "unknown attack pgd-lnf; did you mean pgd-linf?",
    ],
    [evaluate, ["m", { epsilonLinf: 8 }], "bad-option", "did you mean 8/255?"],
    [
      evaluate,
      ["m", { eps: 0.1 }],
      "unknown-option",
      "did you mean epsilonLinf, epsilonL2 or epsilonL1?",
    ],
    [
      evaluate,
      ["m", { examples: "ten" }],
      "bad-option",
      'examples is "ten", but it must be a number',
    ],
    [evaluate, ["m", null], "bad-option", "the options are null, but they must be an object"],
    [evaluate, ["m", { onEvent: 3 }], "bad-option", "onEvent is not a function"],
    [train, [{ out, lr: 0.1 }], "unknown-option", 'unknown option "lr"; did you mean rate?'],
    [train, [{}], "missing-option", "out is missing: run directory"],
    [train, [{ out, defense: "at-lnf" }], "unknown-name", "did you mean at-linf?"],
    [train, [{ out, defense: "mine" }], "unknown-name", "use(definition) in the library"],
    [evaluate, ["m", { attacks: ["mine-linf"] }], "unknown-name", "--plugin FILE"],
    [evaluate, ["m", { attacks: [] }], "bad-option", "attacks is empty"],
    [train, [undefined], "bad-option", "the options are undefined"],
    [openModel, ["m.onnx", { layuot: "nchw" }], "unknown-option", "did you mean layout?"],
    [openDataset, ["shapes", { datadir: "x" }], "unknown-option", "did you mean dataDir?"],
    [exportModel, ["m.onnx", ""], "bad-option", 'out is ""'],
    [report, [[], { out }], "missing-option", "no files of rows are given"],
    [report, [["r.jsonl"], { out, format: "pdf" }], "bad-option", 'format is "pdf"'],
    [nodeRuntime, [{ thread: 1 }], "unknown-option", "did you mean threads?"],
    [webRuntime, [{ thread: 1 }], "unknown-option", 'unknown option "thread"'],
    [webRuntime, [{ threads: 0.5 }], "bad-option", "threads is 0.5"],
    [webRuntime, [{ wasmPaths: 3 }], "bad-option", "wasmPaths is 3, but it must be the address"],
    [webRuntime, [{ wasmPaths: { wsm: "/" } }], "bad-option", 'wasmPaths is {"wsm":"/"}'],
    [webRuntime, [{ device: "cuda" }], "unavailable", "there is no device cuda in a page"],
    [withEot, [{}, 0], "bad-option", "EOT needs a positive number of draws, got 0"],
    [withEot, [{}, "4"], "bad-option", "EOT needs a positive number of draws, got 4"],
    [withEot, [{}, 4], "bad-option", "withEot needs a classifier with logits and lossAndGradient"],
    [withEot, [victim, 4, 0], "bad-option", "rows as maxBatch, got 0"],
    [withEot, [victim, 4, 8, "mean"], "bad-option", "the objective of EOT is mean, but it must be"],
    [withNoise, [null, {}], "bad-option", "withNoise needs a classifier"],
    [withNoise, [victim, "normal:0.25"], "bad-option", 'sample, and got "normal:0.25"'],
    [withNoise, [victim], "bad-option", 'give noiseNamed("normal:0.25")'],
    [evaluate, ["m", { resize: 0 }], "bad-option", "resize"],
    [evaluate, ["m", { interpolation: "cubic" }], "bad-option", 'interpolation is "cubic"'],
    [evaluate, ["m", { imageAlpha: "red" }], "bad-option", 'imageAlpha is "red"'],
    [evaluate, ["m", { data: {}, crop: 8 }], "misfit", "crop has no effect on a data set"],
    [nodeRuntime, [{ threads: 0 }], "bad-option", "threads is 0, but it must be more than 0"],
    [
      pgd,
      [{ norm: "linf", epsilon: 0.1, stpes: 3 }],
      "unknown-option",
      'unknown option "stpes"; did you mean steps?',
    ],
    [
      attackNamed,
      ["pgd-linf", { restarts: -1 }],
      "bad-option",
      "restarts is -1, but it must be more than 0",
    ],
  ] as const)("%o %j", async (call, given, code, text) => {
    const error = await untyped(call as never, ...given);
    expect(error).toBeInstanceOf(UsageError);
    expect((error as UsageError).message).toContain(text);
    expect((error as UsageError).code).toBe(code);
  });
});

describe("attacks of the caller's own", () => {
  const mine = pgd({ norm: "linf", epsilon: 0.01 });

  it("stand beside those with a name, in the order given", () => {
    const { settings, own } = evaluateOptions({ attacks: [mine, "pgd-l2"], epsilonL2: 0.5 });
    expect(settings.attacks).toEqual(["pgd-linf", "pgd-l2"]);
    expect(settings.epsilonL2).toEqual([0.5]);
    expect(own.get("pgd-linf")).toEqual([mine]);
  });

  it("do not mix with how images are read", () => {
    const given = evaluateOptions({ attacks: mine, resize: 9, crop: [8, 7], imageExif: "apply" });
    expect(given.images).toMatchObject({ resize: [9], crop: [8, 7], imageExif: "apply" });
    expect(Object.keys(given.settings)).not.toContain("resize");
  });

  it("stand alone, and once per radius", () => {
    expect(evaluateOptions({ attacks: mine }).settings.attacks).toEqual(["pgd-linf"]);
    const other = pgd({ norm: "linf", epsilon: 0.02 });
    expect(evaluateOptions({ attacks: [mine, other] }).own.get("pgd-linf")).toHaveLength(2);
    expect(() => evaluateOptions({ attacks: [mine, mine] })).toThrow("pgd-linf twice");
    expect(() => evaluateOptions({ attacks: [mine, "pgd-linf"] })).toThrow("pgd-linf twice");
  });
});

describe("a call that is aborted before it begins", () => {
  const reason = new Error("enough");
  const signal = AbortSignal.abort(reason);
  it.each([
    ["train", () => train({ out, signal })],
    ["evaluate", () => evaluate("m", { signal })],
    ["audit", () => audit("m", { signal })],
  ])("is rejected with the signal's reason: %s", async (_, call) => {
    await expect(call()).rejects.toBe(reason);
  });
});

describe("types", () => {
  const radii = { epsilonLinf: true, epsilonL2: true, epsilonL1: true } as const;
  it("know the names of attacks and defences", () => {
    const attacks: { readonly [N in AttackName]: string } = Object.fromEntries(
      [...attackNames, ...minimalAttackNames, "none"].map((name) => [name, name]),
    ) as never;
    expect(Object.keys(attacks)).toContain("pgd-linf");
  });

  it("accept the names of plug-ins, and their type is not plain string, so editors complete the built-in names", () => {
    const names: readonly AttackName[] = ["pgd-linf", "mine-linf"];
    ({ attacks: names }) satisfies EvaluateOptions;
    ({ attacks: "mine-linf" }) satisfies EvaluateOptions;
    ({ out: "a", defense: "mine", model: "mine-8" }) satisfies TrainOptions;
    // @ts-expect-error no name
    ({ attacks: [5] }) satisfies EvaluateOptions;
    // @ts-expect-error no name
    ({ out: "a", defense: 5 }) satisfies TrainOptions;
    expectTypeOf<AttackName>().not.toEqualTypeOf<string>();
    expectTypeOf<DefenseName>().not.toEqualTypeOf<string>();
    expectTypeOf<string>().toExtend<AttackName>();
    expect(defenseNames).not.toContain("mine");
  });

  it("refuse typing errors and accept values", () => {
    // @ts-expect-error no such option
    ({ maen: [0.5] }) satisfies AuditOptions;
    // @ts-expect-error no such device
    ({ device: "gpu" }) satisfies AuditOptions;
    ({ attacks: [pgd({ norm: "linf", epsilon: 0.01 }), "cw-l2"] }) satisfies EvaluateOptions;
    expectTypeOf<EvaluateOptions["epsilonLinf"]>().toEqualTypeOf<
      number | readonly number[] | undefined
    >();
    expectTypeOf<NonNullable<AuditOptions["onEvent"]>>().toBeFunction();
    expectTypeOf<NonNullable<EvaluateOptions["onEvent"]>>().toBeFunction();
  });

  it("have the options of built-in attacks", () => {
    ({ steps: 3, squareQueries: 10, cwAbortEarly: false }) satisfies EvaluateOptions;
    // @ts-expect-error the evaluation decides it
    ({ stopWhenBroken: true }) satisfies EvaluateOptions;
    // @ts-expect-error not a number
    ({ fabSteps: "many" }) satisfies EvaluateOptions;
  });

  const ofAttacks = { ...AttackOptions.omit(radii).shape, ...MinimalAttackOptions.shape };
  const text = readFileSync(join(import.meta.dirname, "library", "file-options.ts"), "utf8");
  /** Options whose help names flags or an exit code, or begins with a letter that must stay small. */
  const inOwnWords = new Set(
    "weightDecay onlyStanding budget minutes require proveSeconds".split(" "),
  );
  it.each([
    ["TrainOptions", TrainSchema.shape],
    ["EvaluateOptions", EvaluateSchema.shape],
    ["AuditOptions", AuditSchema.shape],
  ])("say what each option of %s is for", (name, shape) => {
    const [, body] = text.split(`export interface ${name}`);
    const [own] = body.split("\n}\n");
    for (const [option, { description = "" }] of Object.entries(shape)) {
      // Options of attacks and defences follow from their tables, and docs/options.md says what they are for.
      if (option === "attacks" || (name === "EvaluateOptions" && option in ofAttacks)) continue;
      if (name === "TrainOptions" && option in DefenseOptions.shape) continue;
      const doc = `${description[0].toUpperCase()}${description.slice(1)}.`;
      if (!inOwnWords.has(option)) expect(own.replace(/\s+\* /g, " ")).toContain(doc);
      expect(own).toMatch(new RegExp(`\\*/\\s+readonly ${option}\\?:`));
    }
  });
});
