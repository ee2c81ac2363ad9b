import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { requireExamples } from "./defenses/objective.ts";
import {
  type Architecture,
  type Attack,
  architecture,
  audit,
  type Defense,
  defenseNamed,
  evaluate,
  type OpenModel,
  openModel,
  pgd,
  type Row,
  type TrainEvent,
  type TrainOptions,
  train,
} from "./node.ts";

let folder = "";
const at = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

const tiny = (name: string): TrainOptions => ({
  out: at(name),
  defense: "standard",
  model: "mlp-small",
  data: "shapes",
  recipe: "short",
  epochs: 2,
  examples: 64,
  batch: 32,
  threads: 1,
});

let whole: OpenModel;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "rampart-library-"));
  whole = await train(tiny("whole"));
}, 60_000);

const lines = (path: string): string[] => readFileSync(path, "utf8").trim().split("\n");

/** A row without the time that it took. */
const untimed = (row: Row): string =>
  JSON.stringify(row, (key, value) => (key === "seconds" ? undefined : value));

/** Aborts at the first event that `when` accepts, and keeps what came. */
function aborting<E>(when: (event: E) => boolean = () => true) {
  const stop = new AbortController();
  const reason = new Error("enough");
  const onEvent = (event: E) => {
    if (!stop.signal.aborted && when(event)) stop.abort(reason);
  };
  return { reason, given: { signal: stop.signal, onEvent } };
}

const isRow = ({ event }: { readonly event: string }) => event === "row";

describe("a call that is aborted while it runs is rejected with the signal's reason, keeps what is done, and goes on:", () => {
  it("train", async () => {
    const { reason, given } = aborting<TrainEvent>(({ event }) => event === "step");
    await expect(train({ ...tiny("run"), ...given })).rejects.toBe(reason);
    expect(existsSync(at("run/config.json"))).toBe(true);
    expect(existsSync(at("run/model.onnx"))).toBe(false);
    const resumed = await train({ out: at("run"), resume: true, threads: 1 });
    expect(existsSync(at("run/model.onnx"))).toBe(true);
    expect(resumed.parameters).toEqual(whole.parameters);
  }, 60_000);

  it("evaluate", async () => {
    const options = {
      attacks: ["none", "fgsm-linf"],
      examples: 6,
      batch: 2,
      threads: 1,
      out: at("rows.jsonl"),
    } as const;
    const { reason, given } = aborting(isRow);
    await expect(evaluate(at("whole"), { ...options, ...given })).rejects.toBe(reason);
    const saved = lines(options.out);
    expect(saved.length).toBeGreaterThan(0);
    expect(saved.length).toBeLessThan(12);
    const rows = await evaluate(at("whole"), { ...options, resume: true });
    expect(rows).toHaveLength(12);
    expect(lines(options.out).slice(0, saved.length)).toEqual(saved);
    const others = await evaluate(at("whole"), { ...options, out: at("others.jsonl") });
    expect(rows.map(untimed)).toEqual(others.map(untimed));
  }, 60_000);

  it("audit", async () => {
    const options = {
      norms: "linf",
      budget: "quick",
      examples: 4,
      batch: 2,
      threads: 1,
      out: at("audit"),
    } as const;
    const { reason, given } = aborting(isRow);
    await expect(audit(at("whole"), { ...options, ...given })).rejects.toBe(reason);
    const saved = lines(at("audit/rows.jsonl"));
    expect(saved.length).toBeGreaterThan(0);
    expect(existsSync(at("audit/summary.json"))).toBe(false);
    await audit(at("whole"), { ...options, resume: true });
    expect(lines(at("audit/rows.jsonl")).slice(0, saved.length)).toEqual(saved);
    expect(existsSync(at("audit/summary.json"))).toBe(true);
  }, 60_000);
});

it("evaluate sizes images as it is told, and records how", async () => {
  const options = { attacks: "none", examples: 2, threads: 1 } as const;
  const sized = { ...options, resize: 40, crop: 32, out: at("sized.jsonl") };
  expect(await evaluate(at("whole"), sized)).toHaveLength(2);
  const { model } = JSON.parse(readFileSync(at("sized.settings.json"), "utf8"));
  expect(model.reading).toEqual({ resize: [40], crop: [32] });
  await expect(evaluate(at("whole"), { ...options, resize: 40 })).rejects.toThrow("[3, 40, 40]");
}, 60_000);

describe("a folder without checkpoints", () => {
  it("names the network that it holds", async () => {
    const exported = at("exported");
    mkdirSync(exported);
    const refusal = { code: "not-found" };
    for (const call of [() => openModel(exported), () => audit(exported), () => evaluate(exported)])
      await expect(call()).rejects.toMatchObject(refusal);
    copyFileSync(at("whole/model.onnx"), join(exported, "model.onnx"));
    for (const call of [() => openModel(exported), () => audit(exported), () => evaluate(exported)])
      await expect(call()).rejects.toThrow(`give the file: ${join(exported, "model.onnx")}`);
  });
});

describe("values of the caller's own", () => {
  it("are what runs: a defence, a network and an attack", async () => {
    const usual = architecture("mlp-small", {
      shape: [3, 32, 32],
      classes: 10,
      mean: [0.5, 0.5, 0.5],
      std: [0.5, 0.5, 0.5],
    });
    let built = 0;
    const model: Architecture = {
      ...usual,
      name: "mine",
      forward(...given: never[]) {
        built++;
        return (usual.forward as (...given: never[]) => never)(...given);
      },
    } as Architecture;
    const standard = defenseNamed("standard");
    let asked = 0;
    const defense: Defense = {
      ...standard,
      name: "careful",
      objective: {
        ...standard.objective,
        examples(...given: never[]) {
          asked++;
          return (requireExamples(standard.objective).examples as (...given: never[]) => never)(
            ...given,
          );
        },
      },
    } as Defense;
    const opened = await train({ ...tiny("own"), epochs: 1, defense, model });
    expect([opened.architecture.name, opened.defense]).toEqual(["mine", "careful"]);
    expect(built).toBeGreaterThan(0);
    expect(asked).toBeGreaterThan(0);

    const attack: Attack = {
      ...pgd({ norm: "linf", epsilon: 0.1, steps: 1 }),
      name: "black",
      perturb: async (_, x) => ({ ...x, data: x.data.map((value) => Math.max(value - 0.1, 0)) }),
    };
    const rows = await evaluate(await openModel(at("own"), { ownModel: model }), {
      attacks: ["none", attack],
      examples: 3,
      threads: 1,
    });
    expect(rows.filter((row) => row.attack === "black")).toHaveLength(3);
  }, 60_000);
});
