import { describe, expect, it } from "vitest";
import { describePreprocessing } from "./preprocessing.ts";
import { parsePreprocessing } from "./read-preprocessing.ts";

const read = (value: unknown, model = {}) =>
  parsePreprocessing(JSON.stringify(value), "p.json", model);
const imagenet = { image_mean: [0.485, 0.456, 0.406], image_std: [0.229, 0.224, 0.225] };
const normalized = { mean: imagenet.image_mean, std: imagenet.image_std };

describe("preprocessing in a file", () => {
  it("of our own has the names of the flags", () => {
    const own = {
      mean: [0.5],
      std: 0.25,
      scale: 255,
      layout: "nhwc",
      resize: 256,
      crop: [224, 192],
    };
    expect(read(own)).toEqual({
      format: "rampart",
      preprocessing: { ...own, std: [0.25], resize: [256] },
    });
  });

  const timm = {
    input_size: [3, 224, 224],
    interpolation: "bicubic",
    crop_pct: 0.9,
    crop_mode: "center",
    ...normalized,
  };
  const ofTimm = (changes: object, input?: number[]) =>
    read({ architecture: "a", pretrained_cfg: { ...timm, ...changes } }, { input })?.preprocessing;

  it("of timm resizes to what is left when the crop's share is taken", () => {
    const crop = { interpolation: "bicubic", crop: [224, 224] };
    const expected = { ...normalized, ...crop, resize: [248], fill: [0] };
    expect(ofTimm({})).toEqual(expected);
    expect(read(timm)).toEqual({ format: "timm", preprocessing: expected });
    expect(ofTimm({ crop_mode: "squash" })).toEqual({ ...expected, resize: [248, 248] });
    expect(ofTimm({ crop_mode: "border" })).toEqual({
      ...expected,
      resize: [248, 248],
      fit: "contain",
      fill: [124, 116, 104],
    });
    expect(ofTimm({ interpolation: null, mean: undefined, std: undefined })).toEqual(expected);
    expect(ofTimm({ input_size: [3, 224, 160] })).toMatchObject({
      resize: [248, 177],
      fit: "cover",
      crop: [224, 160],
      interpolation: "bilinear",
    });
  });

  it("of timm is that of tests for a network of the tests' size", () => {
    const test = { test_input_size: [3, 288, 288], test_crop_pct: 1, fixed_input_size: false };
    expect(ofTimm(test, [3, 288, 288])).toMatchObject({ resize: [288], crop: [288, 288] });
    expect(ofTimm(test, [3, 224, 224])).toMatchObject({ resize: [248], crop: [224, 224] });
    expect(ofTimm(test)).toMatchObject({ resize: [248], crop: [224, 224] });
  });

  it("of torchvision is a preset's", () => {
    const preset = {
      crop_size: 224,
      resize_size: 232,
      interpolation: "InterpolationMode.BILINEAR",
    };
    expect(read(preset)).toEqual({
      format: "torchvision",
      preprocessing: {
        ...normalized,
        interpolation: "bilinear",
        resize: [232],
        crop: [224],
        fill: [0],
      },
    });
    expect(() => read({ ...preset, antialias: false })).toThrow(/resized with antialias/);
  });

  it.each([[{}], [[]], [{ model_type: "resnet", id2label: {} }], [{ x: 1 }]])(
    "is not in %j",
    (value) => expect(read(value)).toBeNull(),
  );

  it.each([
    [{ mean: [0.5], sdt: [0.5] }, /Unrecognized key.*sdt/],
    [{ ...timm, crop_mode: "stretch" }, /cannot be used as preprocessing: crop_mode/],
    [{ ...timm, crop_rate: 1 }, /Unrecognized key.*crop_rate/],
    [{ ...timm, interpolation: "random" }, /resized by random, which is not supported/],
    [imagenet, /names no image_processor_type/],
    [{ input_size: [3, 224] }, /cannot be used as preprocessing: input_size/],
  ])("is refused in %j", (value, message) => {
    expect(() => read(value)).toThrow(message);
  });

  it("reads in one line", () => {
    expect(
      describePreprocessing({
        mean: [0.5],
        std: [0.25],
        resize: [256],
        crop: [224],
        interpolation: "bicubic",
      }),
    ).toBe(
      "resize the shorter side to 256 (bicubic) → crop the middle 224 × 224 → pixels in [0, 1] → − mean 0.5 → ÷ std 0.25",
    );
  });
});
