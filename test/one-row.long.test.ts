// An attack, a defence, a noise and a data set, each with an option, added to a copy of the sources: one file and one row each.
import { execFileSync } from "node:child_process";
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root } from "./fixtures/docs.ts";

/** A new definition: its file, and the table that gets a row. */
interface Added {
  readonly file: string;
  readonly text: string;
  readonly table: string;
  readonly name: string;
}

const added: readonly Added[] = [
  {
    name: "nudge",
    file: "attacks/nudge.ts",
    table: "attacks/table.ts",
    text: `import { z } from "zod";
import { clamp, tensor } from "../math/tensor.ts";
import { defineAttack } from "./define-attack.ts";
export const nudge = defineAttack({
  name: "nudge",
  norms: ["linf"],
  summary: "moves every pixel by a share of ε",
  source: "this test",
  asks: "logits",
  options: z.strictObject({ share: z.number().positive().max(1).default(0.5).describe("share of ε") }),
  make: ({ epsilon, share }) => ({
    perturb: async (_victim, x) => clamp(tensor(x.shape, x.data.map((v) => v + share * epsilon)), 0, 1),
  }),
});
`,
  },
  {
    name: "dim",
    file: "defenses/dim.ts",
    table: "defenses/table.ts",
    text: `import { z } from "zod";
import { tensor } from "../math/tensor.ts";
import { defineDefense } from "./define-defense.ts";
export const dim = defineDefense({
  name: "dim",
  source: "this test",
  options: z.strictObject({ factor: z.number().positive().max(1).default(0.9).describe("factor of pixels") }),
  make: ({ factor }) => ({
    objective: {
      name: "dim",
      examples: async (_model, x) => tensor(x.shape, x.data.map((v) => v * factor)),
    },
  }),
});
`,
  },
  {
    name: "offset",
    file: "noise/offset.ts",
    table: "noise/table.ts",
    text: `import { tensor } from "../math/tensor.ts";
import { defineNoise, pixels } from "./define-noise.ts";
export const offset = defineNoise({
  name: "offset",
  parameters: { size: pixels(0.1, "added to every pixel") },
  source: "this test",
  describe: ({ size }) => \`an offset of \${size}\`,
  sample: (_keys, shape, { size }) => tensor(shape, new Float32Array(shape.reduce((n, k) => n * k, 1)).fill(size)),
});
`,
  },
  {
    name: "ramps",
    file: "data/ramps.ts",
    table: "data/table.ts",
    text: `import { z } from "zod";
import { defineDataset } from "./define-dataset.ts";
import { channelStatistics, splitOf } from "./splits.ts";
export const ramps = defineDataset({
  name: "ramps",
  text: "bright above or bright below, 8 × 8 grey images",
  source: "this test",
  augment: "none",
  options: z.strictObject({ count: z.int().min(4).default(40).describe("training images of ramps") }),
  open(_from, _path, { count }) {
    const shape = [1, 8, 8] as const;
    const labels = Uint8Array.from({ length: count }, (_, i) => i % 2);
    const pixels = Float32Array.from({ length: count * 64 }, (_, i) => {
      const row = (i % 64) >> 3;
      return (labels[Math.floor(i / 64)] === 0 ? row : 7 - row) / 8;
    });
    const examples = { pixels, labels };
    const split = splitOf(examples, shape);
    return { name: "ramps", shape, classes: ["above", "below"], ...channelStatistics(examples, shape), train: split, test: split };
  },
});
`,
  },
];

/** What uses the four in one process: each line of the result is one claim. */
const program = `
import { run } from "./src/cli/kit/program.ts";
import { rampart } from "./src/cli/main.ts";
const signal = new AbortController().signal;
const typed = async (line) => {
  let text = "";
  const write = { write: (part) => { text += part; } };
  const code = await run(rampart, line.split(" "), { stdout: write, stderr: write, signal });
  return { code, text };
};
const train = "train --defense dim --model mlp-small --data ramps --ramps-count 20 --recipe short --epochs 1 --batch 10 --threads 1 --out run";
console.log(JSON.stringify({
  evaluateHelp: await typed("evaluate --help"),
  trainHelp: await typed("train --help"),
  list: await typed("data list"),
  train: await typed(train + " --dim-factor 0.8"),
  evaluate: await typed("evaluate run --attacks none,nudge-linf --nudge-share 0.25 --noise offset:0.2 --examples 4 --draws 2 --eot 1 --threads 1 --out rows.jsonl"),
  refused: await typed("evaluate run --attacks nudge-linf --nudge-share 2 --out other.jsonl"),
}));
`;

