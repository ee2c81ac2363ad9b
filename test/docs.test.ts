// Documentation stays true: links lead somewhere, commands have the flags that a page gives them, and blocks parse.
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import type { Command } from "../src/cli/kit/command.ts";
import { fieldsOf } from "../src/cli/kit/flags.ts";
import { rampart } from "../src/cli/main.ts";
import { parsedAs } from "../src/math/option-text.ts";
import {
  anchorsOf,
  type Block,
  blocksOf,
  linksOf,
  pages,
  readPage,
  root,
} from "./fixtures/docs.ts";
import { commandsOf, type Words } from "./fixtures/shell.ts";

interface PackageJson {
  readonly scripts: Readonly<Record<string, string>>;
  readonly files: readonly string[];
}
const { scripts, files: packaged }: PackageJson = JSON.parse(
  readFileSync(join(root, "package.json"), "utf8"),
);

const blocks = pages.flatMap(blocksOf);
const placeOf = ({ page, line }: Block): string => `${page}:${line}`;
const inLanguage = (...languages: readonly string[]) =>
  blocks
    .filter(({ language }) => languages.includes(language))
    .map((block) => [placeOf(block), block.text] as const);

describe("links within the documentation", () => {
  it("lead to SVG files that are in the package", () => {
    const shown = pages.flatMap(linksOf).map(({ path }) => path);
    const drawings = shown.filter((path) => path.endsWith(".svg"));
    expect(drawings.length).toBeGreaterThan(0);
    expect(packaged).toEqual(expect.arrayContaining(drawings));
  });

  it.each(pages)("of %s lead to files that exist, and to headings that exist", (page) => {
    const broken = linksOf(page).filter(
      ({ path, anchor }) =>
        !existsSync(join(root, path)) ||
        (anchor !== undefined && (!path.endsWith(".md") || !anchorsOf(path).includes(anchor))),
    );
    expect(broken).toEqual([]);
  });

  it.each(pages)("of %s show images of less than 150 kB", (page) => {
    const large = linksOf(page).filter(
      ({ path }) =>
        page === "README.md" &&
        /\.(png|svg)$/.test(path) &&
        statSync(join(root, path)).size > 150_000,
    );
    expect(large).toEqual([]);
  });
});

/** Pages that a reader reads from top to bottom; the others are looked things up in. */
const guides = [
  "docs/first-run.md",
  "docs/audit-your-model.md",
  "docs/gate-a-release.md",
  "docs/ci.md",
  "docs/randomised-models.md",
  "docs/train-and-defend.md",
  "docs/data.md",
  "docs/library.md",
  "docs/without-files.md",
  "docs/page.md",
  "docs/lab.md",
  "docs/gradients.md",
  "docs/the-paper.md",
];

