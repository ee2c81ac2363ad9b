// What a command loads before it works. Libraries that draw charts take half of a second and come with the report.
import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { expect, it } from "vitest";

const root = join(import.meta.dirname, "..");

const known = new Map<string, readonly string[]>();

/** The modules and packages that a file imports for good: neither types nor `import(…)`. */
function importsOf(path: string): readonly string[] {
  const found = known.get(path) ?? readImports(path);
  known.set(path, found);
  return found;
}

const IMPORT = /^(?:import|export) (?!type )([^"';]*?)from "([^"]+)"|^import "([^"]+)"/gm;
const ONLY_TYPES = /^\{(?:\s*type [\w$]+(?: as [\w$]+)?,?)+\s*\}\s*$/;

function readImports(path: string): string[] {
  return [...readFileSync(path, "utf8").matchAll(IMPORT)].flatMap(([, names = "", from, alone]) =>
    ONLY_TYPES.test(names) ? [] : [from ?? alone],
  );
}

/** Everything that is loaded with a file: paths from the root, and names of packages. */
function loadedWith(entry: string): ReadonlySet<string> {
  const seen = new Set<string>();
  const waiting = [join(root, entry)];
  while (waiting.length > 0) {
    const path = waiting.pop() as string;
    if (seen.has(relative(root, path))) continue;
    seen.add(relative(root, path));
    for (const name of importsOf(path))
      if (name.startsWith(".")) waiting.push(join(dirname(path), name));
      else seen.add(name);
  }
  return seen;
}

it.each(["train", "evaluate", "audit", "certify", "verify"])(
  "%s starts without the libraries that draw charts",
  (command) => {
    const loaded = loadedWith(`src/cli/${command}.ts`);
    expect(loaded.size).toBeGreaterThan(50);
    for (const library of ["@observablehq/plot", "linkedom"]) expect(loaded).not.toContain(library);
  },
);

it("the report does load them", () => {
  expect(loadedWith("src/report/page.ts")).toContain("@observablehq/plot");
});
