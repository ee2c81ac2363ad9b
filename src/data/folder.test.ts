import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Dataset } from "./dataset.ts";
import type { FolderOptions } from "./folder-options.ts";
import { pillowRules } from "./image-rules.ts";
import { openDatasetInNode } from "./node.ts";
import { centreCrop, resizeShorter } from "./resize.ts";

type Color = readonly [number, number, number];
const plain = ([r, g, b]: Color, width = 3, height = 2) =>
  sharp({ create: { width, height, channels: 3, background: { r, g, b } } });

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "folder-"));
});
afterAll(() => rm(root, { recursive: true }));

let made = 0;
/** The data set of a fresh folder with these files. */
async function open(
  files: Readonly<Record<string, Uint8Array | Color>>,
  options: FolderOptions = {},
): Promise<Dataset> {
  const folder = join(root, String(made++));
  await mkdir(folder);
  for (const [name, contents] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    const bytes =
      contents instanceof Uint8Array ? contents : await plain(contents).png().toBuffer();
    await writeFile(join(folder, name), bytes);
  }
  return openDatasetInNode(`folder:${folder}/`, options);
}

const red: Color = [255, 0, 51];
const grey: Color = [102, 102, 102];
const levels = (x: { readonly data: Float32Array }) =>
  [...x.data].map((value) => Math.round(value * 255));

const empty = new Uint8Array();
const jfif = () => plain(red).jpeg().toBuffer();

