import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { fileOf, forgetPlugins, loadedPlugins } from "../math/plugin.ts";
import { tensor } from "../math/tensor.ts";
import { defineNoise, type NoiseDefinition } from "../noise/define-noise.ts";
import { noiseNamed, noises } from "../noise/table.ts";
import { loadPlugin } from "./node.ts";
import { packageEntry } from "./resolve-package.ts";
import { use } from "./use.ts";

const folder = realpathSync(mkdtempSync(join(tmpdir(), "plugins-")));
const before = process.cwd();

const noiseOf = (name: string): NoiseDefinition =>
  defineNoise({
    name,
    parameters: {},
    source: "this test",
    describe: () => "no noise",
    sample: (_, shape) => tensor(shape),
  });

/** The modules of these tests, which have no package to import, find the function that defines here. */
beforeAll(() => {
  Object.assign(globalThis, { noiseOf });
  process.chdir(folder);
});
afterEach(() => {
  for (const { name } of noises.all) noises.remove(name);
});
afterAll(() => {
  forgetPlugins();
  Reflect.deleteProperty(globalThis, "noiseOf");
  process.chdir(before);
  rmSync(folder, { recursive: true, force: true });
});

function write(name: string, text: string): string {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), text);
  return `./${name}`;
}

const badPlugin = (message: string) =>
  expect.objectContaining({ code: "bad-plugin", message: expect.stringContaining(message) });

it("adds each definition that a module exports, and remembers its file", async () => {
  const file = write(
    "two.mjs",
    `const one = noiseOf("one");
     export const LIMIT = 3;
     export function helper() {}
     export { one, one as again };
     export const more = [noiseOf("two")];
     export default noiseOf("three");`,
  );
  await loadPlugin(file);
  await loadPlugin("two.mjs");
  expect(noises.names.slice(-3).toSorted()).toEqual(["one", "three", "two"]);
  expect(noiseNamed("two").name).toBe("two");
  expect(fileOf(noises.named("one"))).toBe("two.mjs");
  expect(loadedPlugins()).toContain("./two.mjs");
});

it("loads an installed package by its name", async () => {
  const at = "node_modules/@some/noise";
  write(`${at}/package.json`, '{ "exports": { ".": { "import": "./lib/index.mjs" } } }');
  write(`${at}/lib/index.mjs`, 'export const four = noiseOf("four");');
  await loadPlugin("@some/noise");
  expect(noises.find("four")).toBeDefined();
});

it.each([
  ['{ "exports": "./a.js" }', ".", "./a.js"],
  ['{ "exports": { "require": "./a.cjs", "default": "./b.js" } }', ".", "./b.js"],
  ['{ "exports": { "./x": { "node": { "import": "./x.mjs" } } } }', "./x", "./x.mjs"],
  ['{ "exports": { ".": { "require": "./a.cjs" } } }', ".", undefined],
  ['{ "main": "lib.js" }', ".", "lib.js"],
  ["{}", ".", "index.js"],
  ["{}", "./x.js", "./x.js"],
])("finds the module of a package with %s", (json, subpath, entry) => {
  expect(packageEntry(json, subpath)).toBe(entry);
});

describe("bad-plugin names the file and says what to do:", () => {
  it.each([
    ["none.mjs", undefined, "plug-in ./none.mjs does not exist: there is no file "],
    ["throws.mjs", 'throw new Error("no luck");', "./throws.mjs threw on import: no luck"],
    [
      "empty.mjs",
      "",
      "./empty.mjs exports no definition (it exports nothing); export the result of",
    ],
    ["helpers.mjs", "export const a = 1, b = 2;", "(its exports are a, b)"],
    ["imports.mjs", 'import "node:no-such-module";', "plug-in ./imports.mjs "],
    [
      "shape.mjs",
      'export const mine = { type: "noise", name: "mine", sample() {} };',
      "noise mine of ./shape.mjs was not made by defineNoise",
    ],
    ["kind.mjs", 'export const x = { type: "model", name: "x" };', 'exports x of type "model"'],
    ["nameless.mjs", 'export const x = { type: "noise" };', 'exports x of type "noise"'],
    [
      "wrong.mjs",
      'export const x = noiseOf("Not a name");',
      "plug-in ./wrong.mjs is wrong: noise Not a name needs a name",
    ],
    [
      "taken.mjs",
      'export const x = noiseOf("normal");',
      "noise normal of ./taken.mjs takes a name that is taken: there is one of this name already",
    ],
  ])("%s", async (name, text, message) => {
    const file = text === undefined ? `./${name}` : write(name, text);
    await expect(loadPlugin(file)).rejects.toThrow(badPlugin(message));
  });

  it("two plug-ins with one name, a folder, and a package that is not installed", async () => {
    await loadPlugin(write("first.mjs", 'export const x = noiseOf("same");'));
    const second = write("second.mjs", 'export const x = noiseOf("same");');
    await expect(loadPlugin(second)).rejects.toThrow(
      badPlugin("noise same of ./second.mjs takes a name that is taken: ./first.mjs has one"),
    );
    write("folder/x.mjs", "");
    await expect(loadPlugin("./folder")).rejects.toThrow(badPlugin("./folder is a folder"));
    await expect(loadPlugin("no-such-package")).rejects.toThrow(
      badPlugin("no-such-package is not an installed package"),
    );
    await expect(loadPlugin("")).rejects.toThrow(badPlugin("has no name"));
  });
});

it("use adds values, accepts the same value twice, and refuses a value that is not a definition", () => {
  const mine = noiseOf("mine");
  use(mine, mine);
  expect(noises.named("mine")).toBe(mine);
  expect(() => use(noiseOf("mine"))).toThrow(badPlugin("noise mine takes a name that is taken"));
  for (const wrong of [undefined, 5, () => 5, { type: "noise" }])
    expect(() => use(wrong)).toThrow(badPlugin("which is not a definition"));
});
