// The built page of the lab in Debian's Chromium, driven as a person would: it attacks, takes files, audits, and survives bad ones.
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import axe from "axe-core";
import { encode } from "fast-png";
import { type Browser, type Page, chromium as playwright } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { siteFiles, wasmFolder } from "../src/cli/lab-files.ts";
import { type LabServer, serveLab } from "../src/cli/lab-server.ts";
import { chromium, hasChromium } from "./fixtures/browser.ts";
import { root } from "./fixtures/docs.ts";
import { quarterPng, quarters } from "./fixtures/lab-files.ts";

if (!hasChromium) console.warn(`skipped: no Chromium at ${chromium}; set CHROMIUM to its path`);

const work = mkdtempSync(join(tmpdir(), "rampart-lab-page-"));
let server: LabServer;
let browser: Browser;
let page: Page;
/** Errors of the console and of the page, and requests to other hosts. */
const faults: string[] = [];

const model = join(work, "quarters.onnx");
const folder = join(work, "images");

function writeFiles(): void {
  writeFileSync(model, quarters());
  for (const label of [0, 1, 2, 3]) {
    mkdirSync(join(folder, String(label)), { recursive: true });
    writeFileSync(join(folder, String(label), `${label}.png`), quarterPng(label));
  }
  writeFileSync(join(work, "text.onnx"), "This is a text.\n");
  writeFileSync(join(work, "broken.onnx"), quarters().subarray(0, 300));
  writeFileSync(join(work, "large.onnx"), "");
  truncateSync(join(work, "large.onnx"), 2 ** 31);
  const side = [10_000, 5000] as const;
  const data = new Uint8Array(side[0] * side[1]);
  writeFileSync(
    join(work, "huge.png"),
    encode({ width: side[0], height: side[1], data, channels: 1 }),
  );
}

beforeAll(async () => {
  if (!hasChromium) return;
  writeFiles();
  const site = join(work, "site");
  await build({ configFile: join(root, "lab.config.ts"), build: { outDir: site } });
  server = await serveLab(siteFiles(site, wasmFolder()), 0);
  browser = await playwright.launch({ executablePath: chromium, args: ["--no-sandbox"] });
  page = await browser.newPage();
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(message.text());
  });
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("request", (request) => {
    const { protocol, origin } = new URL(request.url());
    if (/^http/.test(protocol) && `${origin}/` !== server.url) faults.push(request.url());
  });
  page.setDefaultTimeout(90_000);
}, 300_000);

afterAll(async () => {
  await browser?.close();
  await server?.close();
  rmSync(work, { recursive: true, force: true });
});

/** What axe-core finds. */
interface Violation {
  readonly id: string;
  readonly impact: string | null;
  readonly nodes: readonly { readonly html: string }[];
}

const limit = { timeout: 180_000 };

const openModel = (file: string) => page.getByLabel("Open a model …").setInputFiles(file);

/** The text of the message, which is then closed. */
async function message(): Promise<string> {
  const alert = page.getByRole("alert");
  const text = await alert.textContent();
  await page.getByLabel("Close the message").click();
  return text ?? "";
}

