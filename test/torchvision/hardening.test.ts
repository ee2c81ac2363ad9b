// Files that PyTorch exports, before and after `rampart harden`.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import {
  changesOf,
  disagreement,
  entryAfter,
  hardened,
  imagesOfOneClass,
  randomImages,
} from "../fixtures/hardened-file.ts";

const python = "/usr/bin/python3";
const available =
  process.env.SLOW === "1" && spawnSync(python, ["-c", "import torchvision"]).status === 0;
const folder = available ? mkdtempSync(join(tmpdir(), "rampart-torchvision-")) : "";
afterAll(() => available && rmSync(folder, { recursive: true }));

const shape = [3, 32, 32];
const script = join(import.meta.dirname, "export.py");

/** Exports a network for ten classes; returns the path of the file. */
function exported(name: string, flags: readonly string[]): string {
  execFileSync(python, [script, name, folder, "--size", "32", "--classes", "10", ...flags]);
  return join(folder, `${name}.onnx`);
}

describe.skipIf(!available)(
  "a file of torchvision, hardened (skipped without SLOW=1 and Debian's python3-torchvision):",
  () => {
    // Batch norms are folded into convolutions, so a Conv has a weight and a bias. The ViT keeps its class token and positional
    // embedding. With --keep-batch-norms the arrays are PyTorch's 142 parameters, and with batch statistics 2 · 34 more.
    it.each([
      ["resnet18", [], [], 2 * 20 + 2],
      ["mobilenet_v3_small", [], [], 2 * 52 + 4],
      ["efficientnet_b0", [], [], 2 * 81 + 2],
      ["vit", [], [], 42],
      ["mobilenet_v3_small", ["--keep-batch-norms"], ["--statistics", "frozen"], 142],
      ["mobilenet_v3_small", ["--keep-batch-norms"], ["--statistics", "batch"], 142 + 2 * 34],
    ] as const)(
      "%s %j %j: only the numbers of trained arrays differ",
      async (name, flags, more, count) => {
        const path = exported(name, flags);
        const images = join(folder, `${name}.images.npz`);
        writeFileSync(images, await imagesOfOneClass(path, shape));
        const out = join(folder, [name, ...flags, ...more].join(" "));
        await hardened(path, `npz:${images}`, out, more);
        const written = readFileSync(join(out, "model.onnx"));
        const { arrays, other } = changesOf(readFileSync(path), written);
        expect(other).toEqual(entryAfter(0));
        expect(arrays).toHaveLength(count);
        for (const { changed, numbers } of arrays) expect(changed / numbers).toBeGreaterThan(0.9);
        expect(await disagreement(out, randomImages(3, 4, shape))).toBeLessThan(1e-5);
      },
      600_000,
    );
  },
);
