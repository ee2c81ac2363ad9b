// The packed package in a page: bundled by Vite, bundled by esbuild and as plain ES modules, as docs/page.md says.
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createServer } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  chromium,
  closeBrowser,
  fileBelow,
  hasChromium,
  resultOfSite,
  type Served,
} from "./fixtures/browser.ts";
import { root } from "./fixtures/docs.ts";
import { isSlow } from "./fixtures/slow.ts";
import {
  filesOf,
  foundInNode,
  install,
  type Kind,
  kinds,
  siteOf,
  viteSources,
  work,
} from "./fixtures/web-sites.ts";

if (!hasChromium) console.warn(`skipped: no Chromium at ${chromium}; set CHROMIUM to its path`);

const wasm = "ort-wasm-simd-threaded.wasm";

/** What scenario.js finds, in a page or in Node. */
interface Found {
  readonly target: {
    readonly device: string;
    readonly threads: number;
    readonly lowering: string;
    readonly engine: string;
  };
  readonly bytes: number;
  readonly pixels: readonly number[];
  readonly logits: readonly number[];
  readonly losses: readonly number[];
  readonly attacked: Readonly<
    Record<
      "linf" | "l2",
      { readonly losses: readonly number[]; readonly pixels: readonly number[] }
    >
  >;
}

/** An error as page.js posts it. */
interface Failure {
  readonly usage: boolean;
  readonly code: string;
  readonly message: string;
}

let inNode: Found;

beforeAll(() => {
  if (!hasChromium) return;
  install();
  inNode = foundInNode() as Found;
}, 300_000);

afterAll(async () => {
  await closeBrowser();
  rmSync(work, { recursive: true, force: true });
});

/** Largest distance of two arrays of the same length; NaN if there is one. */
function distance(a: readonly number[], b: readonly number[]): number {
  expect(a).toHaveLength(b.length);
  return a.reduce((most, value, i) => {
    return Math.max(most, Math.abs(value - b[i]));
  }, 0);
}

const query = (options: object): string => `/?${encodeURIComponent(JSON.stringify(options))}`;

const open = (kind: Kind, options: object = {}, site: { readonly isolated?: boolean } = {}) =>
  resultOfSite({
    serve: filesOf(siteOf(kind)),
    open: query(options),
    isolated: site.isolated,
    seconds: 120,
  });

const limit = { timeout: 300_000 };

describe.skipIf(!hasChromium).each(kinds)("%s:", (kind) => {
  // What does not depend on the bundler is tried with each of them under SLOW=1, else with the first.
  const common = it.skipIf(!isSlow && kind !== kinds[0]);

  it("a page attacks a network and finds the numbers of Node", limit, async () => {
    const found = (await open(kind)) as Found;
    expect(found).toMatchObject({ target: { device: "wasm", threads: 1, lowering: "plain" } });
    expect(found.bytes).toBe(inNode.bytes);
    expect(distance(found.pixels, inNode.pixels)).toBeLessThan(1e-7);
    expect(distance(found.logits, inNode.logits)).toBeLessThan(1e-5);
    expect(distance(found.losses, inNode.losses)).toBeLessThan(1e-5);
    for (const norm of ["linf", "l2"] as const) {
      const [page, node] = [found.attacked[norm], inNode.attacked[norm]];
      expect(distance(page.losses, node.losses), norm).toBeLessThan(1e-4);
      page.losses.forEach((loss, i) => {
        expect(loss).toBeGreaterThan(found.losses[i] + 0.01);
      });
    }
    // A step of ℓ2 follows the gradient continuously; a sign of ℓ∞ that rounding turns moves a single pixel.
    const { linf, l2 } = found.attacked;
    expect(distance(l2.pixels, inNode.attacked.l2.pixels)).toBeLessThan(1e-4);
    const moved = linf.pixels.filter(
      (pixel, i) => Math.abs(pixel - inNode.attacked.linf.pixels[i]) > 1e-5,
    );
    expect(moved.length).toBeLessThan(0.01 * linf.pixels.length);
  });

  common(
    "without cross-origin isolation the target says that there is one thread",
    limit,
    async () => {
      const { target } = (await open(kind, { threads: 2 })) as Found;
      expect(target.threads).toBe(1);
    },
  );

  common("with cross-origin isolation two threads find the same numbers", limit, async () => {
    const found = (await open(kind, { threads: 2 }, { isolated: true })) as Found;
    expect(found).toMatchObject({ target: { threads: 2 } });
    expect(distance(found.losses, inNode.losses)).toBeLessThan(1e-5);
  });

  common(
    "a .wasm file that was not copied is an error that says where it belongs",
    limit,
    async () => {
      const folder = siteOf(kind);
      const result = await resultOfSite({ serve: filesOf(folder, [".wasm"]), seconds: 120 });
      const { error } = result as { readonly error: Failure };
      expect(error).toMatchObject({ usage: true, code: "unavailable" });
      expect(error.message).toContain(`looks for ${wasm} at http://127.0.0.1:`);
      expect(error.message).toMatch(/\/[^ ]*ort-wasm-simd-threaded[^ ]*\.wasm, but/);
      expect(error.message).toContain("the server answers 404");
      expect(error.message).toContain(`copy node_modules/onnxruntime-web/dist/${wasm} there`);
      expect(error.message).toContain("wasmPaths");
    },
  );

  common("the start page in place of the .wasm file is the same error", limit, async () => {
    const files = filesOf(siteOf(kind));
    const serve = (path: string) => files(path.endsWith(".wasm") ? "/" : path);
    const { error } = (await resultOfSite({ serve, seconds: 120 })) as { readonly error: Failure };
    expect(error).toMatchObject({ usage: true, code: "unavailable" });
    expect(error.message).toContain("the server sends text/html, which is not WebAssembly");
    expect(error.message).toContain(`copy node_modules/onnxruntime-web/dist/${wasm} there`);
  });
});

