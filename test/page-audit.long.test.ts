// A page in Debian's Chromium audits a stranger's .onnx file, with proofs too, shows the report and trains a network; Node
// finds the same numbers.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { encode } from "fast-png";
import { afterAll, describe, expect, it } from "vitest";
import { tensor } from "../src/math/tensor.ts";
import { imageTensor, nodeRuntime } from "../src/node.ts";
import {
  chromium,
  closeBrowser,
  fileBelow,
  hasChromium,
  resultOfSite,
  type Served,
} from "./fixtures/browser.ts";
import { root } from "./fixtures/docs.ts";
import { nodeOf, onnxFile } from "./fixtures/model-fixture.ts";
import { scenario } from "./fixtures/web-audit/scenario.ts";

if (!hasChromium) console.warn(`skipped: no Chromium at ${chromium}; set CHROMIUM to its path`);

const folder = mkdtempSync(join(tmpdir(), "rampart-page-audit-"));
afterAll(async () => {
  await closeBrowser();
  rmSync(folder, { recursive: true });
});

const side = 8;
const area = side * side;
const quarter = (i: number) => 2 * Number(i >= area / 2) + Number(i % side >= side / 2);

/** A convolution that blurs, ReLU, sums of the quarters with some of their neighbours', and a softmax. */
function stranger(): Uint8Array {
  const kernel = tensor(
    [2, 1, 3, 3],
    [0, 1, 0, 1, 4, 1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0].map((w) => w / 8),
  );
  const weights = tensor([2 * area, 4]);
  for (let i = 0; i < 2 * area; i++)
    for (let c = 0; c < 4; c++)
      weights.data[4 * i + c] = (quarter(i % area) === c ? 0.5 : 0.02) + 0.03 * Math.sin(7 * i + c);
  const nodes = [
    nodeOf("Conv", ["x", "k"], ["conv"], {
      pads: { ints: [1, 1, 1, 1] },
      kernel_shape: { ints: [3, 3] },
    }),
    nodeOf("Relu", ["conv"], ["relu"]),
    nodeOf("Flatten", ["relu"], ["flat"]),
    nodeOf("Gemm", ["flat", "w", "b"], ["z"]),
    nodeOf("Softmax", ["z"], ["probabilities"]),
  ];
  return onnxFile(nodes, {
    inputs: { x: ["n", 1, side, side] },
    outputs: { probabilities: ["n", 4] },
    arrays: { k: kernel, w: weights, b: tensor([4], [0, 0.01, 0.02, 0.03]) },
  });
}

/** Sums of the quarters, a little mixed. */
function linear(): Uint8Array {
  const weights = tensor([area, 4]);
  for (let i = 0; i < area; i++)
    for (let c = 0; c < 4; c++)
      weights.data[4 * i + c] = (quarter(i) === c ? 0.5 : 0.02) + 0.03 * Math.sin(7 * i + c);
  const nodes = [
    nodeOf("Flatten", ["x"], ["flat"]),
    nodeOf("Gemm", ["flat", "w", "b"], ["scores"]),
  ];
  return onnxFile(nodes, {
    inputs: { x: ["n", 1, side, side] },
    outputs: { scores: ["n", 4] },
    arrays: { w: weights, b: tensor([4], [0, 0.01, 0.02, 0.03]) },
  });
}

const labels = Array.from({ length: 24 }, (_, i) => i % 4);

/** A PNG of 16×16 grey pixels whose quarter `label` is a little brighter. */
function png(label: number, i: number): Uint8Array {
  const data = Uint8Array.from({ length: 256 }, (_, at) => {
    const inside = 2 * Number(at >= 128) + Number(at % 16 >= 8) === label;
    return 90 + ((at * 31 + i * 57) % 40) + (inside ? 20 + 9 * (i % 7) : 0);
  });
  return encode({ width: 16, height: 16, data, channels: 1 });
}

const files = labels.map(png);

