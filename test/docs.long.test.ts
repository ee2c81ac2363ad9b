// Every block of the documentation that a reader would copy is type-checked, and run unless the page marks it `no-run`.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ts from "typescript";
import { afterAll, describe, expect, it } from "vitest";
import { type Block, blocksOf, pages, root } from "./fixtures/docs.ts";
import { writeReaderFiles } from "./fixtures/reader-files.ts";

const work = mkdtempSync(join(tmpdir(), "rampart-docs-"));
afterAll(() => rmSync(work, { recursive: true }));

/** A block of TypeScript as a module: the package's entry points become files of the folder `sources`. */
const moduleOf = ({ text }: Block, sources: string): string =>
  text
    .replace(/from "rampart\/(node|web)"/g, (_, entry) => `from "${sources}/${entry}.ts"`)
    .replace(/from "rampart"/g, `from "${sources}/index.ts"`);

const isTypeScript = ({ language }: Block): boolean => language === "ts";

it("blocks of TypeScript have no type errors", { timeout: 300_000 }, () => {
  const { config } = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile);
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  const settings = { ...options, noEmit: true, noUnusedLocals: false };
  const blocks = pages.flatMap(blocksOf).filter(isTypeScript);
  // In the repository, so that types of packages are found; in memory, so that nothing is left there.
  const texts = new Map(
    blocks.map((block) => {
      const name = `${block.page.replace(/\W/g, "-")}-${block.line}.ts`;
      return [join(root, "test", name), moduleOf(block, "../src")] as const;
    }),
  );
  const host = ts.createCompilerHost(settings);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (path) => texts.has(path) || fileExists(path);
  host.readFile = (path) => texts.get(path) ?? readFile(path);
  host.getSourceFile = (path, language, ...rest) => {
    const text = texts.get(path);
    return text === undefined
      ? getSourceFile(path, language, ...rest)
      : ts.createSourceFile(path, text, language);
  };
  const program = ts.createProgram([...texts.keys()], settings, host);
  const found = [...texts.keys()].flatMap((path) => {
    const source = program.getSourceFile(path);
    return source === undefined
      ? [`${path} was not read`]
      : [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
          ({ messageText }) => `${path}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`,
        );
  });
  expect(found).toEqual([]);
});

/** How a block is run in the folder of its page; null where this machine cannot. */
function commandOf(block: Block, folder: string): readonly string[] | null {
  if (block.language === "sh") {
    const rampart = `"${process.execPath}" "${join(root, "bin/rampart.js")}"`;
    const script = block.text.replaceAll("npx rampart", rampart);
    return ["bash", "--norc", "-ec", script];
  }
  if (block.language === "ts") {
    const file = join(folder, `block-${block.line}.mts`);
    writeFileSync(file, moduleOf(block, join(root, "src")));
    return [process.execPath, join(root, "node_modules/tsx/dist/cli.mjs"), file];
  }
  const python = process.env.PYTHON ?? "/usr/bin/python3";
  const has = spawnSync(python, ["-c", "import torch, onnx"]).status === 0;
  return has ? [python, "-c", block.text] : null;
}

const executed = ["sh", "ts", "python"];

describe("blocks run, in the order of their page and in one folder:", () => {
  it.each(
    pages
      .map((page) => {
        const blocks = blocksOf(page).filter(
          ({ language, notRun }) => notRun === undefined && executed.includes(language),
        );
        return [page, blocks] as const;
      })
      .filter(([, blocks]) => blocks.length > 0),
  )("%s", { timeout: 900_000 }, async (page, blocks) => {
    const folder = mkdtempSync(join(work, "page-"));
    const side = blocks.some(({ text }) => text.includes("--crop 224")) ? 224 : 32;
    await writeReaderFiles(folder, { side, classes: 2 });
    for (const block of blocks) {
      const command = commandOf(block, folder);
      if (command === null) {
        console.warn(`skipped: ${page}:${block.line} needs Python with torch and onnx`);
        continue;
      }
      const [program, ...words] = command;
      const { status, stderr } = spawnSync(program, words, { cwd: folder, encoding: "utf8" });
      expect(status, `${page}:${block.line}\n${stderr.slice(-3000)}`).toBe(0);
    }
  });
});
