// Every block of TypeScript in the documentation agrees with the types. test/docs-blocks-*.long.test.ts run the blocks.
import { join } from "node:path";
import ts from "typescript";
import { expect, it } from "vitest";
import { type Block, blocksOf, pages, root } from "./fixtures/docs.ts";

/** A block of TypeScript as a module in test/: the package's entry points become our sources. */
const moduleOf = ({ text }: Block): string =>
  text
    .replace(/from "rampart\/(node|web)"/g, (_, entry) => `from "../src/${entry}.ts"`)
    .replace(/from "rampart"/g, 'from "../src/index.ts"');

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
      return [join(root, "test", name), moduleOf(block)] as const;
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
