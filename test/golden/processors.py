"""Pillow's filters, and what the image processors of transformers do with their JSON files; writes processors.json.

Run: python test/golden/processors.py (transformers 4.57.6, Pillow 12.3.0; seconds). Images are those of resize.py, which
src/data/resize.test.ts makes by the same formula. Of each processor: its file, the bytes after resizing and cropping
(SHA-256, [channel, height, width]), and the tensor at a few places.
"""

import hashlib
import inspect
import json
from pathlib import Path

import numpy as np
from PIL import Image
from transformers import (
    BeitImageProcessor, BitImageProcessor, BlipImageProcessor, CLIPImageProcessor, ConvNextImageProcessor,
    DeiTImageProcessor, EfficientNetImageProcessor, LevitImageProcessor, MobileNetV1ImageProcessor,
    MobileNetV2ImageProcessor, MobileViTImageProcessor, PerceiverImageProcessor, PoolFormerImageProcessor,
    PvtImageProcessor, SegformerImageProcessor, SiglipImageProcessor, ViTImageProcessor,
)
from transformers.models.deprecated.efficientformer.image_processing_efficientformer import EfficientFormerImageProcessor
from transformers.models.deprecated.vit_hybrid.image_processing_vit_hybrid import ViTHybridImageProcessor

FILTERS = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "box": 4, "hamming": 5}
SIZES = [
    ((9, 13), (9, 13)), ((9, 13), (18, 26)), ((9, 13), (5, 6)), ((17, 11), (7, 31)), ((32, 32), (24, 20)),
    ((40, 33), (3, 2)), ((1, 1), (4, 3)), ((2, 7), (1, 1)), ((64, 48), (21, 16)), ((375, 500), (256, 341)),
    ((600, 401), (37, 250)), ((64, 64), (224, 224)), ((3, 1000), (7, 333)), ((500, 3), (499, 200)),
]
IMAGES = [(37, 50), (50, 37), (61, 83)]
IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
FILES = [
    (ViTImageProcessor, {}), (ViTImageProcessor, {"size": 24, "resample": 3, **IMAGENET}),
    (ViTImageProcessor, {"size": {"height": 20, "width": 28}, "resample": 1, "do_normalize": False}),
    (ViTImageProcessor, {"size": 24, "do_rescale": False}), (ViTImageProcessor, {"size": 24, "rescale_factor": 0.01}),
    (DeiTImageProcessor, {}), (DeiTImageProcessor, {"size": 28, "crop_size": 24, **IMAGENET}),
    (DeiTImageProcessor, {"size": 28, "crop_size": 25, "do_center_crop": False}),
    (BeitImageProcessor, {}), (BeitImageProcessor, {"size": 31, "crop_size": 24, "do_reduce_labels": True}),
    (BitImageProcessor, {}), (BitImageProcessor, {"size": {"shortest_edge": 27}, "crop_size": 24}),
    (BlipImageProcessor, {}), (BlipImageProcessor, {"size": 21, "do_convert_rgb": True}),
    (CLIPImageProcessor, {}), (CLIPImageProcessor, {"size": 27, "crop_size": 24, "resample": 4}),
    (CLIPImageProcessor, {"size": {"height": 30, "width": 27}, "crop_size": {"height": 23, "width": 20}}),
    (ConvNextImageProcessor, {}), (ConvNextImageProcessor, {"size": 24, "crop_pct": 0.875, "resample": 3, **IMAGENET}),
    (ConvNextImageProcessor, {"size": {"shortest_edge": 33}}), (ConvNextImageProcessor, {"size": 400, "crop_pct": 1.0}),
    (EfficientNetImageProcessor, {}), (EfficientNetImageProcessor, {"size": 24, **IMAGENET}),
    (EfficientNetImageProcessor, {"size": 24, "rescale_factor": 1 / 127.5, "rescale_offset": True, **IMAGENET}),
    (EfficientNetImageProcessor, {"size": 30, "crop_size": 25, "do_center_crop": True, "include_top": False}),
    (EfficientNetImageProcessor, {"size": 24, "do_normalize": False, **IMAGENET}),
    (EfficientFormerImageProcessor, {}), (EfficientFormerImageProcessor, {"size": 28, "crop_size": 24}),
    (LevitImageProcessor, {}), (LevitImageProcessor, {"size": 24, "crop_size": 24}),
    (LevitImageProcessor, {"size": {"height": 30, "width": 32}, "crop_size": 24}),
    (MobileNetV1ImageProcessor, {}), (MobileNetV1ImageProcessor, {"size": 27, "crop_size": 24}),
    (MobileNetV2ImageProcessor, {}), (MobileNetV2ImageProcessor, {"size": 30, "crop_size": 25, "resample": 5}),
    (MobileViTImageProcessor, {"size": 288}), (MobileViTImageProcessor, {"size": 28, "crop_size": 24}),
    (MobileViTImageProcessor, {"size": 28, "crop_size": 24, "do_flip_channel_order": False}),
    (PerceiverImageProcessor, {}), (PerceiverImageProcessor, {"size": 24, "crop_size": 28}),
    (PoolFormerImageProcessor, {}), (PoolFormerImageProcessor, {"size": 24, "crop_size": 24, "crop_pct": 0.77}),
    (PoolFormerImageProcessor, {"size": {"height": 24, "width": 27}, "crop_size": 24}),
    (PvtImageProcessor, {}), (PvtImageProcessor, {"size": 22}), (SegformerImageProcessor, {}),
    (SegformerImageProcessor, {"size": 22, "do_reduce_labels": True}), (SiglipImageProcessor, {}),
    (SiglipImageProcessor, {"size": {"height": 24, "width": 24}}),
    (ViTHybridImageProcessor, {}), (ViTHybridImageProcessor, {"size": 27, "crop_size": 24}),
    (ViTImageProcessor, {"do_resize": False}),
]