describe("a guide fits two screens and starts with a command or code:", () => {
  it.each(guides)("%s", (page) => {
    const lines = readPage(page).split("\n");
    expect(lines.length).toBeLessThanOrEqual(115);
    expect(lines[0]).toMatch(/^# /);
    expect(lines[2]).toMatch(/^```(sh|ts)/);
  });
});

it("each plug-in of docs/extending.md fits two screens with its explanation", () => {
  const [start, ...pieces] = readPage("docs/extending.md").split(/^## /m);
  expect(start).toMatch(/^# .*\n\n```sh/);
  expect(pieces.length).toBeGreaterThanOrEqual(5);
  for (const piece of [start, ...pieces]) expect(piece.split("\n").length).toBeLessThanOrEqual(115);
});

it("lines outside of tables have at most 100 characters", () => {
  const long = pages
    .filter((page) => page !== "docs/options.md")
    .flatMap((page) =>
      readPage(page)
        .split("\n")
        .flatMap((line, i) =>
          [...line].length > 100 && !line.trimStart().startsWith("|") ? [`${page}:${i + 1}`] : [],
        ),
    );
  expect(long).toEqual([]);
});

/** Why a block of code is not executed. */
const REASONS = [
  "browser", // needs a page; test/page-audit.long and test/web-bundles.long have one
  "clone", // installs or builds the clone itself; test/package.long does
  "download",
  "gpu",
  "hours",
  "own-test", // a test of its own executes it
  "pytorch",
];

it("every block that could be executed is, or says why not", () => {
  const silent = blocks.filter(({ notRun }) => notRun !== undefined && !REASONS.includes(notRun));
  expect(silent.map(placeOf)).toEqual([]);
});

it("every block names its language, so that its check is known", () => {
  const known = ["sh", "ts", "js", "json", "python", "yaml", "html", "text"];
  const unknown = blocks.filter(({ language }) => !known.includes(language));
  expect(unknown.map(placeOf)).toEqual([]);
});

/** The command that the words after `rampart` call, and the words that are left for it. */
async function called([name, ...rest]: Words): Promise<{ command: Command; words: Words }> {
  if (!Object.hasOwn(rampart.commands, name)) throw new Error(`there is no command ${name}`);
  const loaded = await rampart.commands[name]();
  if (!("commands" in loaded)) return { command: loaded, words: rest };
  const [action, ...words] = rest;
  if (!Object.hasOwn(loaded.commands, action)) throw new Error(`there is no ${name} ${action}`);
  return { command: loaded.commands[action], words };
}

/** Options of every command. */
const COMMON: readonly string[] = ["--json", "--help"];

/** Throws what the program would say of these words, as far as that needs no files. */
async function checkRampart(typed: Words): Promise<void> {
  if (typed[0] === "--version" || typed[0] === "--help") return;
  // The flags of a plug-in are not known here; test/extending.long.test.ts runs those of the documentation.
  if (typed.includes("--plugin")) return;
  const { command, words } = await called(typed);
  const fields = fieldsOf(command.options);
  const values: Record<string, unknown> = {};
  const positionals: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const [flag, inline] = words[i].split("=", 2);
    if (!flag.startsWith("--")) {
      positionals.push(words[i]);
      continue;
    }
    if (COMMON.includes(flag)) continue;
    if (flag === "--config") {
      i++;
      continue;
    }
    const field = fields.find((one) => one.flag === flag.replace(/^--no-/, "--"));
    if (field === undefined) throw new Error(`there is no option ${flag}`);
    if (field.schema.type === "boolean") {
      values[field.name] = !flag.startsWith("--no-");
      continue;
    }
    const value = inline ?? words[++i];
    if (value === undefined) throw new Error(`${flag} has no value`);
    values[field.name] = parsedAs(value, field.schema);
  }
  if (words.includes("--help")) return;
  const many = command.positionals.some((name) => name.endsWith("..."));
  const least = command.positionals.filter((name) => !name.endsWith("?")).length;
  const most = many ? Number.POSITIVE_INFINITY : command.positionals.length;
  const fits = positionals.length >= least && positionals.length <= most;
  if (!fits) throw new Error(`${positionals.length} arguments, got ${positionals.join(" ")}`);
  const { error } = command.options.safeParse(values);
  if (error !== undefined && !words.includes("--config")) throw error;
}

/** Variables and placeholders stand for values that the shell or the reader puts there. */
const isOpen = (word: string): boolean => /[$*…]|\.\.\.|\b[A-Z]{3,}\b/.test(word);

/** Throws where a path of the repository does not exist. */
function checkPath(path: string): void {
  if (!isOpen(path) && !existsSync(join(root, path))) throw new Error(`there is no ${path}`);
}

async function checkNpx([name, ...words]: Words): Promise<void> {
  if (name === "rampart") return checkRampart(words);
  if (name === "tsx") return checkPath(words[0]);
  if (name === "vitest")
    return words.filter((word) => /\.test\.ts$|^test\/|^src\//.test(word)).forEach(checkPath);
  if (name === "vite" || name === "esbuild") return;
  throw new Error(`npx ${name} is none of our tools`);
}

function checkNpm([name, script]: Words): void {
  const own = ["install", "ci", "pack", "rebuild", "test"];
  if (name === "run" && !Object.hasOwn(scripts, script))
    throw new Error(`there is no script ${script}`);
  if (name !== "run" && !own.includes(name)) throw new Error(`npm ${name} is unexpected`);
}

/** Programs that start the one whose words follow their own options. */
const STARTERS = ["srun", "mpirun"];

/** Programs of the machine that pages may call. */
const OTHERS = ["git", "cd", "cp", "mkdir", "echo", "gh", "apt-get", "export", "ls"];

async function check([program, ...words]: Words): Promise<void> {
  if (program === "rampart") return checkRampart(words);
  if (STARTERS.includes(program)) return checkRampart(words.slice(words.indexOf("rampart") + 1));
  if (program === "npx") return checkNpx(words);
  if (program === "npm") return checkNpm(words);
  if (/python3$/.test(program)) {
    if (/^test\//.test(words[0] ?? "")) checkPath(words[0]);
    return;
  }
  if (program === "pip" || OTHERS.includes(program)) return;
  throw new Error(`${program} is unknown to this test`);
}

describe("shell blocks", () => {
  it.each(inLanguage("sh"))("%s has commands, flags and values that exist", async (_, text) => {
    for (const words of commandsOf(text)) await check(words);
  });

  it.each([
    ["npx rampart audit model.onnx --budget fast", "budget"],
    ["npx rampart audit model.onnx --bugdet quick", "no option --bugdet"],
    ["npx rampart adit model.onnx", "no command adit"],
    ["npx rampart audit --budget quick", "arguments"],
    ["npx rampart evaluate m --attacks pgd-lnf --out r.jsonl", "pgd-lnf"],
    ["npx rampart evaluate m --attacks pgd-linf", "out"],
    ["npm run quikstart", "no script quikstart"],
    ["npx vitest run test/none.test.ts", "no test/none.test.ts"],
    ["X=1 npx rampart doctor && npx rampart dcotor", "no command dcotor"],
  ])("would notice: %s", async (line, text) => {
    const checkAll = async () => {
      for (const words of commandsOf(line)) await check(words);
    };
    await expect(checkAll()).rejects.toThrow(text);
  });
});

describe("blocks of TypeScript and JavaScript", () => {
  it.each(inLanguage("ts", "js"))("%s parse", (_, text) => {
    const { diagnostics = [] } = ts.transpileModule(text, {
      reportDiagnostics: true,
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ESNext },
    });
    expect(diagnostics.map(({ messageText }) => messageText)).toEqual([]);
  });
});

describe("blocks of JSON", () => {
  it.each(inLanguage("json"))("%s parse", (_, text) => {
    expect(() => JSON.parse(text)).not.toThrow();
  });
});
