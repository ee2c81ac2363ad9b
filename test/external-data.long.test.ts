import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { audit } from "../src/node.ts";
import { storedPlanOf } from "../src/sweep/node.ts";
import { parsePlan } from "../src/sweep/plan/grid.ts";
import { writeExternalModel } from "./fixtures/external-model.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "rampart-external-data-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Writes the file with the weights of a seed. Its message is the same for every seed. */
const written = (seed: number): string => writeExternalModel(folder, [3, 32, 32], 10, seed);

it("an audit is not continued on other weights beside the same file", async () => {
  const options = { data: "shapes", budget: "quick", norms: ["linf"], examples: 2 } as const;
  const out = join(folder, "audit");
  const path = written(1);
  const first = await audit(path, { ...options, out });
  written(2);
  const more = { ...options, examples: 4, out, resume: true };
  await expect(audit(path, more)).rejects.toMatchObject({ code: "misfit" });
  const second = await audit(path, { ...options, out: join(folder, "second") });
  expect(second.sha256).not.toBe(first.sha256);
  expect(second.externalData).toEqual(["m.onnx.data"]);
  written(1);
  expect((await audit(path, more)).sha256).toBe(first.sha256);
});

it("a sweep has other cells for other weights beside the same file, and the same for the same", async () => {
  const evaluate = [{ options: { attacks: ["fgsm-linf"], data: "shapes", examples: 2 } }];
  const plan = JSON.stringify({ models: [{ file: "m.onnx" }], evaluate });
  const keys = async (seed: number): Promise<string[]> => {
    written(seed);
    const path = join(folder, "plan.json");
    return (await storedPlanOf(parsePlan(path, plan), path, {})).cells.map(({ key }) => key);
  };
  const first = await keys(1);
  expect(await keys(2)).not.toEqual(first);
  expect(await keys(1)).toEqual(first);
});
