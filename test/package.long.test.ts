import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { wasmPath } from "../src/cli/lab-files.ts";
import { chromium, hasChromium } from "./fixtures/browser.ts";
import { root } from "./fixtures/docs.ts";
import { installPacked, runNode as node, tsc } from "./fixtures/packed.ts";

const work = mkdtempSync(join(tmpdir(), "rampart-package-"));
let app = "";
let installed = "";

beforeAll(() => {
  const packed = installPacked(work, { lab: true });
  app = packed.folder;
  installed = packed.installed;
}, 300_000);

afterAll(() => rmSync(work, { recursive: true, force: true }));

/** Exit code and messages of a command that fails. */
function failed(words: readonly string[]): readonly [number | null, string] {
  const { status, stderr } = spawnSync(process.execPath, words, { cwd: app, encoding: "utf8" });
  return [status, stderr];
}

/** The first TypeScript block of README.md. */
function example(): string {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  return /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
}

/** Runs a command in a network of its own, where only the loopback is up. */
const cutOff = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"] as const;

const canCutNetwork = spawnSync(cutOff[0], [...cutOff.slice(1), "true"]).status === 0;
if (!canCutNetwork)
  console.warn(
    "skipped: the lab without a network; `unshare --net` needs root, and `ip` to be there",
  );
if (!hasChromium) console.warn(`skipped: no Chromium at ${chromium}; set CHROMIUM to its path`);

describe("the packed package", () => {
  it("holds the program, the library with its types, and neither sources nor tests", () => {
    for (const path of ["bin/rampart.js", "dist/cli/main.js", "dist/node.js", "dist/node.d.ts"])
      expect(existsSync(join(installed, path)), path).toBe(true);
    for (const path of ["src", "test", "scripts", "dist/math/random.test.js"])
      expect(existsSync(join(installed, path)), path).toBe(false);
  });

  // test/docs-blocks-*.long.test.ts and .ci/run run it.
  it("has the types of README's library example, ten lines of TypeScript", () => {
    const lines = example()
      .split("\n")
      .filter((line) => line.trim() !== "");
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.length).toBeLessThanOrEqual(10);
    writeFileSync(join(app, "example.ts"), example());
    const types = join(root, "node_modules", "@types");
    const words = "--noEmit --strict --skipLibCheck --target es2022 --module nodenext";
    node([tsc, ...words.split(" "), "--types", "node", "--typeRoots", types, "example.ts"], app);
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

  it.skipIf(!hasChromium || !canCutNetwork)(
    "attacks an image in the lab on a machine without a network",
    () => {
      expect(existsSync(join(app, "node_modules", "onnxruntime-web"))).toBe(true);
      const tsx = join(root, "node_modules", "tsx", "dist", "cli.mjs");
      const script = join(root, "test", "fixtures", "lab-offline.ts");
      const words = [process.execPath, tsx, script, join(installed, "bin/rampart.js"), chromium];
      const out = execFileSync(cutOff[0], [...cutOff.slice(1), ...words], {
        cwd: app,
        encoding: "utf8",
        stdio: ["ignore", "pipe", "pipe"],
        timeout: 280_000,
      });
      const { reached, verdict, requests } = JSON.parse(out);
      expect(reached).toBe(false);
      expect(verdict).toMatch(/^“red disc” has become “.*” after \d+ quer/);
      expect(requests.filter((url: string) => !url.startsWith("http://127.0.0.1:"))).toEqual([]);
    },
    300_000,
  );

  it("serves the lab: its page is packed, and its .wasm comes from onnxruntime-web", async () => {
    expect(existsSync(join(installed, "dist/lab/index.html"))).toBe(true);
    expect(existsSync(join(installed, "dist/lab/ort"))).toBe(false);
    const words = [join(installed, "bin/rampart.js"), "lab", "--port", "0", "--no-open", "--json"];
    // As npx does: in a shell, which is what gets its SIGTERM.
    const child = spawn(`"${process.execPath}" "${words.join('" "')}"; true`, {
      cwd: app,
      shell: true,
      env: Object.assign({}, process.env, { npm_command: "exec" }),
      stdio: ["ignore", "pipe", "inherit"],
    });
    let stopped = "";
    try {
      const [line] = await once(child.stdout, "data");
      const { url } = JSON.parse(String(line));
      const page = await (await fetch(url)).text();
      const script = /src="\.\/(assets\/[^"]+\.js)"/.exec(page)?.[1] ?? "none";
      expect((await fetch(new URL(script, url))).status).toBe(200);
      const wasm = await fetch(new URL(wasmPath("ort-wasm-simd-threaded.wasm"), url), {
        method: "HEAD",
      });
      expect(Number(wasm.headers.get("content-length"))).toBeGreaterThan(10e6);
      const networks = await (await fetch(new URL("networks/networks.json", url))).json();
      expect(networks).toHaveLength(5);
      stopped = url;
    } finally {
      child.kill("SIGTERM");
      // The server holds the pipe until it ends too.
      await once(child, "close");
    }
    await expect(fetch(stopped)).rejects.toThrow();
    rmSync(join(app, "node_modules", "onnxruntime-web"));
    const [code, error] = failed(words);
    expect(code).toBe(2);
    expect(error).toMatch(/npm install --ignore-scripts onnxruntime-web@\d/);
  });
});
