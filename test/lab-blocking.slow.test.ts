// No task of the lab's page computes for longer than 100 ms, from the first line on and through all views.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chromium, hasChromium } from "./fixtures/browser.ts";
import { openSite, type TestSite } from "./fixtures/lab-site.ts";
import { mainThreadTasks, taskCategories } from "./fixtures/main-thread.ts";

if (!hasChromium) console.warn(`skipped: no Chromium at ${chromium}; set CHROMIUM to its path`);

const work = mkdtempSync(join(tmpdir(), "rampart-lab-blocking-"));
let site: TestSite;

beforeAll(async () => {
  if (hasChromium) site = await openSite(join(work, "site"));
}, 300_000);

afterAll(async () => {
  await site?.close();
  rmSync(work, { recursive: true, force: true });
});

/** Does what a person does in each view. */
const views: Readonly<Record<string, (page: Page) => Promise<void>>> = {
  Attack: async (page) => {
    await page.locator(".verdict[data-broken=true]").waitFor();
    await page.getByRole("button", { name: "Reset" }).click();
    await page.getByRole("button", { name: "To the end" }).click();
    await page.locator(".verdict").getByText("after 20 queries").waitFor();
    await page.getByLabel(/^Original image/).focus();
    for (const key of ["+", "+", "ArrowRight"]) await page.keyboard.press(key);
  },
  "Three norms": async (page) => {
    await expect.poll(() => page.locator(".ball p.wrong").count(), { timeout: 90_000 }).toBe(3);
  },
  "Figure 1": async (page) => {
    await page.locator(".plane canvas[width='24']").waitFor();
    for (const place of ["0", "0.2", "0.5"])
      await page.getByLabel("Along the ℓ∞ attack").fill(place);
    await page.getByRole("region", { name: "The image at the point" }).getByText(/ball/).waitFor();
  },
  Randomised: async (page) => {
    await page.getByLabel("Network").selectOption("shapes-noise");
    await page.getByRole("img", { name: /of 32 draws are right on the clean image/ }).waitFor();
  },
  Guarantees: async (page) => {
    await page.getByRole("combobox", { name: "Draws" }).selectOption("1000");
    await page.getByRole("button", { name: "Sample" }).click();
    await page.getByText(/^(Certified: |The certifier abstains)/).waitFor();
  },
  "Theorem 1": async (page) => {
    await page.getByRole("button", { name: "MNIST, d = 784" }).click();
    await page.getByText("of the ℓ∞ ball in dimension 784").waitFor();
  },
};

describe.skipIf(!hasChromium)("the page of the lab", () => {
  it("has no task that computes for longer than 100 ms", { timeout: 600_000 }, async () => {
    const page = await site.browser.newPage();
    page.setDefaultTimeout(90_000);
    await site.browser.startTracing(page, { categories: taskCategories });
    await page.goto(`${site.server.url}?threads=1`);
    for (const [view, act] of Object.entries(views)) {
      await page.getByRole("link", { name: view }).click();
      await act(page);
    }
    const tasks = mainThreadTasks(await site.browser.stopTracing());
    await page.close();
    expect(tasks.length).toBeGreaterThan(100);
    expect(tasks[0]).toBeLessThan(100);
  });
});
