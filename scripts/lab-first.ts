// How soon the lab can be used on a warm cache, beside the least that onnxruntime-web needs on an empty page.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, chromium } from "playwright-core";
import { wasmPath } from "../src/cli/lab-files.ts";
import { wasmNames } from "../src/engine/runtime/web-start.ts";
import { executablePath, type LabSite } from "./lab-site.ts";
import { processorTime } from "./processor-time.ts";

/** Milliseconds from the navigation until a frame shows something, and of the processor until the last of them. */
interface Visit {
  /** The answer to a click on a control, which comes as soon as there is one. */
  readonly click: number;
  /** The first query of the attack; on the empty page, the first answer of the network. */
  readonly attack: number;
  readonly processor: number;
}

/** Visits in one browser; the one before them fills its cache. */
const VISITS = 10;

/** Clicks as soon as there is a control, and notes the frames. To look from outside would slow the page down. */
const watch = `
  globalThis.seen = {};
  const noteFrame = (name) => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => { globalThis.seen[name] = performance.now(); };
    port2.postMessage(null);
  });
  let isClicked = false;
  new MutationObserver((_, observer) => {
    const control = document.querySelector("button[aria-label$=theme]");
    if (control !== null && !isClicked) {
      isClicked = true;
      const before = document.documentElement.dataset.theme;
      control.click();
      if (document.documentElement.dataset.theme !== before) noteFrame("click");
    }
    if (!/after \\d+ quer/.test(document.body?.textContent ?? "")) return;
    noteFrame("attack");
    observer.disconnect();
  }).observe(document, { subtree: true, childList: true, characterData: true });
`;

/** Opens the network and asks it once, with one thread. The site has onnxruntime-web at `times/ort.js`. */
const emptyPage = `
  const { default: ort } = await import("./ort.js");
  Object.assign(ort.env.wasm, { numThreads: 1, wasmPaths: { wasm: "${wasmPath(wasmNames.wasm)}" } });
  const session = await ort.InferenceSession.create("../networks/shapes-standard.onnx", { executionProviders: ["wasm"] });
  const image = new ort.Tensor("float32", new Float32Array(3 * 32 * 32), [1, 3, 32, 32]);
  await session.run({ [session.inputNames[0]]: image });
  document.body.append("after 1 query");
`;

/** Writes the files of the empty page, and returns them by path. */
export function emptyPageFiles(folder: string): readonly (readonly [string, string])[] {
  const files = {
    "empty.html": `<!doctype html><title>Empty</title><body><script type="module" src="empty.js"></script>`,
    "empty.js": emptyPage,
  };
  return Object.entries(files).map(([name, text]) => {
    writeFileSync(join(folder, name), text);
    return [`/times/${name}`, join(folder, name)];
  });
}

async function visit(context: BrowserContext, address: string): Promise<Visit> {
  const page = await context.newPage();
  const before = processorTime();
  await page.goto(address, { waitUntil: "commit", timeout: 180_000 });
  for (;;) {
    const { click = Number.NaN, attack = 0 } = (await page.evaluate("seen")) as Partial<Visit>;
    if (attack > 0) {
      const processor = processorTime() - before;
      await page.close();
      return { click, attack, processor };
    }
    await page.waitForTimeout(100);
  }
}

/** Visits in a browser with a profile on the disk: one without keeps no large files. */
async function visits(address: string): Promise<readonly Visit[]> {
  const profile = mkdtempSync(join(tmpdir(), "rampart-lab-profile-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    args: ["--no-sandbox"],
  });
  await context.addInitScript(watch);
  await visit(context, address);
  const found: Visit[] = [];
  for (let i = 0; i < VISITS; i++) found.push(await visit(context, address));
  await context.close();
  rmSync(profile, { recursive: true, maxRetries: 5, retryDelay: 200 });
  return found;
}

/** The median and the range, in milliseconds. */
function spread(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  const median = (sorted[Math.ceil(half) - 1] + sorted[Math.floor(half)]) / 2;
  return `${[median, sorted[0], sorted[sorted.length - 1]].map((one) => one.toFixed(0)).join(" | ")}`;
}

/** Prints a table of times on a warm cache. */
export async function printFirst({ url }: LabSite): Promise<void> {
  const lab = await visits(url);
  const empty = await visits(`${url}times/empty.html`);
  const rows = {
    "a click is answered": lab.map(({ click }) => click),
    "the first attack is on the screen": lab.map(({ attack }) => attack),
    "processor time until then": lab.map(({ processor }) => processor),
    "empty page: the network has answered once": empty.map(({ attack }) => attack),
    "empty page: processor time until then": empty.map(({ processor }) => processor),
  };
  console.log(`${VISITS} visits on a warm cache, milliseconds; load ${loadavg()[0].toFixed(1)}\n`);
  console.log("| until | median | least | most |\n| --- | --- | --- | --- |");
  for (const [name, values] of Object.entries(rows)) console.log(`| ${name} | ${spread(values)} |`);
  console.log("");
}
