import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..");

const engine = [
  "engine/graph",
  "engine/autodiff",
  "engine/bounds",
  "engine/onnx",
  "engine/lowering",
  "engine/runtime",
];
const judging = ["math", "files", "data", "noise", "losses", "attacks", "models", "defenses"];
const everything = [...judging, ...engine, "train", "evaluate", "certify", "verify", "report"];
const extensible = ["data", "noise", "losses", "attacks", "models", "defenses"];

/**
 * The rooms of src, and what each may import besides itself. This table is the architecture. A file belongs to the deepest
 * room that holds it.
 */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  math: [],
  files: ["math"],
  "engine/graph": ["math"],
  "engine/autodiff": ["math", "engine/graph"],
  "engine/bounds": ["math", "engine/graph", "engine/autodiff"],
  "engine/onnx": ["math", "engine/graph"],
  "engine/lowering": ["math", "engine/graph"],
  "engine/runtime": ["math", "engine/graph", "engine/onnx", "engine/lowering"],
  data: ["math", "files"],
  noise: ["math"],
  losses: ["math", "engine/graph", "engine/autodiff"],
  attacks: ["math", "losses"],
  models: ["math", "files", "losses", ...engine],
  defenses: ["math", "engine/graph", "engine/bounds", "losses", "attacks", "noise"],
  train: [...judging, ...engine],
  evaluate: [...judging, ...engine],
  certify: ["math", "files", "data", "noise", "attacks", "models", "defenses"],
  verify: ["math", "files", ...engine, "attacks", "models"],
  report: ["math", "files", "evaluate", "certify", "verify"],
  audit: [...judging, ...engine, "evaluate", "certify", "verify", "report"],
  harden: [...everything, "audit"],
  library: [...everything, "audit"],
  sweep: [...everything, "audit", "harden", "plugins"],
  paper: [...everything, "paper/theory", "sweep"],
  "paper/theory": ["math"],
  bench: [...everything],
  plugins: ["math", ...extensible],
  lab: [...everything, "audit", "paper", "paper/theory", "src"],
  cli: [
    ...everything,
    "audit",
    "harden",
    "sweep",
    "paper",
    "paper/theory",
    "bench",
    "plugins",
    "cli/kit",
  ],
  "cli/kit": [...everything, "audit", "plugins"],
};

interface Source {
  /** Relative to the root, with forward slashes: `src/math/random.ts`. */
  readonly path: string;
  readonly text: string;
  /** Everything named after `from`, in `import "…"` and in `import("…")`, types included. */
  readonly imports: readonly string[];
}

const imported = /(?:\bfrom\s*|\bimport\s*\(?\s*)"([^"]+)"/g;

const sourceOf = (path: string, text: string): Source => ({
  path,
  text,
  imports: [...text.matchAll(imported)].map(([, name]) => name),
});

const sources: readonly Source[] = readdirSync(join(root, "src"), { recursive: true })
  .map((name) => `src/${String(name).replaceAll("\\", "/")}`)
  .filter((path) => /\.tsx?$/.test(path))
  .map((path) => sourceOf(path, readFileSync(join(root, path), "utf8")));

const library = sources.filter(({ path }) => !/\.test\.tsx?$/.test(path));

/** The room of a path such as `src/engine/onnx/import/linear.ts`; undefined for the files directly in src. */
function roomOf(path: string): string | undefined {
  const folders = path.split("/").slice(1, -1);
  for (let depth = folders.length; depth > 0; depth--) {
    const room = folders.slice(0, depth).join("/");
    if (room in mayImport) return room;
  }
  return folders.length === 0 ? undefined : `no room: ${folders.join("/")}`;
}

/** The path that a relative import leads to, at any depth; undefined for a package. */
const resolved = (path: string, name: string): string | undefined =>
  name.startsWith(".") ? posix.join(posix.dirname(path), name) : undefined;

/** What a file imports against the table. The files directly in src may import anything. */
function forbidden({ path, imports }: Source): string[] {
  const room = roomOf(path);
  if (room === undefined) return [];
  const allowed = new Set(mayImport[room]).add(room);
  return imports
    .filter((name) => {
      const target = resolved(path, name);
      return target !== undefined && !allowed.has(roomOf(target) ?? "src");
    })
    .map((name) => `${path} imports ${name}`);
}

