// The plug-ins of docs/extending.md, with the packed package in a folder of their own: on the command line and in the library.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root } from "./fixtures/docs.ts";
import { installPacked, type PackedApp, runNode } from "./fixtures/packed.ts";

const work = mkdtempSync(join(tmpdir(), "rampart-extending-"));
let app: PackedApp;

/** The files of the page: blocks whose fence names a file. */
function filesOfPage(): ReadonlyMap<string, string> {
  const page = readFileSync(join(root, "docs/extending.md"), "utf8");
  const blocks = page.matchAll(/^```js (\S+\.mjs)\n([\s\S]*?)^```$/gm);
  return new Map([...blocks].map(([, name, text]) => [name, text]));
}

/** Runs the installed program, and returns what it prints. */
const rampart = (line: string): string =>
  runNode([join(app.installed, "bin", "rampart.js"), ...line.split(" ")], app.folder);

/** The message and the exit code of a command that fails. */
function failure(line: string): { readonly status: number; readonly stderr: string } {
  try {
    rampart(line);
  } catch (error) {
    const { status, stderr } = error as { readonly status: number; readonly stderr: string };
    return { status, stderr };
  }
  throw new Error(`this command was to fail: ${line}`);
}

const small = "--recipe short --epochs 1 --examples 120 --batch 30 --threads 1";

