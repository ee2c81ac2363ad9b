// An attack of one's own, with an option: one definition and one row. Names, flags, help, schemas and checks follow from them.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { balls } from "../src/attacks/balls.ts";
import { defineAttack } from "../src/attacks/define-attack.ts";
import { StopWhenBroken } from "../src/attacks/options.ts";
import {
  attackNamed,
  attackNames,
  attackOptions,
  attacks,
  boundedAttackNames,
  minimalAttackNamed,
  minimalAttackOptions,
} from "../src/attacks/table.ts";
import { evaluateCommand } from "../src/cli/evaluate.ts";
import { run } from "../src/cli/kit/program.ts";
import { scoreAttacks } from "../src/evaluate/evaluate.ts";
import { evaluateSchema } from "../src/evaluate/options.ts";
import type { Row } from "../src/evaluate/row.ts";
import { ce } from "../src/losses/ce.ts";
import { foldAll } from "../src/math/random.ts";
import { clamp, tensor } from "../src/math/tensor.ts";
import { brightness, brightnessData } from "./fixtures/brightness.ts";

/** Moves along the gradient at the clean image by a share of the radius. */
const shortStep = defineAttack({
  name: "short-step",
  norms: ["linf", "l2"],
  summary: "one step of a share of the radius",
  source: "this test",
  asks: "cross-entropy",
  options: z.strictObject({
    share: z.number().positive().max(1).default(1).describe("share of the radius that is used"),
    stopWhenBroken: StopWhenBroken,
  }),
  make: ({ norm, epsilon, share }) => ({
    async perturb(victim, x, labels, keys) {
      const { gradient } = await victim.lossAndGradient(x, ce(labels), foldAll(keys, 0));
      const direction = balls[norm].steepest(gradient).data;
      const moved = x.data.map((pixel, i) => pixel + share * epsilon * direction[i]);
      return clamp(tensor(x.shape, moved), 0, 1);
    },
  }),
});

/** Finds nothing. */
const never = defineAttack({
  kind: "minimum-norm",
  name: "never",
  norms: ["l1"],
  summary: "finds nothing",
  source: "this test",
  options: z.strictObject({ tries: z.int().positive().default(3).describe("tries per image") }),
  make: () => ({
    minimize: async (_, x, labels) => ({ adversarial: x, found: labels.map(() => false) }),
  }),
});

beforeEach(() => {
  attacks.add(shortStep);
  attacks.add(never);
});
afterEach(() => {
  attacks.remove("short-step");
  attacks.remove("never");
});

const data = await brightnessData();
const evaluated = { model: "m", defense: "standard", network: brightness, noise: null };

async function rowsOf(options: object): Promise<Row[]> {
  const rows: Row[] = [];
  const settings = evaluateSchema().parse(options);
  for await (const { row } of scoreAttacks(evaluated, data, settings)) rows.push(row);
  return rows;
}

async function evaluateText(...argv: string[]) {
  const text: string[] = [];
  const stream = { write: (line: string) => text.push(line) };
  const program = {
    name: "rampart",
    version: "0.0.0",
    summary: "s",
    examples: [],
    commands: { evaluate: async () => evaluateCommand },
  };
  const code = await run(program, ["evaluate", ...argv], { stdout: stream, stderr: stream });
  return { code, text: text.join("") };
}

describe("an attack of one's own in the table", () => {
  it("has a name per norm, and is not among the built-in names", () => {
    expect(boundedAttackNames()).toEqual([...attackNames, "short-step-linf", "short-step-l2"]);
    expect(attackNamed("short-step-l2", { epsilonL2: 0.3 })).toMatchObject({
      name: "short-step-l2",
      norm: "l2",
      epsilon: 0.3,
      options: { share: 1, stopWhenBroken: true },
    });
    expect(minimalAttackNamed("never-l1").options).toEqual({ tries: 3 });
    expect(() => attackNamed("short-step-l1")).toThrow("did you mean short-step-l2?");
  });

  it("has an option named after it in every schema, with its default", () => {
    expect(attackOptions().parse({})).toMatchObject({ shortStepShare: 1 });
    expect(minimalAttackOptions().parse({})).toMatchObject({ neverTries: 3 });
    expect(evaluateSchema().parse({})).toMatchObject({ shortStepShare: 1, neverTries: 3 });
    const { properties = {} } = z.toJSONSchema(evaluateSchema(), { io: "input" });
    expect(properties.shortStepShare).toMatchObject({
      default: 1,
      description: "share of the radius that is used",
    });
    const options: object = { shortStepShare: 0.5 };
    expect(attackNamed("short-step-linf", options).options).toMatchObject({ share: 0.5 });
  });

  it("has a flag and a line of help in evaluate, and its names are listed", async () => {
    const { text } = await evaluateText("--help");
    expect(text).toMatch(/--short-step-share.*share of the radius that is used/s);
    expect(text).toContain("short-step-linf, short-step-l2");
    const { code, text: refusal } = await evaluateText("m", "--short-step-share", "2");
    expect(code).toBe(2);
    expect(refusal).toContain("--short-step-share");
  });

  it("refuses unknown options and values out of range", () => {
    const unknown: object = { shortStepShares: 1 };
    expect(() => attackNamed("short-step-linf", unknown)).toThrow("did you mean shortStepShare?");
    const large: object = { shortStepShare: 2 };
    expect(() => attackNamed("short-step-linf", large)).toThrow("shortStepShare is 2");
    expect(() => evaluateSchema().parse({ shortSteps: 1 })).toThrow();
    const wrong = { norm: "linf", epsilon: 0.1, shares: 1 } as const;
    expect(() => shortStep(wrong)).toThrow('unknown option "shares"; did you mean share?');
  });

  it("runs by its name in an evaluation, and its option counts", async () => {
    const attacked = { attacks: ["short-step-linf"], epsilonLinf: [0.1] };
    const full = await rowsOf(attacked);
    const half = await rowsOf({ ...attacked, shortStepShare: 0.5 });
    for (const row of full) expect(row).toMatchObject({ attack: "short-step-linf", epsilon: 0.1 });
    const broken = (rows: readonly Row[]) => rows.filter(({ correct }) => correct === 0).length;
    expect(broken(full)).toBeGreaterThan(broken(half));
    expect(broken(half)).toBeGreaterThan(0);
  });
});

it("leaves the table as it was once it is removed", () => {
  attacks.remove("short-step");
  attacks.remove("never");
  expect(boundedAttackNames()).toEqual(attackNames);
  expect(evaluateSchema().parse({})).not.toHaveProperty("shortStepShare");
});
