import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, it } from "vitest";
import { z } from "zod";
import { forgetPlugins } from "../../math/plugin.ts";
import { tensor } from "../../math/tensor.ts";
import { defineNoise, pixels } from "../../noise/define-noise.ts";
import { noises } from "../../noise/table.ts";
import { command } from "./command.ts";
import { type Program, run } from "./program.ts";

const folder = mkdtempSync(join(tmpdir(), "plugins-"));
const file = join(folder, "static.mjs");

/** A module of this test has no package to import, and finds the definition here. */
const key = "definitionOfThisTest";
Object.assign(globalThis, {
  [key]: defineNoise({
    name: "static",
    parameters: { level: pixels(0.1, "level") },
    source: "this test",
    describe: () => "static",
    sample: (_, shape) => tensor(shape),
  }),
});
writeFileSync(file, `export const mine = globalThis.${key};`);
afterEach(() => noises.remove("static"));
afterAll(() => {
  forgetPlugins();
  Reflect.deleteProperty(globalThis, key);
  rmSync(folder, { recursive: true, force: true });
});

const program: Program = {
  name: "toy",
  version: "1.0.0",
  summary: "A toy.",
  examples: [],
  commands: {
    draw: async () =>
      command({
        summary: "Draw noise.",
        options: () =>
          z.strictObject({
            noise: z.enum([...noises.names] as [string]).describe("kind of noise"),
          }),
        async run({ noise }, context) {
          context.print(`drew ${noise}`);
        },
      }),
  },
};

async function runToy(...argv: string[]) {
  const text: string[] = [];
  const stream = { write: (line: string) => text.push(line) };
  const code = await run(program, argv, { stdout: stream, stderr: stream });
  return { code, text: text.join("") };
}

it("a plug-in's names are options of a command from its first run on, and are in its help", async () => {
  expect(await runToy("draw", "--noise", "static")).toMatchObject({ code: 2 });
  expect(await runToy("draw", "--noise", "static", "--plugin", file)).toEqual({
    code: 0,
    text: "drew static\n",
  });
  noises.remove("static");
  const { text } = await runToy("draw", "--help", `--plugin=${file}`);
  expect(text).toMatch(/normal, [^:]*, static/);
  expect(text).toContain("--plugin <file>");
});

it("a plug-in that cannot be loaded ends the command with exit code 2 and names the plug-in", async () => {
  const { code, text } = await runToy("draw", "--noise", "normal", "--plugin", "./none.mjs");
  expect(code).toBe(2);
  expect(text).toContain("plug-in ./none.mjs does not exist");
  expect((await runToy("draw", "--noise", "normal", "--plugin")).text).toContain("--plugin");
});