describe.skipIf(!hasChromium)("the lab", () => {
  it("attacks an image as soon as it is open, and the prediction flips", limit, async () => {
    await page.goto(`${server.url}?threads=1`);
    await page.locator(".verdict[data-broken=true]").waitFor();
    expect(await page.locator(".verdict").textContent()).toMatch(
      /^“red disc” has become “.*” after \d+/,
    );
    expect(await page.locator(".runtime").textContent()).toMatch(/WebAssembly, \d+ threads?$/);
    expect(await page.locator(".picture").count()).toBe(3);
  });

  it("steps an attack that is reset, one query at a time", limit, async () => {
    await page
      .getByRole("button", { name: "Pause" })
      .click()
      .catch(() => undefined);
    await page.getByRole("button", { name: "Reset" }).click();
    await page.getByRole("button", { name: "Step" }).click();
    await page.getByText("after 1 query").waitFor();
  });

  it("attacks in three norms of equal volume, and the address says so", limit, async () => {
    await page.getByRole("link", { name: "Three norms" }).click();
    await page.locator(".ball").nth(2).waitFor();
    expect(await page.locator(".ball h2").allInnerTexts()).toEqual([
      "ℓ∞ ε = 0.031",
      "ℓ2 ε = 0.833",
      "ℓ1 ε = 35.1",
    ]);
    await expect.poll(() => page.locator(".ball p.wrong").count(), { timeout: 60_000 }).toBe(3);
    expect(page.url()).toContain("view=norms");
  });

  it.each([
    ["a file of 2 GB", "large.onnx", /2\.0 GiB, and a page has memory/],
    ["a text named .onnx", "text.onnx", /text\.onnx/],
    ["a broken model", "broken.onnx", /truncated or corrupt/],
  ])("says what is wrong with %s, and goes on", limit, async (_, file, expected) => {
    await openModel(join(work, file));
    expect(await message()).toMatch(expected);
    await page.locator(".ball").first().waitFor();
  });

  it("says what is wrong with an image of 50 megapixels, and goes on", limit, async () => {
    await page.getByLabel("Open images …").setInputFiles(join(work, "huge.png"));
    expect(await message()).toMatch(/huge\.png has 50 megapixels/);
    await page.locator(".ball").first().waitFor();
  });

  it("attacks a model and an image of the user", limit, async () => {
    await page.getByRole("link", { name: "Attack" }).click();
    await openModel(model);
    await page.getByText("How pixels reach the network").waitFor();
    await page.getByLabel("Folder …").setInputFiles(folder);
    await expect.poll(() => page.locator(".thumbnail").count(), { timeout: 60_000 }).toBe(4);
    await page.locator(".verdict[data-broken=true]").waitFor();
  });

  it(
    "audits the user's files, goes on after a reload, and hands out the report",
    limit,
    async () => {
      await page.getByRole("link", { name: "Audit" }).click();
      await page.getByRole("button", { name: "Start the audit" }).click();
      await page.getByRole("button", { name: "Pause" }).click();
      await page.getByRole("button", { name: "Resume" }).waitFor();
      await page.reload();
      await page.getByRole("button", { name: "Resume" }).click();
      await page.getByText("of 4 images withstand every attack").waitFor();
      const download = page.waitForEvent("download");
      await page.getByRole("button", { name: "Report" }).click();
      expect((await download).suggestedFilename()).toBe("report.html");
      const report = page.frameLocator("iframe.report");
      expect(await report.locator("h1").textContent()).toContain("quarters.onnx");
    },
  );

  it("shows the draws of a randomised network before and after an attack", limit, async () => {
    await page.getByRole("link", { name: "Randomised" }).click();
    await page.getByLabel("Network").selectOption("shapes-noise");
    await page.getByRole("img", { name: /of 32 draws are right on the clean image/ }).waitFor();
    expect(await page.locator(".dots.now circle").count()).toBe(32);
  });

  it("shows Theorem 1 in a dimension", limit, async () => {
    await page.getByRole("link", { name: "Theorem 1" }).click();
    await page.getByRole("button", { name: "MNIST, d = 784" }).click();
    await page.getByText("of the ℓ∞ ball in dimension 784").waitFor();
  });

  it("has nothing serious that axe-core finds, in any view", limit, async () => {
    await page.evaluate(axe.source);
    for (const name of ["Attack", "Three norms", "Randomised", "Theorem 1", "Audit"]) {
      await page.getByRole("link", { name }).click();
      const rules = await page.evaluate(
        "axe.run({ iframes: false }).then((found) => found.violations)",
      );
      const serious = (rules as Violation[])
        .filter(({ impact }) => impact === "serious" || impact === "critical")
        .map(
          ({ id, nodes }) =>
            `${name}: ${id} ${nodes.map(({ html }) => html.slice(0, 80)).join(" ")}`,
        );
      expect(serious).toEqual([]);
    }
  });

  it("has had no error in the console, and asked no other host", () => {
    expect(faults).toEqual([]);
  });
});
