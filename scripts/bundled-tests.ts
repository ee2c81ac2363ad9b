// Test files bundled by esbuild, with the modules that several of them share in files of their own. A worker loads a few hundred
// files in place of some thousand, and functions that a module imports are called without a detour.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { build, type Plugin as EsbuildPlugin } from "esbuild";
import type { Plugin } from "vite";

const root = join(import.meta.dirname, "..");

/** The test files below src/ and test/ of which `isWanted` holds. */
const testFiles = (isWanted: (path: string) => boolean): readonly string[] =>
  ["src", "test"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".test.ts"))
      .map((name) => join(root, folder, name))
      .filter(isWanted),
  );

/** A module goes on knowing where its source is. */
const places: EsbuildPlugin = {
  name: "places",
  setup({ onLoad }) {
    onLoad({ filter: /\/(src|test|scripts|bench)\/.*\.ts$/ }, ({ path }) => {
      const source = readFileSync(path, "utf8");
      if (!source.includes("import.meta.")) return undefined;
      const place = {
        dirname: dirname(path),
        filename: path,
        url: pathToFileURL(path).href,
      };
      const contents = source.replace(
        /\bimport\.meta\.(dirname|filename|url)\b/g,
        (_, name: keyof typeof place) => JSON.stringify(place[name]),
      );
      return { contents, loader: "ts" };
    });
  },
};

/** Bundles files into a new folder below node_modules, where packages are found and which Vitest loads as it is. */
async function bundled(files: readonly string[]): Promise<string> {
  const cache = join(root, "node_modules", ".cache");
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, "rampart-tests-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  await build({
    entryPoints: [...files],
    outbase: root,
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20",
    packages: "external",
    sourcemap: "linked",
    plugins: [places],
    logLevel: "error",
  });
  return folder;
}

/** Loads the test files of which `isWanted` holds from their bundle. */
export function bundledTests(isWanted: (path: string) => boolean): Plugin {
  let folder: Promise<string> | undefined;
  return {
    name: "bundled-tests",
    enforce: "pre",
    async load(id) {
      if (!id.endsWith(".test.ts") || !isWanted(id)) return undefined;
      folder ??= bundled(testFiles(isWanted));
      const file = id.slice(root.length).replace(/\.ts$/, ".mjs");
      return `await import(${JSON.stringify(pathToFileURL(join(await folder, file)).href)});`;
    },
  };
}
