// WebGPU in a page, in Debian's Chromium, on SwiftShader.
import { afterAll, expect, it } from "vitest";
import { chromium, closeBrowser, hasChromium, resultOfPage } from "./fixtures/browser.ts";
import type { Found } from "./fixtures/webgpu-page.ts";

if (!hasChromium) console.warn(`skipped: no Chromium at ${chromium}; set CHROMIUM to its path`);
afterAll(closeBrowser);

it.skipIf(!hasChromium)(
  "a network attacked and trained on WebGPU in a page ends as on the CPU",
  { timeout: 300_000 },
  async ({ skip }) => {
    const result = await resultOfPage("test/fixtures/webgpu-page.ts", 270);
    const { skipped, training, attack, dispatches } = result as Found;
    if (skipped !== undefined) {
      console.warn(`skipped: ${skipped}`);
      skip(skipped);
    }
    expect(result).toMatchObject({ target: { device: "webgpu", lowering: "webgpu" } });
    expect(dispatches.training).toBeGreaterThan(500);
    expect(dispatches.attack).toBeGreaterThan(100);

    expect(training.arrays).toBeGreaterThan(50);
    const [name, most] = training.worst;
    expect(most, name).toBeLessThan(1e-4);

    for (const [i, loss] of attack.after.entries()) {
      expect(loss).toBeGreaterThan(attack.before[i] + 0.1);
      expect(loss).toBeCloseTo(attack.afterOnCpu[i], 3);
    }
    // A sign that rounding turns moves one pixel of 576 by 2/5 of ε.
    expect(attack.apart).toBeLessThan(0.01);
  },
);
