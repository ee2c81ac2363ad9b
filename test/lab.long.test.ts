// One build and one browser serve all tests of the page, which is why this file has over 300 lines.
// The built page of the lab in Debian's Chromium, driven as a person would: it attacks, takes files, audits, and survives bad ones.
import {
  createReadStream,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import axe from "axe-core";
import { encode } from "fast-png";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { siteFiles, wasmFolder } from "../src/cli/lab-files.ts";
import { shortDown } from "../src/lab/view/numbers.ts";
import { chromium, hasChromium } from "./fixtures/browser.ts";
import { linfRadiusOf, quarterPng, quarters, strange } from "./fixtures/lab-files.ts";
import type { PageFound } from "./fixtures/lab-page/found.ts";
import { certifiedRadii, compared } from "./fixtures/lab-replay.ts";
import { openSite, type TestSite, typeOf, workerScript } from "./fixtures/lab-site.ts";
import { scriptOf } from "./fixtures/page-script.ts";
import { isSlow } from "./fixtures/slow.ts";

if (!hasChromium) console.warn(`skipped: no Chromium at ${chromium}; set CHROMIUM to its path`);

const work = mkdtempSync(join(tmpdir(), "rampart-lab-page-"));
let site: TestSite;
let page: Page;
/** Errors of the console and of the page, and requests to other hosts. */
const faults: string[] = [];
/** Addresses that the page has asked for. */
const requested = new Set<string>();

const model = join(work, "quarters.onnx");
const folder = join(work, "images");

function writeFiles(): void {
  writeFileSync(model, quarters());
  for (const label of [0, 1, 2, 3]) {
    mkdirSync(join(folder, String(label)), { recursive: true });
    writeFileSync(join(folder, String(label), `${label}.png`), quarterPng(label));
  }
  writeFileSync(join(work, "text.onnx"), "This is a text.\n");
  writeFileSync(join(work, "strange.onnx"), strange());
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

/** Notes errors of the console and of the page, and requests to other hosts. */
function watch(one: Page): void {
  one.on("console", (message) => {
    if (message.type() === "error") faults.push(message.text());
  });
  one.on("pageerror", (error) => faults.push(error.message));
  one.on("request", (request) => {
    const { protocol, origin } = new URL(request.url());
    requested.add(request.url());
    if (/^http/.test(protocol) && `${origin}/` !== site.server.url) faults.push(request.url());
  });
  one.setDefaultTimeout(90_000);
}

beforeAll(async () => {
  if (!hasChromium) return;
  writeFiles();
  site = await openSite(join(work, "site"));
  page = await site.browser.newPage();
  watch(page);
}, 300_000);

afterAll(async () => {
  await site?.close();
  rmSync(work, { recursive: true, force: true });
});

/** What axe-core finds. */
interface Violation {
  readonly id: string;
  readonly impact: string | null;
  readonly nodes: readonly { readonly html: string }[];
}

/** What axe-core finds in the view that is open; in the dark, about its colours, which alone differ. */
async function seriousFaults(name: string, isDark: boolean): Promise<readonly string[]> {
  const options = isDark ? { iframes: false, runOnly: ["color-contrast"] } : { iframes: false };
  const rules = await page.evaluate(
    `axe.run(${JSON.stringify(options)}).then((found) => found.violations)`,
  );
  return (rules as Violation[])
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(
      ({ id, nodes }) => `${name}: ${id} ${nodes.map(({ html }) => html.slice(0, 80)).join(" ")}`,
    );
}

const limit = { timeout: 180_000 };

/** Drops files of `work` on the page. */
async function drop(names: readonly string[]): Promise<void> {
  const files = names.map((name) => ({
    name,
    base64: readFileSync(
      join(name.endsWith(".png") ? join(folder, name[0]) : work, name),
      "base64",
    ),
  }));
  // A text: tests are checked without the types of a browser.
  await page.evaluate(`{
    const data = new DataTransfer();
    for (const { name, base64 } of ${JSON.stringify(files)})
      data.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name));
    document.dispatchEvent(new DragEvent("drop", { dataTransfer: data, cancelable: true }));
  }`);
}

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
    await page.goto(`${site.server.url}?threads=1`);
    await page.locator(".verdict[data-broken=true]").waitFor();
    expect(await page.locator(".verdict").textContent()).toMatch(
      /^“red disc” has become “.*” after \d+/,
    );
    expect(await page.locator(".runtime-text").textContent()).toBe("WebAssembly, 1 thread");
    expect(await page.locator(".picture").count()).toBe(3);
  });

  it("steps an attack that is reset, one query at a time, by keyboard", limit, async () => {
    await page
      .getByRole("button", { name: "Pause" })
      .click()
      .catch(() => undefined);
    for (const name of ["Reset", "Step"]) {
      await page.getByRole("button", { name }).focus();
      await page.keyboard.press("Enter");
    }
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
    ["a file of 2 GB", "large.onnx", /2\.00 GiB, and a page has memory/],
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

  it("names the operator that it cannot read, and jumps to it in the list", limit, async () => {
    await openModel(join(work, "strange.onnx"));
    expect(await message()).toMatch(/Strange/);
    const row = page.locator(".layers tr[data-wrong=true]");
    expect(await row.locator("td").allTextContents()).toEqual([
      "Strange",
      "Strange of z",
      "cannot be read",
    ]);
    expect(await row.evaluate((one) => one.closest("details")?.open)).toBe(true);
  });

  it("attacks a model and an image that are dropped", limit, async () => {
    await page.getByRole("link", { name: "Attack" }).click();
    await drop(["quarters.onnx", "3.png"]);
    await page.getByText("How pixels reach the network").waitFor();
    await expect.poll(() => page.locator(".thumbnail").count(), { timeout: 60_000 }).toBe(1);
    await page.locator(".verdict[data-broken=true]").waitFor();
    expect(await page.locator(".verdict").textContent()).toMatch(/^“3” has become “\d”/);
  });

  it("proves a radius of the user's network, beyond which the true one lies", limit, async () => {
    await page.getByRole("link", { name: "Guarantees" }).click();
    await page.getByRole("button", { name: "Prove", exact: true }).click();
    const text = await page.getByText(/^Proven up to/).textContent();
    const [lower, upper] = (text?.match(/\d+(\.\d+)?(e-\d+)?/g) ?? []).map(Number);
    const exact = linfRadiusOf(3);
    expect(lower).toBeGreaterThan(0.95 * exact);
    expect(lower).toBeLessThan(exact);
    expect(upper).toBeGreaterThan(0.999 * exact);
    expect(upper).toBeLessThan(1.05 * exact);
  });

  it("adds noise to the user's model, and averages over draws", limit, async () => {
    await page.getByRole("link", { name: "Randomised" }).click();
    await page.getByLabel("Noise at every prediction").fill("normal:zero");
    await page.getByRole("button", { name: "Use this noise" }).click();
    expect(await message()).toMatch(/normal:zero/);
    await page.getByLabel("Noise at every prediction").fill("normal:0.02");
    await page.getByRole("button", { name: "Use this noise" }).click();
    await page.getByRole("img", { name: /of 32 draws are right on the clean image/ }).waitFor();
    await page.getByLabel("Draws per step (EOT)").fill("2");
    await expect.poll(() => page.url()).toContain("noise=normal%3A0.02");
    expect(page.url()).toContain("eot=4");
  });

  it("shows in two clicks why C&W fails against noise", limit, async () => {
    await page.getByRole("link", { name: "Randomised" }).click();
    const verdict = () => page.locator(".verdict").textContent();
    /** Presses a button, lets the attack play to its end, and counts the draws that are right then. */
    const rightAfter = async (button: RegExp, address: string) => {
      const before = await verdict();
      await page.getByRole("button", { name: button }).click();
      await expect.poll(() => page.url()).toContain(address);
      const ended = page.getByRole("button", { name: "Play again" });
      const isOver = async () => (await ended.isVisible()) && (await verdict()) !== before;
      await expect.poll(isOver, { timeout: 60_000 }).toBe(true);
      return Number(/^(\d+) of 32/.exec((await verdict()) ?? "")?.[1]);
    };
    const single = await rightAfter(/^1\. C&W/, "eot=1&");
    expect(await rightAfter(/^2\. C&W/, "eot=16")).toBeLessThan(single);
  });

  // So many draws that sampling goes on while the test looks for the button.
  it("certifies an image as the library does, draw by draw", limit, async () => {
    await page.goto(`${site.server.url}?threads=1&view=guarantees&model=shapes-noise&image=1`);
    await page.getByRole("combobox", { name: "Draws" }).selectOption("10000");
    await page.getByRole("button", { name: "Sample" }).click();
    await page.getByText(/draws bound the probability/).waitFor();
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByRole("button", { name: "Go on" }).click();
    await page.getByText(/^Certified: /).waitFor();
    const shown = await page.locator("dl[aria-label=Radii] dd").allTextContents();
    const { linf, l2, l1 } = await certifiedRadii("shapes-noise", 1, 10_000);
    expect(shown.slice(0, 3)).toEqual([linf, l2, l1].map(shortDown));
  });

  it("draws the plane of both attacks, whose point and balls one drags", limit, async () => {
    await page.goto(`${site.server.url}?threads=1&view=slice&image=1`);
    await page.locator(".plane canvas[width='24']").waitFor();
    const place = page.getByRole("region", { name: "The image at the point" });
    await page.getByLabel("Along the ℓ∞ attack").fill("0");
    await page.getByLabel("Across, towards the ℓ2 attack").fill("0");
    await place.getByText(/blue disc .*inside both balls/).waitFor();
    const box = await page.locator(".plane svg").boundingBox();
    if (box === null) throw new Error("the plane is not shown");
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x + 0.97 * box.width, box.y + 0.03 * box.height, { steps: 4 });
    await page.mouse.up();
    await place.getByText("outside both balls").waitFor();
    await page.getByLabel("ℓ2 ball").fill("1");
    await place.getByText(/inside (both balls|the ℓ2 ball alone)/).waitFor();
  });

  it("attacks the images of the user, a folder per class", limit, async () => {
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

  it(
    "takes an image of the camera, saves the attacked one, and zooms all alike",
    limit,
    async () => {
      await page.goto(`${site.server.url}?threads=1&model=shapes-at`);
      await page.locator(".verdict").waitFor();
      await page.getByRole("button", { name: "Camera" }).click();
      await page.getByRole("button", { name: "Take the image" }).click();
      await expect.poll(() => page.locator(".thumbnail").count(), { timeout: 60_000 }).toBe(1);
      const download = page.waitForEvent("download");
      await page.getByRole("button", { name: "Save image" }).click();
      expect((await download).suggestedFilename()).toBe("adversarial.png");
      await page.getByLabel(/^Original image/).focus();
      await page.keyboard.press("+");
      await page.keyboard.press("ArrowRight");
      const transforms = await page
        .locator(".picture canvas")
        .evaluateAll((all) => all.map((one) => one.style.transform));
      expect(new Set(transforms).size).toBe(1);
      expect(transforms[0]).toMatch(/^scale\(1\.5\) translate\(-?\d/);
    },
  );

  it("computes what Node computes on the same files", { timeout: 300_000 }, async () => {
    const other = await site.browser.newPage();
    watch(other);
    await other.goto(`${site.server.url}?threads=1&view=theorem`);
    await other.evaluate(await scriptOf("test/fixtures/lab-page/drive.ts"));
    const shared = { attack: "pgd", steps: 20, eot: 1, seed: 0 } as const;
    const attacks = {
      "shapes-at": [{ ...shared, norm: "linf", epsilon: 0.06 }],
      "shapes-standard": [{ ...shared, norm: "l2", epsilon: 0.15 }],
    };
    const words = [workerScript(site.folder), 50, attacks].map((one) => JSON.stringify(one));
    const found = (await other.evaluate(`drive(${words.join(", ")})`)) as PageFound;
    await other.close();
    const { logits, replayed, agree, broken } = await compared(found);
    expect(logits).toBeLessThan(1e-4);
    expect(replayed).toBe(0);
    expect(Math.min(...agree)).toBeGreaterThanOrEqual(48);
    for (const one of broken) expect(one % 50).toBeGreaterThan(0);
  });

  it("runs on one thread and says so where the page is not isolated", limit, async () => {
    const plain = createServer((request, response) => {
      const file = siteFiles(site.folder, wasmFolder()).get((request.url ?? "").split("?")[0]);
      if (file === undefined) response.writeHead(404).end();
      else {
        response.setHeader("content-type", typeOf(file));
        createReadStream(file).pipe(response);
      }
    });
    await new Promise<void>((resolve) => plain.listen(0, "127.0.0.1", resolve));
    const address = plain.address();
    const port = typeof address === "object" ? address?.port : 0;
    const other = await site.browser.newPage();
    await other.goto(`http://127.0.0.1:${port}/`);
    await other.locator(".verdict[data-broken=true]").waitFor({ timeout: 90_000 });
    expect(await other.locator(".runtime-text").textContent()).toBe(
      "WebAssembly, 1 thread: the page is not isolated",
    );
    await other.close();
    plain.closeAllConnections();
    plain.close();
  });

  // Without a GPU the browser computes that on the CPU, slowly.
  it.skipIf(!isSlow)(
    "loads WebGPU on demand alone, and says that it runs there",
    limit,
    async () => {
      const gpuFiles = () => [...requested].filter((one) => /webgpu|asyncify/.test(one));
      expect(gpuFiles()).toEqual([]);
      const choice = page.getByLabel("Compute on");
      if ((await choice.count()) === 0) {
        console.warn("skipped: this Chromium has no WebGPU");
        return;
      }
      await choice.selectOption("webgpu");
      await expect
        .poll(() => page.locator(".runtime-text").textContent(), { timeout: 90_000 })
        .toBe("WebGPU");
      expect(gpuFiles().length).toBeGreaterThan(0);
      await page.getByRole("button", { name: "Reset" }).click();
      await page.getByRole("button", { name: "Step" }).click();
      await page.getByText("after 1 query").waitFor();
      await choice.selectOption("cpu");
      await page.getByText("WebAssembly, 1 thread").waitFor();
    },
  );

  it("has nothing serious that axe-core finds, in any view, light and dark", limit, async () => {
    await page.evaluate(axe.source);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      for (const link of await page.locator("nav a").all()) {
        await link.click();
        const name = `${colorScheme} ${await link.textContent()}`;
        expect(await seriousFaults(name, colorScheme === "dark")).toEqual([]);
      }
    }
  });

  it("has had no error in the console, and asked no other host", () => {
    expect(faults).toEqual([]);
  });
});
