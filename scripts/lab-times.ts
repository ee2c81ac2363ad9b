// Measures the lab for docs/lab.md: npx tsx scripts/lab-times.ts
// Time to the first interaction on a warm cache, PGD with 20 steps beside bare onnxruntime-web on the same graph, and sizes.
// It takes a few minutes, needs a quiet machine, and prints Markdown.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Page } from "playwright-core";
import { scriptOf } from "../test/fixtures/lab-site.ts";
import { type GradientGraph, gradientGraph } from "./lab-gradient.ts";
import { type LabSite, withLabSite } from "./lab-site.ts";
import { resnet18 } from "./resnet18.ts";

const STEPS = 20;

/** A network whose attack is timed. */
interface Timed {
  readonly name: string;
  /** Path of its file on the site. */
  readonly path: string;
  readonly graph: GradientGraph;
  readonly rounds: number;
}

/** The median and the best of some times, in milliseconds. */
interface Times {
  readonly lab: readonly number[];
  readonly bare: readonly number[];
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

const seconds = (milliseconds: number): string =>
  milliseconds < 1000 ? `${milliseconds.toFixed(0)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;

/** Milliseconds from the navigation until the first query of the first attack is on the screen. */
async function firstInteraction({ url, browser }: LabSite): Promise<number[]> {
  const context = await browser.newContext();
  const times: number[] = [];
  for (let visit = 0; visit < 4; visit++) {
    const page = await context.newPage();
    await page.goto(url);
    await page
      .getByText(/after \d+ quer/)
      .first()
      .waitFor();
    const shown = await page.evaluate("performance.now()");
    if (visit > 0) times.push(Number(shown));
    await page.close();
  }
  await context.close();
  return times;
}

/** Times an attack of the lab and the same number of runs of bare onnxruntime-web, in turn. */
async function attackTimes(
  page: Page,
  { path, graph, rounds }: Timed,
  { script, threads }: { readonly script: string; readonly threads: number },
): Promise<Times> {
  const words = [script, path, graph.path, graph.feeds, { threads, steps: STEPS, rounds }];
  const call = `timed(${words.map((one) => JSON.stringify(one)).join(", ")})`;
  return (await page.evaluate(call)) as Times;
}

/** Kilobytes, plain and with gzip, of the files of the site whose path matches. */
function sizes(files: ReadonlyMap<string, string>, wanted: RegExp): string {
  const found = [
    ...new Set([...files].filter(([path]) => wanted.test(path)).map(([, file]) => file)),
  ];
  const kilobytes = (bytes: readonly number[]) =>
    Math.round(bytes.reduce((a, b) => a + b, 0) / 1000)
      .toLocaleString("en")
      .replaceAll(",", " ");
  const contents = found.map((file) => readFileSync(file));
  return `${kilobytes(contents.map(({ length }) => length))} | ${kilobytes(contents.map((one) => gzipSync(one).length))}`;
}

const parts: readonly (readonly [string, RegExp])[] = [
  ["page", /index\.html$|assets\/index-|assets\/rolldown|icon\.svg/],
  ["worker, with the library", /assets\/web-main-/],
  ["onnxruntime-web, JavaScript", /assets\/ort\.wasm/],
  ["onnxruntime-web, `.wasm`", /ort-wasm-simd-threaded\.wasm$/],
  ["one network", /networks\/shapes-standard\.onnx$/],
  ["report writer, loaded at the end of an audit", /assets\/write-results-/],
  ["WebGPU, JavaScript, on demand", /assets\/ort\.webgpu/],
  ["WebGPU, `.wasm`, on demand", /ort-wasm-simd-threaded\.asyncify\.wasm$/],
];

/** onnxruntime-web as a file of the site. */
function bareOrt(folder: string): string {
  const dist = dirname(createRequire(import.meta.url).resolve("onnxruntime-web"));
  const path = join(folder, "ort.js");
  writeFileSync(path, readFileSync(join(dist, "ort.wasm.bundle.min.mjs")));
  return path;
}

/** Writes what the site gets for the measurement, and returns it by path. */
async function prepared(folder: string) {
  const root = join(import.meta.dirname, "..");
  const shipped = readFileSync(join(root, "src/lab/public/networks/shapes-standard.onnx"));
  const large = resnet18();
  const file = (name: string, bytes: Uint8Array) => {
    writeFileSync(join(folder, name), bytes);
    return join(folder, name);
  };
  const more = new Map([
    ["/times/ort.js", bareOrt(folder)],
    ["/times/resnet18.onnx", file("resnet18.onnx", large)],
  ]);
  const networks: Timed[] = [];
  for (const [name, path, bytes, rounds] of [
    ["shipped network, 3 × 32 × 32", "networks/shapes-standard.onnx", shipped, 9],
    ["ResNet-18, 3 × 224 × 224", "times/resnet18.onnx", large, 3],
  ] as const) {
    const graphPath = `times/gradient-${networks.length}.onnx`;
    const graph = await gradientGraph(bytes, graphPath);
    more.set(`/${graphPath}`, file(`gradient-${networks.length}.onnx`, graph.bytes));
    networks.push({ name, path, graph, rounds });
  }
  return { more, networks };
}

/** The script of the worker on the site. */
function workerOf(files: ReadonlyMap<string, string>): string {
  const found = [...files.keys()].find((path) => /assets\/web-main-.*\.js$/.test(path));
  if (found === undefined) throw new Error("the site has no script of the worker");
  return found.slice(1);
}

const folder = mkdtempSync(join(tmpdir(), "rampart-lab-times-"));
const { more, networks } = await prepared(folder);
await withLabSite(async (site) => {
  const visits = await firstInteraction(site);
  console.log(`Time to the first interaction, warm cache: ${seconds(median(visits))}\n`);
  console.log("| PGD, 20 steps | threads | lab | bare onnxruntime-web | ratio |");
  console.log("| --- | --- | --- | --- | --- |");
  const driver = await scriptOf("test/fixtures/lab-page/timed.ts");
  for (const one of networks)
    for (const threads of [1, 2]) {
      const page = await site.browser.newPage();
      page.setDefaultTimeout(600_000);
      await page.goto(`${site.url}icon.svg`);
      await page.goto(`${site.url}?view=theorem&threads=1`);
      await page.evaluate(driver);
      const script = workerOf(site.files);
      const { lab, bare } = await attackTimes(page, one, { script, threads });
      const ratio = median(lab) / median(bare);
      console.log(
        `| ${one.name} | ${threads} | ${seconds(median(lab))} | ${seconds(median(bare))} | ${ratio.toFixed(2)} |`,
      );
      await page.close();
    }
  console.log("\n| file | kB | gzip |\n| --- | --- | --- |");
  for (const [name, wanted] of parts) console.log(`| ${name} | ${sizes(site.files, wanted)} |`);
}, more);
rmSync(folder, { recursive: true });
