import { describe, expect, it } from "vitest";
import { goldenImage, sha256Of } from "../../test/fixtures/golden-image.ts";
import golden from "../../test/golden/processors.json" with { type: "json" };
import type { Image } from "./data-files.ts";
import type { Preprocessing } from "./preprocessing.ts";
import { parsePreprocessing } from "./read-preprocessing.ts";
import { type FilterName, resize } from "./resize.ts";
import { sizer } from "./sizing.ts";

function read(value: object, model = {}): Preprocessing {
  const found = parsePreprocessing(JSON.stringify(value), "p.json", model);
  if (found === null) throw new Error("not a preprocessing");
  return found.preprocessing;
}

/** What the network is fed at [channel, row, column], as docs/auditing.md states it. */
function fed({ pixels, shape }: Image, said: Preprocessing, [c, y, x]: readonly number[]): number {
  const channel = said.channelOrder === "bgr" ? 2 - c : c;
  const value = pixels[(channel * shape[1] + y) * shape[2] + x] / 255;
  const of = (values: readonly number[]) => values[values.length === 1 ? 0 : c];
  return ((value - of(said.mean ?? [0])) / of(said.std ?? [1])) * (said.scale ?? 1);
}

describe("an image processor of transformers", () => {
  const cases = golden.processors.map((row) => ({ ...row, text: JSON.stringify(row.file) }));
  it.each(cases)("is read as it computes: $type $text", (row) => {
    const said = read({ image_processor_type: row.type, ...row.file });
    const image = sizer(said)?.(goldenImage(row.from)) ?? goldenImage(row.from);
    expect(image.shape).toEqual(row.shape);
    expect(sha256Of(image)).toBe(row.sha256);
    for (const [c, y, x, value] of row.fed)
      expect(fed(image, said, [c, y, x])).toBeCloseTo(value, 4);
  });

  it.each(golden.resized)("resizes by Pillow's $filter, $from to $to", (row) => {
    const [height, width] = row.to;
    const filter = row.filter as FilterName;
    expect(sha256Of(resize(goldenImage(row.from), { height, width, filter }))).toBe(row.sha256);
  });

  it("is the same under its older name, and keys that are null are absent", () => {
    const settings = { size: 28, crop_size: 24 };
    const plain = read({ image_processor_type: "DeiTImageProcessor", ...settings });
    expect(read({ feature_extractor_type: "DeiTFeatureExtractor", ...settings })).toEqual(plain);
    const fast = { image_processor_type: "DeiTImageProcessorFast", ...settings };
    expect(read({ ...fast, do_pad: null, device: null, do_center_crop: null })).toEqual(plain);
  });

  it("has other defaults as Fast where the class has", () => {
    const fast = read({ image_processor_type: "BeitImageProcessorFast" });
    expect([fast.resize, fast.crop]).toEqual([[224, 224], undefined]);
    const plain = read({ image_processor_type: "BeitImageProcessor" });
    expect([plain.resize, plain.crop]).toEqual([
      [256, 256],
      [224, 224],
    ]);
  });

  it("is found by the model's type where its file names none", () => {
    const file = { do_resize: true, size: 24, crop_pct: 0.875 };
    expect(read(file, { modelType: "resnet" }).resize).toEqual([27]);
    expect(() => read(file)).toThrow(/names no image_processor_type; classes read the same keys/);
    expect(() => read(file, { modelType: "mine" })).toThrow(
      /the processor of model type mine is unknown/,
    );
  });

  it("needs no class where its file leaves nothing to the class", () => {
    const normal = { image_mean: [0.5], image_std: [0.25] };
    const [mean, std] = [[0.5], [0.25]];
    expect(read({ do_resize: false, ...normal })).toEqual({ mean, std });
    expect(read({ size: { height: 9, width: 8 }, resample: 3, ...normal })).toEqual({
      mean,
      std,
      resize: [9, 8],
      interpolation: "bicubic",
    });
    const cut = { do_center_crop: true, crop_size: 224, size: { shortest_edge: 256 }, resample: 2 };
    expect(read({ ...cut, ...normal })).toMatchObject({ resize: [256], crop: [224, 224] });
    const { resample, ...without } = cut;
    for (const file of [
      { ...without, ...normal },
      { ...cut, do_center_crop: undefined, ...normal },
      { ...cut, size: 256, ...normal },
      cut,
    ])
      expect(() => read(file)).toThrow(/names no image_processor_type/);
  });

  it("is read out of a processor_config.json", () => {
    const inner = { image_processor_type: "CLIPImageProcessor", size: 30, crop_size: 24 };
    expect(read({ image_processor: inner, processor_class: "CLIPProcessor" })).toEqual(read(inner));
  });

  it.each([
    [{ image_processor_type: "MyImageProcessor" }, /of MyImageProcessor, which is not supported/],
    [{ image_processor_type: "ImageGPTImageProcessor" }, /colour clusters/],
    [{ feature_extractor_type: "VideoMAEFeatureExtractor" }, /prepares videos/],
    [{ image_processor_type: "Siglip2ImageProcessorFast" }, /patches of varying number/],
    [
      { image_processor_type: "ViTImageProcessor", do_center_crop: true, crop_size: 20 },
      /has the key do_center_crop \(true\), which ViTImageProcessor does not read/,
    ],
    [{ image_processor_type: "DeiTImageProcessor", crop_pct: 0.9 }, /has the key crop_pct \(0.9\)/],
    [
      { image_processor_type: "CLIPImageProcessor", sharpen: 3 },
      /has the key sharpen \(3\).*--preprocessing none/,
    ],
    [
      { image_processor_type: "ConvNextImageProcessor", size: { height: 24, width: 24 } },
      /a height and a width, but it takes shortest_edge/,
    ],
    [
      { image_processor_type: "ViTImageProcessor", size: { longest_edge: 24 } },
      /cannot be used as preprocessing: size/,
    ],
    [{ image_processor_type: "ViTImageProcessor", resample: 9 }, /resized by filter 9/],
    [{ image_processor_type: "toString" }, /of toString, which is not supported/],
  ])("is refused in %j", (value, message) => {
    expect(() => read(value)).toThrow(expect.objectContaining({ code: "bad-file" }));
    expect(() => read(value)).toThrow(message);
  });
});
