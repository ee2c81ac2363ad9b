import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..");

/** The folders of src, and what each may import. This table is the architecture. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  math: [],
  graph: ["math"],
  onnx: ["math", "graph"],
  autodiff: ["math", "graph"],
  lowering: ["math", "graph"],
  runtime: ["math", "graph", "onnx", "lowering"],
  models: ["math", "files", "graph", "onnx", "autodiff", "runtime"],
  data: ["math", "files"],
  attacks: ["math"],
  noise: ["math"],
  theory: ["math"],
  defenses: ["math", "attacks", "noise"],
  files: ["math"],
  certify: ["math", "noise", "attacks"],
  falsify: ["math", "attacks"],
  train: [
    ...["math", "files", "graph", "autodiff", "runtime"],
    ...["data", "models", "attacks", "noise", "defenses"],
  ],
  evaluate: ["math", "files", "data", "models", "attacks", "noise", "defenses", "certify"],
  report: ["math", "files", "theory", "evaluate"],
  audit: [
    ...["math", "files", "data", "models", "attacks", "noise", "defenses"],
    ...["train", "evaluate", "report"],
  ],
  experiments: [
    ...["math", "files", "theory", "data", "models", "attacks"],
    ...["noise", "defenses", "train", "evaluate", "report"],
  ],
  cli: [
    ...[
      "math",
      "files",
      "graph",
      "onnx",
      "autodiff",
      "lowering",
      "runtime",
      "models",
      "data",
      "attacks",
    ],
    ...[
      "noise",
      "theory",
      "defenses",
      "certify",
      "falsify",
      "train",
      "evaluate",
      "report",
      "audit",
      "experiments",
    ],
  ],
};

interface Source {
  /** Relative to the root, with forward slashes: `src/math/random.ts`. */
  readonly path: string;
  /** `math`; the files directly in src have none, and may import anything. */
  readonly folder: string | undefined;
  readonly text: string;
  /** Everything named after `from`, in `import "…"` and in `import("…")`, types included. */
  readonly imports: readonly string[];
}

const imported = /(?:\bfrom\s*|\bimport\s*\(?\s*)"([^"]+)"/g;

const sources: readonly Source[] = readdirSync(join(root, "src"), { recursive: true })
  .map((name) => `src/${String(name).replaceAll("\\", "/")}`)
  .filter((path) => path.endsWith(".ts"))
  .map((path) => {
    const text = readFileSync(join(root, path), "utf8");
    const [, folder, file] = path.split("/");
    return {
      path,
      folder: file === undefined ? undefined : folder,
      text,
      imports: [...text.matchAll(imported)].map(([, name]) => name),
    };
  });

/** The folder of src that an import of a file leads to, at any depth; undefined for packages. */
function folderOf(path: string, name: string): string | undefined {
  if (!name.startsWith(".")) return undefined;
  const [src, folder] = posix.join(posix.dirname(path), name).split("/");
  return src === "src" ? folder?.replace(/\.ts$/, "") : undefined;
}

const library = sources.filter(({ path }) => !path.endsWith(".test.ts"));

describe("the import table", () => {
  it("has a row for every folder of src", () => {
    const folders = new Set(sources.flatMap(({ folder }) => folder ?? []));
    expect(Object.keys(mayImport)).toEqual(expect.arrayContaining([...folders]));
  });

  it.each(Object.entries(mayImport))("%s imports only what it may", (folder, allowed) => {
    const broken = library
      .filter((source) => source.folder === folder)
      .flatMap(({ path, imports }) =>
        imports
          .map((name) => folderOf(path, name))
          .filter((other) => other !== undefined && other !== folder && !allowed.includes(other))
          .map((other) => `${path} imports ${other}`),
      );
    expect(broken).toEqual([]);
  });

  it("lets reports see the types of rows and nothing else of evaluate", () => {
    const broken = library
      .filter(({ folder }) => folder === "report")
      .flatMap(({ path, text }) =>
        [...text.matchAll(/^(?:import|export) (?!type\b)[^;]*?from "\.\.\/evaluate\/[^"]*"/gm)]
          .filter(([statement]) => !/^\w+ \{(\s*type \w+( as \w+)?,?)*\s*\} from/.test(statement))
          .map(([statement]) => `${path}: ${statement}`),
      );
    expect(broken).toEqual([]);
  });

  it("has no cycle", () => {
    const depth = (folder: string, above: readonly string[]): number => {
      expect(above, `cycle through ${folder}`).not.toContain(folder);
      return 1 + Math.max(0, ...mayImport[folder].map((one) => depth(one, [...above, folder])));
    };
    expect(depth("cli", [])).toBeGreaterThan(1);
  });
});

describe("the platform", () => {
  const platform = /^(node:|onnxruntime-)|^sharp$/;
  const isPlatformFile = ({ path, folder }: Source) =>
    folder === "cli" || /\/(node|web)\.ts$/.test(path) || /^src\/node-\w+\.ts$/.test(path);

  it("is named only in cli and in files called node.ts or web.ts", () => {
    const broken = library
      .filter((source) => !isPlatformFile(source))
      .flatMap(({ path, imports }) =>
        imports.filter((name) => platform.test(name)).map((name) => `${path} imports ${name}`),
      );
    expect(broken).toEqual([]);
  });

  it("is reached only from cli and from other node.ts and web.ts files", () => {
    const broken = library
      .filter((source) => !isPlatformFile(source))
      .flatMap(({ path, imports }) =>
        imports
          .filter((name) => /\/(node|web)\.ts$/.test(name))
          .map((name) => `${path} imports ${name}`),
      );
    expect(broken).toEqual([]);
  });

  it("has one side per file: web.ts never names Node", () => {
    const broken = library
      .filter(({ path }) => path.endsWith("/web.ts"))
      .filter(({ imports }) => imports.some((name) => /^node:|node\.ts$|-node$/.test(name)))
      .map(({ path }) => path);
    expect(broken).toEqual([]);
  });
});

describe("a file", () => {
  it("has at most 300 lines, or says why not in its first lines", () => {
    const long = sources
      .filter(({ text }) => text.split("\n").length - 1 > 300)
      .filter(({ text }) => !/over 300 lines/.test(text.split("\n").slice(0, 10).join("\n")))
      .map(({ path }) => path);
    expect(long).toEqual([]);
  });

  it("imports its neighbours with their extension", () => {
    const broken = sources.flatMap(({ path, imports }) =>
      imports
        .filter((name) => name.startsWith(".") && !/\.(ts|json)$/.test(name))
        .map((name) => `${path} imports ${name}`),
    );
    expect(broken).toEqual([]);
  });
});
