// The report of an audit in Debian's Chromium: it loads nothing, fits a phone, opens images, prints on A4, and is accessible.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import axe from "axe-core";
import { type Browser, type Page, chromium as playwright } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { auditedPage } from "./fixtures/audited-page.ts";
import { chromium, hasChromium } from "./fixtures/browser.ts";

if (!hasChromium) console.warn(`skipped: no Chromium at ${chromium}; set CHROMIUM to its path`);

const folder = mkdtempSync(join(tmpdir(), "rampart-report-page-"));
const url = pathToFileURL(join(folder, "report.html")).href;
let browser: Browser;
let page: Page;
const requests: string[] = [];
const errors: string[] = [];

beforeAll(async () => {
  if (!hasChromium) return;
  writeFileSync(
    join(folder, "report.html"),
    auditedPage({ examples: 60, stored: 2, side: 16 }).text,
  );
  browser = await playwright.launch({ executablePath: chromium, args: ["--no-sandbox"] });
  page = await browser.newPage();
  page.on("request", (request) => requests.push(request.url()));
  page.on("console", (message) => errors.push(message.text()));
  await page.goto(url);
}, 120_000);

afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

it("the report of 600 images with large adversarial images is below 5 MB", () => {
  const { text } = auditedPage({ examples: 600, stored: 12, side: 96 });
  expect(text.length).toBeGreaterThan(3_000_000);
  expect(Buffer.byteLength(text)).toBeLessThan(5_000_000);
  expect(text).toContain("to keep this file small");
});

/** What axe-core finds. */
interface Violation {
  readonly id: string;
  readonly impact: string | null;
  readonly nodes: readonly { readonly html: string }[];
}

describe.skipIf(!hasChromium)("the report in a browser", () => {
  it("loads nothing but itself and its own images, and logs nothing", () => {
    expect(requests.filter((one) => !one.startsWith("data:"))).toEqual([url]);
    expect(errors).toEqual([]);
  });

  it("fits into 390 pixels: neither the page nor a table scrolls sideways", async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true");
    const wide = await page.evaluate(
      "[...document.querySelectorAll('.scroll, html')].filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.getAttribute('aria-label') ?? one.tagName)",
    );
    expect(wide).toEqual([]);
  });

  it("opens an image at full size, and closes it", async () => {
    await page.setViewportSize({ width: 1280, height: 900 });
    const image = page.locator("figure.view img").first();
    const small = await image.boundingBox();
    await image.click();
    const large = await image.boundingBox();
    expect(large?.width).toBeGreaterThan(4 * Number(small?.width));
    await page.getByRole("link", { name: "Close" }).first().click();
    expect((await image.boundingBox())?.width).toBe(small?.width);
  });

  it.each(["light", "dark"] as const)(
    "has nothing serious that axe-core finds when %s",
    {
      timeout: 120_000,
    },
    async (colorScheme) => {
      await page.emulateMedia({ colorScheme });
      // The policy of the page runs no script, and evaluation from outside is no script of the page.
      await page.evaluate(axe.source);
      const rules = await page.evaluate("axe.run().then((found) => found.violations)");
      const serious = (rules as Violation[])
        .filter(({ impact }) => impact === "serious" || impact === "critical")
        .map(
          ({ id, nodes }) =>
            `${id} ${nodes
              .map(({ html }) => html.slice(0, 90))
              .slice(0, 3)
              .join(" ")}`,
        );
      expect(serious).toEqual([]);
    },
  );

  it("prints on pages of A4, and nothing is cut off at the right", async () => {
    const pdf = (await page.pdf({ preferCSSPageSize: true })).toString("latin1");
    const boxes = [...pdf.matchAll(/\/MediaBox \[([^\]]*)\]/g)].map(([, box]) =>
      box.trim().split(/\s+/).map(Number),
    );
    expect(boxes.length).toBeGreaterThan(0);
    for (const [, , width, height] of boxes) {
      expect(Math.abs(width - 595)).toBeLessThan(2);
      expect(Math.abs(height - 842)).toBeLessThan(2);
    }
    await page.emulateMedia({ media: "print" });
    await page.setViewportSize({ width: 688, height: 1016 });
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(688);
  });
});
