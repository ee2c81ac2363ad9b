import { describe, expect, it } from "vitest";
import { describePreprocessing, parsePreprocessing } from "./preprocessing.ts";

const read = (value: unknown) => parsePreprocessing(JSON.stringify(value), "p.json");
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

  // As transformers 4.41 writes them for google/vit-base-patch16-224, openai/clip-vit-base-patch32,
  // microsoft/resnet-50, facebook/convnext-tiny-224 and -384 (without the names that say nothing here).
  it.each([
    [
      "ViT",
      {
        ...{ do_normalize: true, do_rescale: true, do_resize: true, resample: 2 },
        ...{
          image_mean: [0.5, 0.5, 0.5],
          image_std: [0.5, 0.5, 0.5],
          rescale_factor: 0.00392156862745098,
        },
        ...{ image_processor_type: "ViTImageProcessor", size: { height: 224, width: 224 } },
      },
      {
        ...{ mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], interpolation: "bilinear" },
        resize: [224, 224],
      },
    ],
    [
      "an older ViT",
      {
        do_normalize: true,
        do_resize: true,
        feature_extractor_type: "ViTFeatureExtractor",
        size: 224,
        ...imagenet,
      },
      { ...normalized, interpolation: "bilinear", resize: [224, 224] },
    ],
    [
      "CLIP",
      {
        do_center_crop: true,
        crop_size: 224,
        do_resize: true,
        resample: 3,
        size: 224,
        ...imagenet,
      },
      { ...normalized, interpolation: "bicubic", resize: [224], crop: [224] },
    ],
    [
      "a network of torchvision's",
      {
        ...{ do_center_crop: true, crop_size: { height: 224, width: 224 }, resample: 3 },
        ...{ size: { shortest_edge: 256 }, ...imagenet },
      },
      { ...normalized, interpolation: "bicubic", resize: [256], crop: [224, 224] },
    ],
    [
      "ConvNeXt",
      { crop_pct: 0.875, do_resize: true, resample: 3, size: { shortest_edge: 224 }, ...imagenet },
      { ...normalized, interpolation: "bicubic", resize: [256], crop: [224] },
    ],
    [
      "a large ConvNeXt",
      { crop_pct: 0.875, do_resize: true, resample: 3, size: { shortest_edge: 384 }, ...imagenet },
      { ...normalized, interpolation: "bicubic", resize: [384, 384] },
    ],
    [
      "a network that takes −1 to 1 by its factor",
      {
        do_normalize: true,
        rescale_factor: 1 / 127.5,
        image_mean: [1],
        image_std: [1],
        do_resize: false,
      },
      { mean: [0.5], std: [0.5] },
    ],
    [
      "a network that takes 0 to 255",
      { do_normalize: false, do_rescale: false, do_resize: false },
      { scale: 255 },
    ],
  ])("of Hugging Face, for %s", (_, file, expected) => {
    expect(read(file)).toEqual({ format: "Hugging Face", preprocessing: expected });
  });

  it("of timm resizes to what is left when the crop's share is taken", () => {
    const cfg = {
      ...{
        input_size: [3, 224, 224],
        interpolation: "bicubic",
        crop_pct: 0.9,
        crop_mode: "center",
      },
      ...{ mean: normalized.mean, std: normalized.std },
    };
    const expected = { ...normalized, interpolation: "bicubic", resize: [248], crop: [224] };
    expect(read({ architecture: "a", pretrained_cfg: cfg })?.preprocessing).toEqual(expected);
    expect(read(cfg)).toEqual({ format: "timm", preprocessing: expected });
    expect(read({ pretrained_cfg: { ...cfg, crop_mode: "squash" } })?.preprocessing).toEqual({
      ...expected,
      resize: [248, 248],
    });
  });

  it("subtracts and divides as the processor would, whatever its factor", () => {
    const factor = 1 / 100;
    const found = read({
      rescale_factor: factor,
      image_mean: [0.3],
      image_std: [0.7],
      do_resize: false,
    });
    const { mean = [], std = [] } = found?.preprocessing ?? {};
    for (const byte of [0, 17, 255])
      expect((byte / 255 - mean[0]) / std[0]).toBeCloseTo((byte * factor - 0.3) / 0.7, 10);
  });

  it.each([[{}], [[]], [{ model_type: "resnet", id2label: {} }], [{ x: 1 }]])(
    "is not in %j",
    (value) => expect(read(value)).toBeNull(),
  );

  it.each([
    [{ mean: [0.5], sdt: [0.5] }, /Unrecognized key.*sdt/],
    [
      { ...imagenet, resample: 1, size: 224 },
      /resized by lanczos, which is not done here; give the nearest/,
    ],
    [{ ...imagenet, do_flip_channel_order: true }, /blue, green, red/],
    [{ input_size: [3, 224, 224], crop_mode: "border" }, /crop_mode border/],
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
      "mean 0.5; std 0.25; resized to a shorter side of 256 (bicubic), cropped to the middle 224 × 224",
    );
  });
});
