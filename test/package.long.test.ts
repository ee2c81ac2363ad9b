import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..");
const work = mkdtempSync(join(tmpdir(), "rampart-package-"));
const app = join(work, "app");
const installed = join(app, "node_modules", "rampart");

const node = (words: readonly string[], cwd: string): string =>
  execFileSync(process.execPath, words, {
    cwd,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
const tsc = join(root, "node_modules", "typescript", "bin", "tsc");

/** The package as `npm pack` makes it, unpacked beside links to its declared dependencies and to nothing else. */
beforeAll(() => {
  const source = join(work, "source");
  for (const name of ["bin", "docs", "src", "package.json", "README.md", "LICENSE"])
    cpSync(join(root, name), join(source, name), { recursive: true });
  for (const name of ["tsconfig.json", "tsconfig.build.json"])
    cpSync(join(root, name), join(source, name));
  symlinkSync(join(root, "node_modules"), join(source, "node_modules"), "dir");
  node([tsc, "-p", "tsconfig.build.json", "--noCheck"], source);
  const [{ filename }] = JSON.parse(
    execFileSync("npm", ["pack", "--json", "--ignore-scripts"], { cwd: source, encoding: "utf8" }),
  );
  mkdirSync(installed, { recursive: true });
  execFileSync("tar", ["xzf", join(source, filename), "-C", installed, "--strip-components=1"]);
  const { dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  for (const name of Object.keys(dependencies)) {
    const link = join(app, "node_modules", name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(root, "node_modules", name), link, "dir");
  }
  writeFileSync(join(app, "package.json"), '{ "type": "module", "private": true }');
}, 300_000);

afterAll(() => rmSync(work, { recursive: true, force: true }));

/** The first TypeScript block of README.md. */
function example(): string {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  return /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
}

describe("the packed package", () => {
  it("holds the program, the library with its types, and neither sources nor tests", () => {
    for (const path of ["bin/rampart.js", "dist/cli/main.js", "dist/node.js", "dist/node.d.ts"])
      expect(existsSync(join(installed, path)), path).toBe(true);
    for (const path of ["src", "test", "scripts", "dist/math/random.test.js"])
      expect(existsSync(join(installed, path)), path).toBe(false);
  });

  it("runs README's library example, ten lines of TypeScript that agree with the types", () => {
    const lines = example()
      .split("\n")
      .filter((line) => line.trim() !== "");
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.length).toBeLessThanOrEqual(10);
    writeFileSync(join(app, "example.ts"), example());
    const types = join(root, "node_modules", "@types");
    const words = "--noEmitOnError --strict --skipLibCheck --target es2022 --module nodenext";
    node([tsc, ...words.split(" "), "--types", "node", "--typeRoots", types, "example.ts"], app);
    node(["example.js"], app);
    expect(readFileSync(join(app, "audit", "report.html"), "utf8")).toContain("at-linf");
  }, 300_000);

  it("draws prefetched noise in a thread, which does not keep the process", () => {
    const code = `
      import { Worker } from "node:worker_threads";
      import { keyOf, keysFor, noiseNamed as drawnHere } from "rampart";
      import { noiseNamed } from "rampart/node";
      let answers = 0;
      const { postMessage } = Worker.prototype;
      Worker.prototype.postMessage = function (...words) {
        this.once("message", () => answers++);
        return postMessage.apply(this, words);
      };
      const keys = keysFor(keyOf(1), [0, 1]);
      const { prefetch } = noiseNamed("normal");
      prefetch.start(keys, [2, 50]);
      const { data } = await prefetch.draw(keys, [2, 50]);
      console.log(answers, drawnHere("normal").sample(keys, [2, 50]).data.every((v, i) => v === data[i]));
    `;
    expect(node(["--input-type=module", "--eval", code], app)).toBe("1 true\n");
  });

  it("runs its command line, which finds no sources to build", () => {
    const out = node([join(installed, "bin", "rampart.js"), "--version"], app);
    expect(out).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(existsSync(join(installed, "src"))).toBe(false);
  });
});
