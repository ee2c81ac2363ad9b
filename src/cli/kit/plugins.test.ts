import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { defineDataset } from "../../data/define-dataset.ts";
import { datasets } from "../../data/table.ts";
import { forgetPlugins, loadedPlugins } from "../../math/plugin.ts";
import { tensor } from "../../math/tensor.ts";
import { defineNoise, pixels } from "../../noise/define-noise.ts";
import { noises } from "../../noise/table.ts";
import { command } from "./command.ts";
import { valuesOfFlag } from "./config.ts";
import { type Program, run } from "./program.ts";

const folder = mkdtempSync(join(tmpdir(), "plugins-"));
const file = join(folder, "static.mjs");

/** A module of this test has no package to import, and finds the definition here. */
const key = "definitionOfThisTest";
const dataKey = "dataOfThisTest";
Object.assign(globalThis, {
  [key]: defineNoise({
    name: "static",
    parameters: { level: pixels(0.1, "level") },
    source: "this test",
    describe: () => "static",
    sample: (_, shape) => tensor(shape),
  }),
  [dataKey]: defineDataset({
    name: "snow",
    text: "white images",
    source: "this test",
    options: z.strictObject({ depth: z.int().positive().default(1).describe("layers of snow") }),
    open: () => expect.fail("not opened here"),
  }),
});
writeFileSync(file, `export const mine = globalThis.${key};`);
const dataFile = join(folder, "snow.mjs");
writeFileSync(dataFile, `export const snow = globalThis.${dataKey};`);
afterEach(() => {
  noises.remove("static");
  datasets.remove("snow");
});
afterAll(() => {
  forgetPlugins();
  Reflect.deleteProperty(globalThis, key);
  Reflect.deleteProperty(globalThis, dataKey);
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
    open: async () =>
      command({
        summary: "Open a data set.",
        options: z.strictObject({ data: z.string().optional().describe("data set") }),
        async run({ data }, context) {
          context.print(`opened ${data}`);
        },
      }),
    count: async () =>
      command({
        summary: "Count images.",
        options: z.strictObject({}),
        positionals: ["data"],
        async run({ data }, context) {
          context.print(`counted ${data}`);
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

describe("an option of a plug-in's data set", () => {
  const open = (...argv: string[]) => runToy("open", `--plugin=${dataFile}`, ...argv);

  it("is a flag with help on every command that takes a data set, and part of the name that a command gets", async () => {
    expect((await open("--help")).text).toMatch(/--snow-depth <n> +layers of snow \(default: 1\)/);
    expect(await open("--data", "snow", "--snow-depth", "3")).toEqual({
      code: 0,
      text: "opened snow:depth=3\n",
    });
    const counted = await runToy("count", "snow", "--snow-depth", "2", `--plugin=${dataFile}`);
    expect(counted.text).toBe("counted snow:depth=2\n");
    expect((await open("--data", "snow")).text).toBe("opened snow\n");
    expect((await runToy("draw", "--help", `--plugin=${dataFile}`)).text).not.toContain("snow");
  });

  it.each([
    [["--data", "snow", "--snow-depth", "0"], "--snow-depth is 0, but it must be more than 0"],
    [
      ["--data", "snow", "--snow-deep", "1"],
      "unknown option --snow-deep; did you mean --snow-depth?",
    ],
    [["--data", "shapes", "--snow-depth", "2"], "--snow-depth is an option of data set snow"],
    [["--snow-depth", "2"], "no data set is named; add --data snow"],
  ])("%j is refused", async (argv, message) => {
    const { code, text } = await open(...argv);
    expect(code).toBe(2);
    expect(text).toContain(message);
  });
});

describe("plugin in a file of options", () => {
  const config = (name: string, contents: object) => {
    const path = join(folder, name);
    writeFileSync(path, JSON.stringify(contents));
    return path;
  };

  it("is loaded before the other options are checked; its path is relative to the file", async () => {
    mkdirSync(join(folder, "deep"), { recursive: true });
    const path = config("deep/options.json", { noise: "static", plugin: "../static.mjs" });
    expect(await runToy("draw", "--config", path)).toEqual({ code: 0, text: "drew static\n" });
    noises.remove("static");
    expect((await runToy("draw", `--config=${path}`, "--noise", "normal")).text).toBe(
      "drew normal\n",
    );
    noises.remove("static");
    expect((await runToy("draw", "--help", "--config", path)).text).toContain("static");
    expect(loadedPlugins().some((one) => one.endsWith("static.mjs"))).toBe(true);
  });

  it("may be a list, and options of its definitions may stand beside it", async () => {
    const plugin = ["./static.mjs", dataFile];
    const path = config("list.json", { plugin, data: "snow", snowDepth: 4 });
    expect((await runToy("open", "--config", path)).text).toBe("opened snow:depth=4\n");
  });

  it.each([
    [1, "must be a path or a package's name"],
    [[""], "must be a path or a package's name"],
    ["./none.mjs", "does not exist"],
  ])("%j is refused", async (plugin, message) => {
    const path = config("wrong.json", { plugin, noise: "normal" });
    const { code, text } = await runToy("draw", "--config", path);
    expect(code).toBe(2);
    expect(text).toContain(message);
  });
});

it("the values of a flag are found in both spellings, before --", () => {
  const argv = ["train", "--plugin", "a", "--plugin=b", "--", "--plugin", "c"];
  expect(valuesOfFlag("--plugin", argv)).toEqual(["a", "b"]);
  expect(valuesOfFlag("--plugin", ["train", "--plugin"])).toEqual([]);
});
