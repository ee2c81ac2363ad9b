// The examples in the documentation of the three entry points: each function has one, which agrees with the types of the
// built package and runs.
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ts from "typescript";
import { afterAll, expect, it } from "vitest";
import { root } from "./fixtures/docs.ts";
import { writeReaderFiles } from "./fixtures/reader-files.ts";

const work = mkdtempSync(join(tmpdir(), "rampart-examples-"));
afterAll(() => rmSync(work, { recursive: true }));

/** As a stranger's project has it: every file of types is checked. */
const settings: ts.CompilerOptions = {
  strict: true,
  noEmit: true,
  module: ts.ModuleKind.NodeNext,
  target: ts.ScriptTarget.ES2022,
  lib: ["lib.es2022.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"],
  types: ["node"],
  typeRoots: [join(root, "node_modules/@types")],
  preserveSymlinks: false,
};

interface Example {
  /** `node train`: the entry point and the function. */
  readonly name: string;
  /** Null if the function has no example. */
  readonly code: string | null;
}

/** Functions that the entry points take from another library, or export under an older name too. */
const EXEMPT: readonly string[] = ["index liveClassifier"];

const codeIn = (symbol: ts.Symbol): string | null => {
  const tag = symbol.getJsDocTags().find(({ name }) => name === "example");
  return /```ts\n([\s\S]*?)```/.exec(ts.displayPartsToString(tag?.text))?.[1] ?? null;
};

/** The functions of an entry point that no entry point before it has. */
function* functionsOf(
  program: ts.Program,
  entry: string,
  seen: Set<ts.Symbol>,
): Generator<Example> {
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(join(root, `dist/${entry}.d.ts`));
  if (source === undefined) throw new Error(`the package was not built: no dist/${entry}.d.ts`);
  const module = checker.getSymbolAtLocation(source);
  for (const exported of module === undefined ? [] : checker.getExportsOfModule(module)) {
    const isAlias = (exported.flags & ts.SymbolFlags.Alias) !== 0;
    const symbol = isAlias ? checker.getAliasedSymbol(exported) : exported;
    if (seen.has(symbol) || (symbol.flags & ts.SymbolFlags.Value) === 0) continue;
    seen.add(symbol);
    const isFunction = checker.getTypeOfSymbol(symbol).getCallSignatures().length > 0;
    const name = `${entry} ${exported.name}`;
    if (isFunction && !EXEMPT.includes(name)) yield { name, code: codeIn(symbol) };
  }
}

function publicFunctions(): Example[] {
  const entries = ["index", "node", "web"];
  const files = entries.map((entry) => join(root, `dist/${entry}.d.ts`));
  const program = ts.createProgram(files, settings);
  const seen = new Set<ts.Symbol>();
  return entries.flatMap((entry) => [...functionsOf(program, entry, seen)]);
}

/** Examples that write what others read: `runs/at`, then `at.onnx`, then `rows.jsonl`. */
const FIRST = ["node train", "node exportModel", "node evaluate"];

const rankOf = (name: string): number =>
  FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length;

/** Imports the examples one after the other. `fetch` reads a file of the folder, as a page's server would. */
const runner = (names: readonly string[]): string => `
  import { readFile } from "node:fs/promises";
  const fetchAddress = globalThis.fetch;
  globalThis.fetch = async (address, ...rest) =>
    address === "model.onnx" ? new Response(await readFile(address)) : fetchAddress(address, ...rest);
  for (const name of ${JSON.stringify(names)}) {
    try {
      await import("./" + name + ".mjs");
    } catch (error) {
      console.error(name, error);
      process.exit(1);
    }
  }
  process.exit(0);
`;

it("every public function has an example that agrees with the types and runs", {
  timeout: 300_000,
}, async () => {
  // Builds the package if its sources have changed.
  const { status } = spawnSync(process.execPath, [join(root, "bin/rampart.js"), "--version"]);
  expect(status).toBe(0);

  const examples = publicFunctions().sort((a, b) => rankOf(a.name) - rankOf(b.name));
  expect(examples.filter(({ code }) => code === null).map(({ name }) => name)).toEqual([]);
  expect(examples.length).toBeGreaterThan(50);

  mkdirSync(join(work, "node_modules"));
  symlinkSync(root, join(work, "node_modules/rampart"), "dir");
  writeFileSync(join(work, "package.json"), '{ "type": "module" }');
  const fileOf = ({ name }: Example) => name.replace(" ", "-");
  const paths = examples.map((one) => join(work, `${fileOf(one)}.ts`));
  for (const one of examples) writeFileSync(join(work, `${fileOf(one)}.ts`), one.code ?? "");
  const problems = ts.getPreEmitDiagnostics(ts.createProgram(paths, settings));
  expect(
    problems.map(
      ({ file, messageText }) =>
        `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`,
    ),
  ).toEqual([]);

  for (const one of examples) {
    const { outputText } = ts.transpileModule(one.code ?? "", {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: settings.target },
    });
    writeFileSync(join(work, `${fileOf(one)}.mjs`), outputText);
  }
  await writeReaderFiles(work, { side: 32, classes: 10 });
  copyFileSync(join(work, "photos/cat/0.png"), join(work, "photo.png"));
  writeFileSync(join(work, "run.mjs"), runner(examples.map(fileOf)));
  const run = spawnSync(process.execPath, ["run.mjs"], { cwd: work, encoding: "utf8" });
  expect(run.status, run.stderr.slice(-3000)).toBe(0);
});