const work = mkdtempSync(join(tmpdir(), "rampart-one-row-"));
type Typed = { readonly code: number; readonly text: string };
let found: Readonly<Record<string, Typed>>;

/** The table with the definition imported and in its list. */
function withRow(text: string, { name, file }: Added): string {
  const first = text.indexOf("import ");
  const imported = `import { ${name} } from "./${file.split("/")[1]}";\n`;
  const list = /(const rows = \[|new Registry<\w+>\("[\w ]+", \[)\n/;
  expect(text).toMatch(list);
  return (text.slice(0, first) + imported + text.slice(first)).replace(list, `$&  ${name},\n`);
}

beforeAll(() => {
  cpSync(join(root, "src"), join(work, "src"), { recursive: true });
  for (const name of ["package.json", "tsconfig.json"]) cpSync(join(root, name), join(work, name));
  symlinkSync(join(root, "node_modules"), join(work, "node_modules"), "dir");
  for (const one of added) {
    writeFileSync(join(work, "src", one.file), one.text);
    const table = join(work, "src", one.table);
    writeFileSync(table, withRow(readFileSync(table, "utf8"), one));
  }
  writeFileSync(join(work, "program.mjs"), program);
  const tsx = join(root, "node_modules", "tsx", "dist", "cli.mjs");
  const output = execFileSync(process.execPath, [tsx, "program.mjs"], {
    cwd: work,
    encoding: "utf8",
  });
  found = JSON.parse(output.trim().split("\n").at(-1) ?? "");
}, 120_000);

afterAll(() => rmSync(work, { recursive: true, force: true }));

/** Lines of a file that the other has not. */
const newLines = (before: string, after: string): number => {
  const old = new Set(before.split("\n"));
  return after.split("\n").filter((line) => !old.has(line)).length;
};

it("four files are new, and four tables have an import and a row more", () => {
  const list = (folder: string) =>
    readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
      /\.tsx?$/.test(name),
    );
  const before = new Set(list(join(root, "src")));
  const after = list(join(work, "src"));
  expect(after.filter((name) => !before.has(name)).toSorted()).toEqual(
    added.map(({ file }) => file).toSorted(),
  );
  const texts = (name: string) =>
    [root, work].map((folder) => readFileSync(join(folder, "src", name), "utf8"));
  const changed = [...before]
    .map((name) => [name, ...texts(name)] as const)
    .filter(([, ours, theirs]) => ours !== theirs)
    .map(([name, ours, theirs]) => [name, newLines(ours, theirs)]);
  expect(changed.toSorted()).toEqual(added.map(({ table }) => [table, 2]).toSorted());
});

describe("from these alone follow", () => {
  it("names, flags, defaults and help of the attack, and its use", () => {
    expect(found.evaluateHelp.text).toMatch(/nudge-linf/);
    expect(found.evaluateHelp.text).toMatch(/--nudge-share <x>\s+share of ε \(default:\s+0\.5\)/);
    expect(found.evaluate).toMatchObject({ code: 0 });
    expect(readFileSync(join(work, "rows.jsonl"), "utf8").trim().split("\n")).toHaveLength(8);
    const { options } = JSON.parse(readFileSync(join(work, "rows.settings.json"), "utf8"));
    expect(options).toMatchObject({ nudgeShare: 0.25 });
  });

  it("the checks of its option", () => {
    expect(found.refused.code).toBe(2);
    expect(found.refused.text).toContain("--nudge-share");
  });

  it("name and flag of the defence, and a run trained with it", () => {
    expect(found.trainHelp.text).toMatch(/--dim-factor <x>/);
    expect(found.train).toMatchObject({ code: 0 });
    const { options } = JSON.parse(readFileSync(join(work, "run/config.json"), "utf8"));
    expect(options).toMatchObject({ defense: "dim", dimFactor: 0.8 });
  });

  it("name and parameter of the noise", () => {
    const { options } = JSON.parse(readFileSync(join(work, "rows.settings.json"), "utf8"));
    expect(options).toMatchObject({ noise: "offset:0.2" });
    expect(found.evaluate.text).toContain("2 noise draws per image");
  });

  it("name and flag of the data set, and its images", () => {
    expect(found.list.text).toMatch(/^ramps\s+built in$/m);
    expect(found.trainHelp.text).toMatch(/--ramps-count <n>/);
    const { options } = JSON.parse(readFileSync(join(work, "run/config.json"), "utf8"));
    expect(options).toMatchObject({ data: "ramps:count=20" });
    expect(found.evaluate.text).toContain("run (dim) on ramps:count=20:");
  });
});