async function bundle(): Promise<string> {
  await build({
    entryPoints: [join(root, "test", "fixtures", "web-audit", "page.ts")],
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "browser",
    outdir: folder,
    logLevel: "error",
  });
  return folder;
}

function served(site: string, model: Uint8Array): (path: string) => Promise<Served> {
  return async (path) => {
    if (path === "/")
      return {
        type: "text/html",
        body: '<!doctype html><body><script type="module" src="/page.js"></script>',
      };
    if (path === "/stranger.onnx")
      return { type: "application/octet-stream", body: Buffer.from(model) };
    if (path === "/linear.onnx")
      return { type: "application/octet-stream", body: Buffer.from(linear()) };
    if (path === "/labels.json") return { type: "application/json", body: JSON.stringify(labels) };
    const image = /^\/(\d+)\.png$/.exec(path);
    if (image !== null) return { type: "image/png", body: Buffer.from(files[Number(image[1])]) };
    if (path.startsWith("/ort/"))
      return fileBelow(join(root, "node_modules", "onnxruntime-web", "dist"), path.slice(4));
    return fileBelow(site, path);
  };
}

type Found = Omit<Awaited<ReturnType<typeof scenario>>, "html"> & {
  readonly report: { readonly title: string; readonly tables: number; readonly images: number };
};

const distance = (a: readonly number[], b: readonly number[]): number => {
  expect(a).toHaveLength(b.length);
  return Math.max(...a.map((value, i) => Math.abs(value - b[i])));
};

describe.skipIf(!hasChromium)("a page", () => {
  it("audits a stranger's file, shows the report, trains a network and finds the numbers of Node", {
    timeout: 300_000,
  }, async () => {
    const model = stranger();
    const device = await nodeRuntime({ threads: 1, lowering: "plain" });
    const expected = await scenario({
      device,
      model,
      linear: linear(),
      files,
      labels,
      imageTensor,
    });
    const site = await bundle();
    const page = (await resultOfSite({ serve: served(site, model), seconds: 200 })) as Found;
    expect(page, JSON.stringify(page).slice(0, 2000)).not.toHaveProperty("error");

    expect(page.weights).toBe(expected.weights);
    expect(page.pixels).toEqual(expected.pixels);
    expect(distance(page.logits, expected.logits)).toBeLessThan(1e-4);
    expect(page.rows).toEqual(expected.rows);
    for (const name of ["clean", "union", "norms", "diagnostics", "pictures"] as const)
      expect(page[name], name).toEqual(expected[name]);
    expect(page.markdown.split("\n").slice(0, 12)).toEqual(
      expected.markdown.split("\n").slice(0, 12),
    );
    expect(page.report.title).toBe("Audit of stranger.onnx");
    expect(page.report.tables).toBe(expected.html.split("<table").length - 1);
    expect(page.report.images).toBeGreaterThan(3);
    expect(expected.trained.losses).toHaveLength(3);
    expect(distance(page.trained.losses, expected.trained.losses)).toBeLessThan(1e-4);
    expect(page.trained.predictions).toEqual(expected.trained.predictions);

    for (const name of ["proven", "provenLinear"] as const) {
      expect(page[name].balls, name).toEqual(expected[name].balls);
      expect(page[name].valid, name).toBe(true);
    }
    const [small, , large] = expected.provenLinear.balls;
    expect([small.proven, large.proven]).toEqual([8, 0]);
    // The proof of a linear network is one walk, at any radius.
    expect(expected.provenLinear.balls.map(({ undecided }) => undecided)).toEqual([0, 0, 0]);
    expect(page.provenLinear.seconds).toBeLessThan(60);

    // The numbers are of a network that attacks can break, but not always.
    expect(expected.clean).toBeGreaterThan(0.9);
    expect(expected.norms[0].accuracy).toBeGreaterThan(0);
    expect(expected.norms[0].accuracy).toBeLessThan(1);
  });
});