describe("the import table", () => {
  it("has a row for every folder of src", () => {
    const without = sources
      .map(({ path }) => roomOf(path))
      .filter((room) => room !== undefined && !(room in mayImport));
    expect(without).toEqual([]);
  });

  it("has no row of a folder that does not exist", () => {
    const rooms = new Set(sources.map(({ path }) => roomOf(path)));
    expect(Object.keys(mayImport).filter((room) => !rooms.has(room))).toEqual([]);
  });

  it.each(Object.keys(mayImport))("%s imports only what it may", (room) => {
    expect(library.filter(({ path }) => roomOf(path) === room).flatMap(forbidden)).toEqual([]);
  });

  it("refuses a forbidden import from any depth", () => {
    const from = (path: string, name: string) =>
      forbidden(sourceOf(path, `import { x } from "${name}";`));
    expect(from("src/engine/onnx/import/linear.ts", "../../../models/layers.ts")).toHaveLength(1);
    expect(from("src/engine/onnx/import/linear.ts", "../../runtime/runtime.ts")).toHaveLength(1);
    expect(from("src/report/sections/detail.ts", "../../cli/main.ts")).toHaveLength(1);
    expect(from("src/math/random.ts", "../index.ts")).toHaveLength(1);
    expect(from("src/engine/onnx/import/linear.ts", "../../graph/value.ts")).toEqual([]);
    expect(from("src/engine/onnx/import/linear.ts", "./import-node.ts")).toEqual([]);
  });

  it("lets reports see the types of rows and nothing else of evaluate", () => {
    const broken = library
      .filter(({ path }) => roomOf(path) === "report")
      .flatMap(({ path, text }) =>
        [...text.matchAll(/^(?:import|export) (?!type\b)[^;]*?from "(?:\.\.\/)+evaluate\/[^"]*"/gm)]
          .filter(([statement]) => !/^\w+ \{(\s*type \w+( as \w+)?,?)*\s*\} from/.test(statement))
          .map(([statement]) => `${path}: ${statement}`),
      );
    expect(broken).toEqual([]);
  });

  it("has no cycle", () => {
    const depth = (room: string, above: readonly string[]): number => {
      expect(above, `cycle through ${room}`).not.toContain(room);
      const below = (mayImport[room] ?? []).map((one) => depth(one, [...above, room]));
      return 1 + Math.max(0, ...below);
    };
    expect(depth("cli", [])).toBeGreaterThan(1);
  });
});

describe("circles of imports", () => {
  /** Groups of files that import each other, directly or by way of others; types included. */
  function circlesOf(files: readonly Source[]): string[][] {
    const imports = new Map(
      files.map((file) => [
        file.path,
        file.imports.map((name) => resolved(file.path, name)).filter((path) => path !== undefined),
      ]),
    );
    const reached = new Map(
      files.map(({ path }) => {
        const seen = new Set<string>();
        const open = [path];
        for (let at = open.pop(); at !== undefined; at = open.pop())
          for (const next of imports.get(at) ?? []) {
            if (seen.has(next)) continue;
            seen.add(next);
            open.push(next);
          }
        return [path, seen] as const;
      }),
    );
    const reaches = (from: string, to: string) => reached.get(from)?.has(to) === true;
    const groups = files
      .filter(({ path }) => reaches(path, path))
      .map(({ path }) =>
        files
          .map((other) => other.path)
          .filter((other) => reaches(path, other) && reaches(other, path))
          .sort(),
      );
    return [...new Map(groups.map((group) => [group.join(), group])).values()];
  }

  it("are found: direct ones, those by way of others, and those of types alone", () => {
    const files = [
      sourceOf("src/a.ts", 'import { b } from "./b.ts"; import { f } from "./f.ts";'),
      sourceOf("src/b.ts", 'import type { C } from "./deep/c.ts";'),
      sourceOf("src/deep/c.ts", 'export type { A } from "../a.ts";'),
      sourceOf("src/d.ts", 'import { d } from "./d.ts"; import { a } from "./a.ts";'),
      sourceOf("src/f.ts", 'import { z } from "zod";'),
    ];
    expect(circlesOf(files)).toEqual([["src/a.ts", "src/b.ts", "src/deep/c.ts"], ["src/d.ts"]]);
  });

  it("are none in the sources", () => {
    expect(circlesOf(library)).toEqual([]);
  });
});

describe("the platform", () => {
  const platform = /^(node:|onnxruntime-)|^sharp$/;
  const platformFile = /\/(node|web)(-[\w-]+)?\.ts$/;
  const isPlatformFile = ({ path }: Source) =>
    path.startsWith("src/cli/") || path.startsWith("src/bench/") || platformFile.test(path);

  it("is named only in cli, in bench and in files called node.ts, node-….ts, web.ts or web-….ts", () => {
    const broken = library
      .filter((source) => !isPlatformFile(source))
      .flatMap(({ path, imports }) =>
        imports.filter((name) => platform.test(name)).map((name) => `${path} imports ${name}`),
      );
    expect(broken).toEqual([]);
  });

  it("is reached only from cli, from bench and from other such files", () => {
    const broken = library
      .filter((source) => !isPlatformFile(source))
      .flatMap(({ path, imports }) =>
        imports.filter((name) => platformFile.test(name)).map((name) => `${path} imports ${name}`),
      );
    expect(broken).toEqual([]);
  });

  it("has one side per file: web files never name Node", () => {
    const broken = library
      .filter(({ path }) => /\/web(-[\w-]+)?\.ts$/.test(path))
      .filter(({ imports }) =>
        imports.some((name) => /^node:|\/node(-[\w-]+)?\.ts$|-node$/.test(name)),
      )
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
        .filter((name) => name.startsWith(".") && !/\.(tsx?|json|css)$/.test(name))
        .map((name) => `${path} imports ${name}`),
    );
    expect(broken).toEqual([]);
  });

  it("is no fixture: those live in test/fixtures", () => {
    expect(sources.filter(({ path }) => /fixture/.test(path)).map(({ path }) => path)).toEqual([]);
  });
});
