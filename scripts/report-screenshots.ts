// Screenshots of an audit's report for the docs: npx tsx scripts/report-screenshots.ts [REPORT.html]
// Without an argument it audits a shipped network on shapes with --prove, which takes a few minutes.

import { execFileSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, chromium } from "playwright-core";

const root = join(import.meta.dirname, "..");
const images = join(root, "docs/img");

/** The audit that the screenshots show. */
const flags =
  "--data shapes --norms linf --epsilon-linf 0.001,0.002,0.003,0.004 --examples 40 --budget quick --prove --prove-seconds 1 --require 0.4";

/** Audits the network and returns the path of the report. */
function audited(): string {
  const out = join(mkdtempSync(join(tmpdir(), "rampart-screenshots-")), "audit");
  const words = ["audit", "src/lab/public/networks/shapes-standard.onnx", ...flags.split(" ")];
  const program = join(root, "bin/rampart.js");
  execFileSync(process.execPath, [program, ...words, "--out", out], {
    cwd: root,
    stdio: "inherit",
  });
  return join(out, "report.html");
}

/** A screenshot: how the report is shown, and how much of it. */
interface Shot {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly media?: "print";
  readonly scheme?: "dark";
  /** The heading at the top; by default the start of the page. */
  readonly from?: string;
}

const shots: readonly Shot[] = [
  { name: "report", width: 1180, height: 900 },
  { name: "report-dark", width: 1180, height: 900, scheme: "dark", from: "curves" },
  { name: "report-phone", width: 390, height: 844 },
  // The width of A4 without its margins, at 96 dots per inch.
  { name: "report-print", width: 688, height: 1016, media: "print" },
];

async function shoot(browser: Browser, report: string, shot: Shot): Promise<void> {
  const { name, width, height, media = "screen", scheme = "light", from } = shot;
  const page = await browser.newPage({ viewport: { width, height } });
  await page.emulateMedia({ media, colorScheme: scheme });
  await page.goto(pathToFileURL(report).href);
  const section = page.locator(`section[aria-labelledby="${from}"]`);
  if (from !== undefined) await section.evaluate((element) => element.scrollIntoView());
  await page.screenshot({ path: join(images, `${name}.png`) });
  await page.close();
  console.log(`wrote docs/img/${name}.png`);
}

async function main(): Promise<void> {
  const [given] = process.argv.slice(2);
  const report = given === undefined ? audited() : resolve(given);
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox"],
  });
  for (const shot of shots) await shoot(browser, report, shot);
  await browser.close();
}

void main();