describe("folder:PATH", () => {
  it("makes a class of each folder, in the order of code points, and planes of each image", async () => {
    const { classes, shape, train, test, mean, std } = await open({
      "b/1.png": red,
      "a/1.png": grey,
      "Z/1.png": grey,
      ".git/x": red,
      "README.md": new Uint8Array(1),
    });
    expect(classes).toEqual(["Z", "a", "b"]);
    expect(shape).toEqual([3, 2, 3]);
    expect(test).toBe(train);
    expect([...(train.labels as Int32Array)]).toEqual([0, 1, 2]);
    expect(levels(train.images([2]))).toEqual([
      ...Array(6).fill(255),
      ...Array(6).fill(0),
      ...Array(6).fill(51),
    ]);
    expect(mean[0]).toBeCloseTo((102 + 102 + 255) / 3 / 255, 12);
    expect(std[0]).toBeCloseTo((153 * Math.SQRT2) / 3 / 255, 12);
  });

  it("prepares images of any size, of every split, to one", async () => {
    const sized = async (width: number, height: number) =>
      new Uint8Array(await plain(red, width, height).png().toBuffer());
    const { shape, train, test } = await open(
      {
        "train/a/1.png": await sized(9, 4),
        "train/b/1.png": await sized(5, 12),
        "test/a/1.png": await sized(30, 30),
      },
      {
        prepare: (image) =>
          centreCrop(resizeShorter(image, 6, "bilinear"), { height: 5, width: 5 }),
      },
    );
    expect(shape).toEqual([3, 5, 5]);
    const whole = [...Array(25).fill(255), ...Array(25).fill(0), ...Array(25).fill(51)];
    expect(levels(train.images([0, 1]))).toEqual([...whole, ...whole]);
    expect(levels(test.images([0]))).toEqual(whole);
  });

  it("takes the first image of each class, then the second, so that a few are a fair sample", async () => {
    const { train } = await open({
      "a/1.png": red,
      "a/2.png": red,
      "a/3.png": red,
      "b/1.png": red,
      "b/2.png": red,
    });
    expect([...(train.labels as Int32Array)]).toEqual([0, 1, 0, 1, 0]);
  });

  it.each(["test", "val", "valid", "Validation", "testing"])(
    "with train and %s has two splits, and its statistics are of the first",
    async (held) => {
      const { train, test, classes, mean } = await open({
        "train/a/1.png": grey,
        "train/b/1.png": grey,
        [`${held}/b/7.png`]: red,
      });
      expect([train.size, test.size, classes]).toEqual([2, 1, ["a", "b"]]);
      expect([...(test.labels as Int32Array)]).toEqual([1]);
      expect(mean).toEqual([0.4, 0.4, 0.4]);
    },
  );

  it("reads grey, transparent, 16-bit and JPEG images as three channels of bytes", async () => {
    const { train } = await open({
      "a/1.png": await plain(grey).toColourspace("b-w").png().toBuffer(),
      "a/2.png": await plain(grey).ensureAlpha(0).png().toBuffer(),
      "a/3.png": await plain(grey).toColourspace("rgb16").png().toBuffer(),
      "a/4.jpg": await plain(grey).jpeg().toBuffer(),
    });
    const value = [102, 102, 102, 102];
    for (const [i, level] of value.entries())
      expect(levels(train.images([i]))).toEqual(Array(18).fill(level));
  });

  it("leaves a photograph as it is stored, says so, and turns it if asked", async () => {
    const turned = await plain(grey, 2, 3).withMetadata({ orientation: 6 }).jpeg().toBuffer();
    const stored = await open({ "a/1.jpg": turned });
    expect([stored.shape, stored.notes]).toEqual([
      [3, 3, 2],
      [{ code: "image-exif", text: expect.stringContaining("a/1.jpg") }],
    ]);
    const rules = { ...pillowRules, imageExif: "apply" } as const;
    expect((await open({ "a/1.jpg": turned }, { rules })).shape).toEqual([3, 2, 3]);
  });

  it("keeps the colour under transparency, says so, and lays it on a colour if asked", async () => {
    const half = await plain([200, 100, 50], 1, 1).ensureAlpha(0.5).png().toBuffer();
    const opaque = await plain(grey, 1, 1).ensureAlpha(1).png().toBuffer();
    const files = { "a/1.png": half, "a/2.png": opaque };
    const dropped = await open(files);
    expect(levels(dropped.train.images([0]))).toEqual([200, 100, 50]);
    expect(dropped.notes).toEqual([
      { code: "image-alpha", text: expect.stringContaining("a/1.png") },
    ]);
    const on = async (imageAlpha: "black" | "white") =>
      levels((await open(files, { rules: { ...pillowRules, imageAlpha } })).train.images([0]));
    expect(await on("black")).toEqual([100, 50, 25]);
    expect(await on("white")).toEqual([228, 178, 153]);
  });

  it("clips 16-bit grey as Pillow does, says so, and scales it if asked", async () => {
    const raw = { width: 3, height: 1, channels: 1 } as const;
    const deep = await sharp(Uint16Array.of(7, 255, 51_400), { raw })
      .toColourspace("grey16")
      .png()
      .toBuffer();
    const { train, notes } = await open({ "a/1.png": deep });
    expect(levels(train.images([0])).slice(0, 3)).toEqual([7, 255, 255]);
    expect(notes).toEqual([
      { code: "image-grey16", text: expect.stringContaining("levels above 255 are white") },
    ]);
    const rules = { ...pillowRules, imageGrey16: "scale" } as const;
    const scaled = await open({ "a/1.png": deep }, { rules });
    expect(levels(scaled.train.images([0])).slice(0, 3)).toEqual([0, 1, 200]);
  });

  it("converts CMYK without a profile, as Pillow does", async () => {
    // Pillow 12.3 wrote it, with the pixels (10, 200, 0, 30) and (255, 0, 0, 0).
    const tiff = Buffer.from(
      "SUkqAAgAAAAKAAABBAABAAAAAgAAAAEBBAABAAAAAQAAAAIBAwAEAAAAhgAAAAMBAwABAAAAAQAAAAYBAwABAAAABQAAABEBBAABAAAAjgAAABUBAwABAAAABAAAABYBBAABAAAAAQAAABcBBAABAAAACAAAABwBAwABAAAAAQAAAAAAAAAIAAgACAAIAArIAB7/AAAA",
      "base64",
    );
    const { train, notes } = await open({ "a/1.tiff": tiff });
    expect(levels(train.images([0]))).toEqual([216, 0, 49, 255, 225, 255]);
    expect(notes?.map(({ code }) => code)).toEqual(["image-cmyk"]);
  });

  it("reads folders inside a class after its own files, and says which file each example is", async () => {
    const { train } = await open({
      "a/z.png": red,
      "a/b/1.png": grey,
      "a/b/c/2.PNG": red,
      "d/1.jfif": await jfif(),
    });
    expect(train.files).toEqual(["a/z.png", "d/1.jfif", "a/b/1.png", "a/b/c/2.PNG"]);
  });

  it("takes class names in NFC, whichever way the splits spell them, and refuses both ways side by side", async () => {
    const [nfd, nfc] = ["Ko\u0308ln", "K\u00f6ln"];
    const { classes, test } = await open({
      [`train/${nfd}/1.png`]: red,
      "train/a/1.png": red,
      [`test/${nfc}/1.png`]: grey,
    });
    expect([classes, [...(test.labels as Int32Array)]]).toEqual([[nfc, "a"], [0]]);
    const both = open({ [`${nfd}/1.png`]: red, [`${nfc}/1.png`]: red });
    await expect(both).rejects.toThrow(/two folders named/);
  });

  it("sorts numeric names as text, as torchvision does", async () => {
    const { classes } = await open({ "10/1.png": red, "9/1.png": red, "1/1.png": red });
    expect(classes).toEqual(["1", "10", "9"]);
  });

  it("is one set where the folder of a split stands alone; the folder's name is not a class", async () => {
    const { classes, train, test } = await open({ "val/a/1.png": red, "val/b/1.png": red });
    expect([classes, train === test]).toEqual([["a", "b"], true]);
  });

  it("allows a class without images in the split that is held out", async () => {
    const { test } = await open({
      "train/a/1.png": red,
      "train/b/1.png": red,
      "val/a/.keep": empty,
      "val/b/1.png": red,
    });
    expect([...(test.labels as Int32Array)]).toEqual([1]);
  });

  it("names the size that the network takes beside images of several sizes", async () => {
    const sizes = { "a/1.png": red, "b/2.png": await plain(red, 4, 5).png().toBuffer() };
    const taking = (...takes: number[]) => open(sizes, { takes });
    await expect(taking(3, 32, 32)).rejects.toThrow(
      "and the network takes 32×32: give --resize 32 --crop 32",
    );
    await expect(taking(3, 24, 32)).rejects.toThrow("takes 32×24: give --resize 32 --crop 24,32");
  });

  it.each([
    [
      "an image of another size",
      async () => ({ "a/1.png": red, "b/2.png": await plain(red, 4, 5).png().toBuffer() }),
      /b\/2.png is 4×5 pixels, but .*a\/1.png is 3×2; all images must have one size, .*--resize and --crop/,
    ],
    [
      "an image that cannot be decoded",
      async () => ({ "a/1.png": Uint8Array.of(1, 2) }),
      /a\/1.png \(2 bytes\) cannot be decoded: .*; replace or remove it/,
    ],
    [
      "a truncated image",
      async () => ({ "a/1.png": (await plain(red, 300, 200).png().toBuffer()).subarray(0, 150) }),
      /a\/1.png \(150 bytes\) cannot be decoded/,
    ],
    [
      "a file that is not an image",
      async () => ({ "a/1.png": red, "a/notes.txt": empty }),
      /a\/notes.txt is not an image/,
    ],
    [
      "an image in no class",
      async () => ({ "a/1.png": red, "2.png": red }),
      /2.png is in no class/,
    ],
    [
      "a class without images",
      async () => ({ "a/1.png": red, "b/.keep": empty }),
      /b holds no images/,
    ],
    [
      "a folder without classes",
      async () => ({ "notes.txt": empty }),
      /holds no folders; make one per class/,
    ],
    [
      "a class that only the test has",
      async () => ({ "train/a/1.png": red, "test/b/1.png": red }),
      /test\/b is a class that .*train does not have/,
    ],
    [
      "a test image of another size",
      async () => ({
        "train/a/1.png": red,
        "test/a/1.png": await plain(red, 4, 5).png().toBuffer(),
      }),
      /test\/a\/1.png is 4×5 pixels, but .*train\/a\/1.png is 3×2/,
    ],
  ])("refuses %s", async (_, files, message) => {
    const opened = open(await files());
    await expect(opened).rejects.toThrow(message);
    await expect(opened).rejects.toHaveProperty("name", "UsageError");
  });

  it("that is not there is the user's to fix", async () => {
    await expect(openDatasetInNode(`folder:${root}/none`)).rejects.toMatchObject({
      code: "not-found",
    });
  });
});
