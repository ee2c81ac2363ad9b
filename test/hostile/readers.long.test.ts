// Hostile files of the other kinds that are read: images, class names, preprocessing, gzip, arrays beside a model.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import sharp from "sharp";
import { afterAll, describe, expect, it } from "vitest";
import { parseOutputNames } from "../../src/data/classes.ts";
import { gunzipped } from "../../src/data/gunzip.ts";
import { openDatasetInNode } from "../../src/data/node.ts";
import { parsePreprocessing } from "../../src/data/read-preprocessing.ts";
import { UsageError } from "../../src/math/usage-error.ts";
import { readOnnxBytes } from "../../src/models/node.ts";

const place = mkdtempSync(join(tmpdir(), "rampart-readers-"));
afterAll(() => rmSync(place, { recursive: true, force: true }));

const red = { width: 8, height: 8, channels: 3 as const, background: "red" };
const folder = join(place, "images");
mkdirSync(join(folder, "a"), { recursive: true });
const opened = (bytes: Uint8Array | string): Promise<unknown> => {
  writeFileSync(join(folder, "a", "one.png"), bytes);
  return openDatasetInNode(`folder:${folder}`);
};
/** A .png file that states these sides, its checksums not mended. */
async function stating(side: number): Promise<Uint8Array> {
  const bytes = await sharp({ create: red }).png().toBuffer();
  bytes.writeUInt32BE(side, 16);
  bytes.writeUInt32BE(side, 20);
  return bytes;
}
const deep = `${"[".repeat(1e5)}${"]".repeat(1e5)}`;

describe("a hostile image", () => {
  it("in a drawing's format is not opened as one, whatever its name", async () => {
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"></svg>';
    await expect(opened(svg)).rejects.toThrow(/one.png .* cannot be decoded/);
  });

  it("of huge stated sides is refused", async () => {
    for (const side of [20_000, 2 ** 31 - 1])
      await expect(opened(await stating(side))).rejects.toThrow(UsageError);
  });

  it.each(["png", "jpeg"] as const)("damaged in its bytes (%s) ends in a message", async (kind) => {
    const whole = await sharp({ create: red }).toFormat(kind).toBuffer();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 4 }),
        fc.integer({ min: 0, max: whole.length }),
        async (changes, end) => {
          const bytes = Uint8Array.from(whole.subarray(0, end));
          for (const [at, value] of changes) if (at < end) bytes[at] = value;
          const error = await opened(bytes).catch((cause) => cause);
          if (error instanceof Error) expect(error).toBeInstanceOf(UsageError);
        },
      ),
      { numRuns: 100, seed: 9 },
    );
  });
});

describe("hostile text", () => {
  it("of class names ends in names or in a message, in time of its length", () => {
    for (const text of [`{"0": ${deep}}`, deep, `["a", {"b": ${deep}}]`])
      expect(() => parseOutputNames(text, "f")).toThrow(UsageError);
    const same = Object.fromEntries(Array.from({ length: 30_000 }, (_, i) => [`n${i}`, 0]));
    expect(parseOutputNames(JSON.stringify(same), "f").get(0)).toHaveLength(30_000);
  });

  it.each([
    [
      "lists 100,000 deep",
      `{"image_processor_type": "ViTImageProcessor", "image_mean": ${deep}}`,
      "image_mean",
    ],
    ["a hundred thousand problems", `{"mean": [${Array(1e5).fill('"x"').join()}]}`, "f cannot be"],
    ["a side of 1e15", '{"resize": 1e15}', "cannot be used as preprocessing"],
    ["a crop_pct of nearly nothing", '{"input_size": [3, 8, 8], "crop_pct": 1e-300}', "a side of"],
    ["a crop_pct of very much", '{"input_size": [3, 8, 8], "crop_pct": 1e9}', "a side of 0 pixels"],
  ])("of preprocessing with %s is refused", (_, text, message) => {
    const read = () => parsePreprocessing(text, "f");
    expect(read).toThrow(UsageError);
    expect(read).toThrow(message);
  });
});

describe("gzip that unpacks to far more than it is", () => {
  const bomb = gzipSync(new Uint8Array(2 ** 28 + 1), { level: 1 });
  it("is stopped, as data and as a model", async () => {
    const path = join(place, "bomb.onnx.gz");
    writeFileSync(path, bomb);
    await expect(gunzipped("f", bomb)).rejects.toThrow("unpacks to more than 268435456 bytes");
    await expect(readOnnxBytes(path)).rejects.toThrow("unpacks to more than 268435456 bytes");
  });
});