const rowsOf = (name: string): readonly { readonly attack: string; readonly correct: number }[] =>
  readFileSync(join(app.folder, name), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

beforeAll(() => {
  app = installPacked(work);
  for (const [name, text] of filesOfPage()) writeFileSync(join(app.folder, name), text);
}, 300_000);

afterAll(() => rmSync(work, { recursive: true, force: true }));

it("the page has a file for an attack, a defence, an architecture and a data set", () => {
  expect([...filesOfPage().keys()]).toEqual([
    "bim.mjs",
    "trades.mjs",
    "bottleneck.mjs",
    "stripes.mjs",
  ]);
});

describe("on the command line,", () => {
  const plugins = "--plugin ./bottleneck.mjs --plugin ./stripes.mjs";

  it("flags of plug-ins are in the help, with their defaults", { timeout: 120_000 }, () => {
    const help = rampart("evaluate --help --plugin ./bim.mjs");
    expect(help).toMatch(/--bim-steps <n>\s+gradient steps of BIM \(default:\s+10\)/);
    expect(help).toMatch(/bim-linf,\s+bim-l2/);
    expect(rampart("train --help --plugin ./trades.mjs")).toMatch(/--trades-beta <x>/);
    const listed = rampart("data list --plugin ./stripes.mjs");
    expect(listed).toMatch(/^stripes\s+built in$/m);
  });

  it("an own architecture on an own data set is trained, resumed, and attacked by an own attack", {
    timeout: 300_000,
  }, () => {
    rampart(
      `train --defense standard --model bottleneck-24 --data stripes --out run ${small} ${plugins}`,
    );
    const { options, plugins: recorded } = JSON.parse(
      readFileSync(join(app.folder, "run/config.json"), "utf8"),
    );
    expect(options).toMatchObject({ model: "bottleneck-24", data: "stripes", augment: "none" });
    expect(recorded).toEqual(["./bottleneck.mjs", "./stripes.mjs"]);
    rampart(`train --out run --resume --threads 1 ${plugins}`);
    const attacks = "--attacks none,bim-linf,bim-l2 --epsilon-linf 0.3 --bim-steps 7 --examples 60";
    rampart(`evaluate run ${attacks} --threads 1 --out rows.jsonl --plugin=./bim.mjs ${plugins}`);
    const rows = rowsOf("rows.jsonl");
    const accuracy = (attack: string) => {
      const own = rows.filter((row) => row.attack === attack);
      expect(own).toHaveLength(60);
      return own.filter((row) => row.correct > 0.5).length / own.length;
    };
    expect(accuracy("none")).toBeGreaterThan(0.6);
    expect(accuracy("bim-linf")).toBeLessThan(accuracy("none") - 0.2);
    const settings = JSON.parse(readFileSync(join(app.folder, "rows.settings.json"), "utf8"));
    expect(settings.options).toMatchObject({ bimSteps: 7 });
    expect(settings.plugins).toEqual(["./bim.mjs", "./bottleneck.mjs", "./stripes.mjs"]);
    expect(settings.command).toContain("--plugin=./bim.mjs");
  });

  it("without its plug-in a model does not open, and the message says what to do", {
    timeout: 120_000,
  }, () => {
    const missing = failure("evaluate run --attacks none --out other.jsonl --plugin ./stripes.mjs");
    expect(missing.status).toBe(2);
    expect(missing.stderr).toMatch(/holds the architecture "bottleneck-24".*\n.*--plugin FILE/);
    const resumed = failure("train --out run --resume --plugin ./stripes.mjs");
    expect(resumed).toMatchObject({ status: 2 });
    expect(resumed.stderr).toContain("--plugin ./bottleneck.mjs");
  });

  it("a defence with TRADES's loss is trained and attacked", { timeout: 300_000 }, () => {
    const options =
      "--model cnn-small --data stripes --trades-beta 2 --steps 3 --epsilon-linf 0.05";
    const both = "--plugin ./trades.mjs --plugin ./stripes.mjs";
    rampart(`train --defense trades ${options} --out trades ${small} ${both}`);
    const { options: stored } = JSON.parse(
      readFileSync(join(app.folder, "trades/config.json"), "utf8"),
    );
    expect(stored).toMatchObject({ defense: "trades", tradesBeta: 2, steps: 3 });
    rampart(`evaluate trades --attacks none,fgsm-linf --examples 30 --out trades.jsonl ${both}`);
    expect(rowsOf("trades.jsonl")).toHaveLength(60);
  });

  it.each([
    ["none.mjs", undefined, "plug-in ./none.mjs does not exist"],
    ["syntax.mjs", "export const x = {\n\n;", "plug-in ./syntax.mjs cannot be parsed in line 3"],
    ["absent.mjs", 'import "no-such-package";', "plug-in ./absent.mjs imports what is not there"],
    ["empty.mjs", "export const x = 1;", "plug-in ./empty.mjs exports no definition"],
    [
      "throws.mjs",
      `import { defineDataset } from "rampart";
       export const x = defineDataset({ name: "stripes", text: "", source: "", open() { throw new Error("no disk"); } });`,
      "dataset stripes of ./throws.mjs threw in open: no disk",
    ],
  ])("%s is an error that names the file", { timeout: 60_000 }, (name, text, message) => {
    if (text !== undefined) writeFileSync(join(app.folder, name), text);
    const { status, stderr } = failure(`data check stripes --plugin ./${name}`);
    expect({ status, stderr }).toMatchObject({ status: 2 });
    expect(stderr).toContain(message);
  });
});

describe("in the library,", () => {
  const run = (code: string): unknown => {
    writeFileSync(join(app.folder, "program.mjs"), code);
    return JSON.parse(runNode(["program.mjs"], app.folder));
  };

  it("definitions are used by name after use(), and attacks as values", {
    timeout: 300_000,
  }, () => {
    const found = run(`
      import { evaluate, openDataset, train, use } from "rampart/node";
      import { bim } from "./bim.mjs";
      import { bottleneck } from "./bottleneck.mjs";
      import { stripes } from "./stripes.mjs";
      import { trades } from "./trades.mjs";
      use(bottleneck, stripes);
      const settings = { data: "stripes", recipe: "short", epochs: 1, examples: 120, batch: 30, threads: 1 };
      const model = await train({ ...settings, model: "bottleneck-16", defense: "standard", out: "lib/a" });
      const attack = bim({ norm: "linf", epsilon: 0.3, steps: 5 });
      const rows = await evaluate(model, { attacks: ["none", attack], examples: 30, threads: 1 });
      const own = trades({ beta: 2, steps: 2 });
      const robust = await train({ ...settings, model: "cnn-small", defense: own, out: "lib/b" });
      const data = await openDataset("stripes");
      console.log(JSON.stringify([rows.length, rows.at(-1).attack, robust.defense, data.test.size]));
    `);
    expect(found).toEqual([60, "bim-linf", "trades", 150]);
  });
});
