// Takes the screenshots of the lab in docs/img: npx tsx scripts/lab-screenshots.ts [name …]
// The images in them are drawn by `shapes`. It takes about a minute.
import { join } from "node:path";
import type { Page } from "playwright-core";
import { withLabSite } from "./lab-site.ts";

const target = process.env.LAB_SCREENSHOTS ?? join(import.meta.dirname, "..", "docs", "img");

/** One screenshot. */
interface Shot {
  readonly name: string;
  readonly query: string;
  readonly width: number;
  readonly height: number;
  readonly isDark?: boolean;
  /** Brings the page to what is shown. */
  ready(page: Page): Promise<unknown>;
}

const desktop = { width: 1280, height: 860 } as const;
const phone = { width: 390, height: 844 } as const;

/** Waits for the end of the attack, whose bars then stand still. */
const attacked = async (page: Page) => {
  await page.getByRole("button", { name: "Play again" }).waitFor();
  await page.locator(".verdict[data-broken=true]").waitFor();
};

/** Waits until the three balls are broken. */
const attackedInNorms = (page: Page) => page.locator(".ball p.wrong").nth(2).waitFor();

/** A certificate has been sampled. */
const sampled = async (page: Page) => {
  await page.getByRole("button", { name: "Sample" }).click();
  await page.getByText(/^Certified|abstains/).waitFor();
};

/** The second attack on the noise has run to its end. */
const noiseAttacked = async (page: Page) => {
  await page.getByRole("button", { name: /^2\. / }).click();
  await page.getByRole("button", { name: "Play again" }).waitFor();
};

const shots: readonly Shot[] = [
  { name: "lab", query: "?image=1&epsilon=0.03", ...desktop, ready: attacked },
  {
    name: "lab-dark",
    query: "?view=norms&image=1",
    ...desktop,
    isDark: true,
    ready: attackedInNorms,
  },
  { name: "lab-phone", query: "?image=1&epsilon=0.03", ...phone, ready: attacked },
  {
    name: "lab-slice",
    query: "?view=slice&model=shapes-at&image=2",
    ...desktop,
    height: 880,
    ready: (page) => page.locator(".plane canvas:is([width='48'], [width='96'])").waitFor(),
  },
  {
    name: "lab-guarantees",
    query: "?view=guarantees&model=shapes-noise&image=1",
    ...desktop,
    ready: sampled,
  },
  {
    name: "lab-proof",
    query: "?view=guarantees&model=shapes-at&image=1",
    ...desktop,
    async ready(page) {
      await page.getByRole("button", { name: "Prove" }).click();
      await page.getByText(/^Proven up to/).waitFor();
    },
  },
  {
    name: "lab-noise",
    query: "?view=noise&model=shapes-noise&image=1",
    ...desktop,
    ready: noiseAttacked,
  },
  {
    name: "lab-slice-phone",
    query: "?view=slice&model=shapes-at&image=2",
    ...phone,
    isDark: true,
    ready: (page) => page.locator(".plane canvas:is([width='48'], [width='96'])").waitFor(),
  },
  {
    name: "lab-guarantees-phone",
    query: "?view=guarantees&model=shapes-noise&image=1",
    ...phone,
    ready: sampled,
  },
  {
    name: "lab-noise-phone",
    query: "?view=noise&model=shapes-noise&image=1",
    ...phone,
    ready: noiseAttacked,
  },
  {
    name: "lab-audit-phone",
    query: "?view=audit",
    ...phone,
    async ready(page) {
      await page.getByLabel(/^Images \(of/).fill("5");
      await page.getByRole("button", { name: "Start the audit" }).click();
      await page.getByText("withstand every attack").first().waitFor();
    },
  },
  {
    name: "lab-theorem",
    query: "?view=theorem&dimension=784",
    ...desktop,
    ready: (page) => page.getByText("in dimension 784").waitFor(),
  },
  {
    name: "lab-audit",
    query: "?view=audit",
    ...desktop,
    async ready(page) {
      await page.getByLabel(/^Images \(of/).fill("5");
      await page.getByRole("button", { name: "Start the audit" }).click();
      await page.getByText("withstand every attack").first().waitFor();
    },
  },
];

/** Those that the documentation shows, unless the command names others. */
const documented = ["lab", "lab-dark", "lab-phone", "lab-slice", "lab-guarantees"];
const given = process.argv.slice(2);
const wanted = given.length > 0 ? given : documented;

await withLabSite(async ({ url, browser }) => {
  for (const { name, query, width, height, isDark = false, ready } of shots) {
    if (!wanted.includes(name)) continue;
    const colorScheme = isDark ? "dark" : "light";
    const page = await browser.newPage({ viewport: { width, height }, colorScheme });
    page.setDefaultTimeout(120_000);
    page.on("pageerror", (error) => console.error(error.message));
    page.on("console", (message) => {
      if (message.type() === "error") console.error(message.text());
    });
    await page.goto(`${url}${query}&threads=1`);
    await ready(page);
    await page.waitForTimeout(1000);
    const path = join(target, `${name}.png`);
    // On a phone one scrolls: the image shows the whole page.
    await page.screenshot({ path, fullPage: name.endsWith("-phone") && name !== "lab-phone" });
    console.log(path);
    await page.close();
  }
});