def picture(height, width):
    c, y, x = np.meshgrid(np.arange(3), np.arange(height), np.arange(width), indexing="ij")
    values = (x * x * 7 + y * 13 + c * 57 + x * y * 3 + (x // 5 + y // 7) % 2 * 128) % 256
    return Image.fromarray(values.transpose(1, 2, 0).astype(np.uint8))


def digest(planes):
    return hashlib.sha256(np.ascontiguousarray(planes).tobytes()).hexdigest()


def row(processor, settings, size):
    made = processor(**settings)
    off = {"do_rescale": False, "do_normalize": False}
    known = inspect.signature(processor.preprocess).parameters
    if "include_top" in known:
        off["include_top"] = False
    if "do_flip_channel_order" in known:
        off["do_flip_channel_order"] = False
    raw = made(picture(*size), **{k: v for k, v in off.items() if k in known})["pixel_values"][0]
    fed = np.asarray(made(picture(*size))["pixel_values"][0], dtype=np.float64)
    assert raw.dtype == np.uint8, raw.dtype
    places = [(c, y, x) for c in range(3) for y, x in [(0, 0), (raw.shape[1] // 2, raw.shape[2] // 3)]]
    return {
        "type": processor.__name__, "file": settings, "from": size, "shape": raw.shape, "sha256": digest(raw),
        "fed": [[*place, float(fed[place])] for place in places],
    }


def main():
    golden = {"resized": [], "processors": []}
    for name, mode in FILTERS.items():
        for size, to in SIZES:
            data = np.asarray(picture(*size).resize((to[1], to[0]), mode)).transpose(2, 0, 1)
            golden["resized"].append({"filter": name, "from": size, "to": to, "sha256": digest(data)})
    for i, (processor, settings) in enumerate(FILES):
        golden["processors"].append(row(processor, settings, IMAGES[i % len(IMAGES)]))
    Path(__file__).with_suffix(".json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
