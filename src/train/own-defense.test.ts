// A run with a defence of the caller's own records its options, and is resumed with the same ones alone.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { z } from "zod";
import { defineDefense } from "../defenses/define-defense.ts";
import { standard } from "../defenses/objectives.ts";
import { nodeFiles } from "../files/run/node.ts";
import { trainInNode } from "./node.ts";
import { resolveOptions } from "./options.ts";
import { recordedDefense, refuseOtherDefense, writeConfig } from "./run-config.ts";

const out = mkdtempSync(join(tmpdir(), "own-defense-"));
afterAll(() => rmSync(out, { recursive: true, force: true }));

const define = (name: string) =>
  defineDefense({
    name,
    source: "this test",
    options: z.strictObject({ weight: z.number().default(1).describe("weight of the penalty") }),
    make: () => ({ objective: standard }),
  });
const mine = define("mine");

/** A run directory as a training with `mine({ weight: 2 })` leaves it. */
async function started() {
  const files = nodeFiles(out);
  const options = resolveOptions({ defense: "mine", model: "cnn-small", data: "shapes" });
  await writeConfig(files, { options, ownDefense: recordedDefense(mine({ weight: 2 })) });
  return files;
}

it("a resume with other options of an own defence is a misfit that states both", async () => {
  await started();
  const resumed = trainInNode({}, { out, resume: true, ownDefense: mine({ weight: 3 }) });
  await expect(resumed.next()).rejects.toMatchObject({
    code: "misfit",
    message: expect.stringMatching(/options \{"weight":2\}, and is given .*\{"weight":3\}/),
  });
});

it("another defence with the same options is a misfit, and so is a default in place of the value", async () => {
  const files = await started();
  for (const other of [define("other")({ weight: 2 }), mine()])
    await expect(refuseOtherDefense(files, other)).rejects.toMatchObject({ code: "misfit" });
});

it("the same defence with the same options is accepted", async () => {
  const files = await started();
  await expect(refuseOtherDefense(files, mine({ weight: 2 }))).resolves.toBeUndefined();
});