describe.skipIf(!hasChromium)("wasmPaths", () => {
  /** The .wasm file at /ort/ and nowhere else. */
  const elsewhere = async (path: string): Promise<Served> => {
    if (!path.endsWith(".wasm")) return filesOf(siteOf("esbuild"))(path);
    if (!path.startsWith("/ort/")) throw new Error(`${path} is left out`);
    return fileBelow(join(root, "node_modules", "onnxruntime-web", "dist"), path.slice(4));
  };
  const openWith = (options: object) =>
    resultOfSite({
      serve: elsewhere,
      open: query(options),
      seconds: 120,
    });

  it.each([
    ["a folder", "/ort/"],
    ["a folder without its slash", "ort"],
    ["a file", { wasm: `/ort/${wasm}` }],
  ])("names %s that holds the .wasm file", limit, async (_, wasmPaths) => {
    const found = (await openWith({ wasmPaths })) as Found;
    expect(found.losses, JSON.stringify(found)).toBeDefined();
    expect(distance(found.losses, inNode.losses)).toBeLessThan(1e-5);
  });

  it("that lead nowhere are named, and so is the later call that cannot help", limit, async () => {
    const result = await openWith({ wasmPaths: "/other", again: { wasmPaths: "/ort/" } });
    const { error, second } = result as { readonly error: Failure; readonly second: Failure };
    expect(error).toMatchObject({ usage: true, code: "unavailable" });
    expect(error.message).toMatch(
      /at http:\/\/127\.0\.0\.1:\d+\/other\/ort-wasm-simd-threaded\.wasm/,
    );
    expect(second).toMatchObject({ usage: true, code: "unavailable" });
    expect(second.message).toContain("load the page again");
  });
});

it.skipIf(!hasChromium)("an import map without onnxruntime-web is an error", limit, async () => {
  const files = filesOf(siteOf("plain modules"));
  const serve = async (path: string): Promise<Served> => {
    const { type, body } = await files(path);
    return path === "/"
      ? { type, body: String(body).replace("onnxruntime-web/wasm", "x") }
      : { type, body };
  };
  const { error } = (await resultOfSite({ serve, seconds: 120 })) as { readonly error: Failure };
  expect(error).toMatchObject({ usage: true, code: "unavailable" });
  expect(error.message).toContain("onnxruntime-web/wasm cannot be loaded");
  expect(error.message).toContain("import map");
});

it.skipIf(!hasChromium)(
  "a missing .mjs file of the build without it is an error",
  limit,
  async () => {
    const files = filesOf(siteOf("plain modules"), ["threaded.mjs"]);
    const serve = async (path: string): Promise<Served> => {
      const { type, body } = await files(path);
      return path === "/"
        ? { type, body: String(body).replace("wasm.bundle", "wasm") }
        : { type, body };
    };
    const { error } = (await resultOfSite({ serve, seconds: 120 })) as { readonly error: Failure };
    expect(error).toMatchObject({ usage: true, code: "unavailable" });
    expect(error.message).toMatch(
      /looks for ort-wasm-simd-threaded\.mjs at http:[^ ]*threaded\.mjs, but the server answers 404/,
    );
    expect(error.message).toContain(
      "copy node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.mjs",
    );
  },
);

it.skipIf(!hasChromium)(
  "WebGPU without its own .wasm file is an error that names it",
  limit,
  async () => {
    const { error } = (await resultOfSite({
      serve: filesOf(siteOf("plain modules"), [".wasm"]),
      open: query({ device: "webgpu" }),
      seconds: 120,
    })) as { readonly error: Failure };
    expect(error).toMatchObject({ usage: true, code: "unavailable" });
    expect(error.message).toContain("looks for ort-wasm-simd-threaded.asyncify.wasm at http:");
  },
);

it.skipIf(!hasChromium || !isSlow)(
  "Vite's development server: a page finds the numbers of Node",
  limit,
  async () => {
    const server = await createServer({
      root: viteSources(),
      logLevel: "error",
      server: { port: 0, hmr: false, ws: false },
    });
    try {
      await server.listen();
      const [at] = server.resolvedUrls?.local ?? [];
      const serve = async (path: string, search: string): Promise<Served> => {
        const headers = { accept: path === "/" ? "text/html" : "*/*" };
        const response = await fetch(new URL(path + search, at), { headers });
        if (!response.ok) throw new Error(`${path}: ${response.status}`);
        return {
          type: response.headers.get("content-type") ?? "text/javascript",
          body: Buffer.from(await response.arrayBuffer()),
        };
      };
      const site = { serve, isolated: true, open: query({ threads: 2 }), seconds: 200 };
      const found = (await resultOfSite(site)) as Found;
      expect(found, JSON.stringify(found)).toMatchObject({ target: { threads: 2 } });
      expect(distance(found.losses, inNode.losses)).toBeLessThan(1e-5);
    } finally {
      await server.close();
    }
  },
);

it("the .wasm files that errors name are in onnxruntime-web", () => {
  const dist = join(root, "node_modules", "onnxruntime-web", "dist");
  for (const name of [wasm, "ort-wasm-simd-threaded.asyncify.wasm"])
    expect(existsSync(join(dist, name)), name).toBe(true);
});
