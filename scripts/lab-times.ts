// Measures the lab for docs/lab.md: npx tsx scripts/lab-times.ts [first] [shipped] [resnet] [sizes] [steps=20] [rounds=2] [threads=1,2]
// Time until the page can be used on a warm cache, PGD with 20 steps beside the same attack on bare onnxruntime-web, and sizes.
// It takes a few minutes and prints Markdown. Processor times hold on a busy machine too.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Page } from "playwright-core";
import { wasmPath } from "../src/cli/lab-files.ts";
import { wasmNames } from "../src/engine/runtime/web-start.ts";
import type { TimedAsk } from "../test/fixtures/lab-page/timed-ask.ts";
import { scriptOf } from "../test/fixtures/page-script.ts";
import { emptyPageFiles, printFirst } from "./lab-first.ts";
import { type GradientGraph, gradientGraph } from "./lab-gradient.ts";
import { type LabSite, withLabSite } from "./lab-site.ts";
import { processorTime } from "./processor-time.ts";
import { resnet18 } from "./resnet18.ts";

const words = process.argv.slice(2);

/** The value of `name=value`. */
const setting = (name: string, value: string): string =>
  words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1) ?? value;

/** Steps of the attack; fewer where a machine is slow. */
const STEPS = Number(setting("steps", "20"));
/** Rounds of the large network; the small one gets five times as many. */
const ROUNDS = Number(setting("rounds", "2"));
const THREADS = setting("threads", "1,2").split(",").map(Number);

/** The parts to measure; all by default. */
const given = words.filter((word) => !word.includes("="));
const isWanted = (part: string): boolean => given.length === 0 || given.includes(part);

/** A network whose attack is timed. */
interface Timed {
  /** `shipped` or `resnet`. */
  readonly kind: string;
  readonly name: string;
  /** Path of its file on the site. */
  readonly path: string;
  readonly graph: GradientGraph;
  readonly rounds: number;
  /** Attacks per round: many where one takes milliseconds. */
  readonly attacks: number;
}

/** Milliseconds of a round: until it was done, and of the processor. */
interface Round {
  readonly elapsed: number;
  readonly processor: number;
}

/** What is timed in turn: the lab, the same attack written on bare onnxruntime-web, and its runs of the graph alone. */
const kinds = ["lab", "bare", "graph"] as const;
type Kind = (typeof kinds)[number];

type Times = Readonly<Record<Kind, readonly Round[]>>;

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  return (sorted[Math.ceil(half) - 1] + sorted[Math.floor(half)]) / 2;
}

const seconds = (milliseconds: number): string =>
  milliseconds < 1000 ? `${milliseconds.toFixed(0)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;

async function round(page: Page, kind: Kind): Promise<Round> {
  await page.evaluate(`rounds.${kind}.ready()`);
  const before = processorTime();
  const elapsed = Number(await page.evaluate(`rounds.${kind}.run()`));
  return { elapsed, processor: processorTime() - before };
}

/** Times all kinds in turn, forwards and backwards. */
async function attackTimes(
  page: Page,
  { path, graph, rounds, attacks }: Timed,
  { script, threads }: { readonly script: string; readonly threads: number },
): Promise<Times> {
  const ask: TimedAsk = {
    script,
    wasm: wasmPath(wasmNames.wasm),
    network: path,
    graph: graph.path,
    feeds: graph.feeds,
    threads,
    steps: STEPS,
    attacks,
  };
  await page.evaluate(`prepare(${JSON.stringify(ask)})`);
  const times: Record<Kind, Round[]> = { lab: [], bare: [], graph: [] };
  for (let i = 0; i < rounds; i++)
    for (const kind of i % 2 === 0 ? kinds : kinds.toReversed())
      times[kind].push(await round(page, kind));
  return times;
}

/** The median of the ratios of rounds that ran one after the other: of the lab to another kind. */
const ratioOf = (times: Times, other: Kind, what: keyof Round): string =>
  median(times.lab.map((one, i) => one[what] / times[other][i][what])).toFixed(2);

const medianOf = (rounds: readonly Round[], what: keyof Round, attacks = 1): string =>
  seconds(median(rounds.map((one) => one[what])) / attacks);

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
  ["worker, with the library", /assets\/(?!index-|rolldown|ort\.|write-results).*\.js$/],
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
    ...emptyPageFiles(folder),
  ]);
  const networks: Timed[] = [];
  for (const [kind, name, path, bytes, rounds, attacks] of [
    [
      "shipped",
      "shipped network, 3 × 32 × 32",
      "networks/shapes-standard.onnx",
      shipped,
      5 * ROUNDS,
      20,
    ],
    ["resnet", "ResNet-18, 3 × 224 × 224", "times/resnet18.onnx", large, ROUNDS, 1],
  ] as const) {
    if (!isWanted(kind)) continue;
    const graphPath = `times/gradient-${networks.length}.onnx`;
    const graph = await gradientGraph(bytes, graphPath);
    more.set(`/${graphPath}`, file(`gradient-${networks.length}.onnx`, graph.bytes));
    networks.push({ kind, name, path, graph, rounds, attacks });
  }
  return { more, networks };
}

/** The script of the worker on the site. */
function workerOf(files: ReadonlyMap<string, string>): string {
  const found = [...files.keys()].find((path) => /assets\/web-main-.*\.js$/.test(path));
  if (found === undefined) throw new Error("the site has no script of the worker");
  return found.slice(1);
}

async function printAttacks(site: LabSite, networks: readonly Timed[]): Promise<void> {
  console.log(
    `| PGD, ${STEPS} steps | threads | lab | bare | ratio | of processor times | graph alone | ratio | of processor times |`,
  );
  console.log("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
  const driver = await scriptOf("test/fixtures/lab-page/timed.ts");
  const script = workerOf(site.files);
  for (const one of networks)
    for (const threads of THREADS) {
      const page = await site.browser.newPage();
      page.setDefaultTimeout(600_000);
      await page.goto(`${site.url}?view=theorem&threads=1`);
      await page.evaluate(driver);
      const times = await attackTimes(page, one, { script, threads });
      const cells = [
        one.name,
        threads,
        medianOf(times.lab, "elapsed", one.attacks),
        medianOf(times.bare, "elapsed", one.attacks),
        ratioOf(times, "bare", "elapsed"),
        ratioOf(times, "bare", "processor"),
        medianOf(times.graph, "elapsed", one.attacks),
        ratioOf(times, "graph", "elapsed"),
        ratioOf(times, "graph", "processor"),
      ];
      console.log(`| ${cells.join(" | ")} |`);
      await page.close();
    }
}

const folder = mkdtempSync(join(tmpdir(), "rampart-lab-times-"));
const { more, networks } = await prepared(folder);
await withLabSite(async (site) => {
  if (isWanted("first")) await printFirst(site);
  const timed = networks.filter(({ kind }) => isWanted(kind));
  if (timed.length > 0) await printAttacks(site, timed);
  if (!isWanted("sizes")) return;
  console.log("\n| file | kB | gzip |\n| --- | --- | --- |");
  for (const [name, wanted] of parts) console.log(`| ${name} | ${sizes(site.files, wanted)} |`);
}, more);
rmSync(folder, { recursive: true });
