// WebGPU in a page, in Debian's Chromium, on SwiftShader.
import { expect, it } from "vitest";
import { chromium, hasChromium, resultOfPage } from "./fixtures/browser.ts";

if (!hasChromium) console.warn(`skipped: no Chromium at ${chromium}; set CHROMIUM to its path`);

it.skipIf(!hasChromium)(
  "WebGPU in a page computes a convolution, its gradients and a loss as the interpreter does",
  { timeout: 600_000 },
  async ({ skip }) => {
    const result = await resultOfPage("test/webgpu-page.ts", 570);
    const { skipped } = result as { skipped?: string };
    if (skipped !== undefined) {
      console.warn(`skipped: ${skipped}`);
      skip(skipped);
    }
    expect(result).toMatchObject({ device: "webgpu", lowering: "webgpu" });
  },
);
