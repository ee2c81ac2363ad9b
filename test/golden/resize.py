"""Pillow's resize() of 8-bit RGB pictures and torchvision's Resize and CenterCrop; writes resize.json.

Run: /usr/bin/python3 test/golden/resize.py (Pillow 9.4.0, torchvision 0.14; a second). The pictures are made by a formula
that src/data/resize.test.ts repeats, so that only results are stored: bytes [channel, height, width], in base64, or their
SHA-256 where they are many.
"""

import base64
import hashlib
import json
from pathlib import Path

import numpy as np
from PIL import Image

FILTERS = {"bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC}


def picture(height, width):
    """Waves, edges and something like noise."""
    c, y, x = np.meshgrid(np.arange(3), np.arange(height), np.arange(width), indexing="ij")
    values = (x * x * 7 + y * 13 + c * 57 + x * y * 3 + (x // 5 + y // 7) % 2 * 128) % 256
    return Image.fromarray(values.transpose(1, 2, 0).astype(np.uint8))


def bytes_of(image):
    return np.asarray(image).transpose(2, 0, 1).tobytes()


SIZES = [
    ((9, 13), (9, 13)), ((9, 13), (18, 26)), ((9, 13), (5, 6)), ((17, 11), (7, 31)), ((32, 32), (24, 20)),
    ((40, 33), (3, 2)), ((1, 1), (4, 3)), ((2, 7), (1, 1)), ((64, 48), (21, 16)), ((5, 50), (12, 17)),
]
SHORTER = [((37, 50), 24), ((50, 37), 24), ((20, 31), 40), ((33, 33), 17)]
LARGE = [((375, 500), (256, 341)), ((64, 64), (224, 224)), ((600, 401), (37, 250))]
CROPS = [((24, 32), (20, 20)), ((25, 31), (20, 20)), ((27, 33), (20, 20)), ((20, 21), (20, 20)), ((23, 20), (20, 19))]


def main():
    from torchvision.transforms import CenterCrop, InterpolationMode, Resize

    modes = {"bilinear": InterpolationMode.BILINEAR, "bicubic": InterpolationMode.BICUBIC}
    golden = {"resized": [], "shorter": [], "large": [], "cropped": []}
    for name, mode in FILTERS.items():
        for size, to in SIZES:
            data = bytes_of(picture(*size).resize((to[1], to[0]), mode))
            golden["resized"].append({"filter": name, "from": size, "to": to, "pixels": base64.b64encode(data).decode()})
        for size, to in LARGE:
            data = bytes_of(picture(*size).resize((to[1], to[0]), mode))
            golden["large"].append({"filter": name, "from": size, "to": to, "sha256": hashlib.sha256(data).hexdigest()})
        for size, short in SHORTER:
            image = Resize(short, interpolation=modes[name])(picture(*size))
            digest = hashlib.sha256(bytes_of(image)).hexdigest()
            to = [image.height, image.width]
            golden["shorter"].append({"filter": name, "from": size, "size": short, "to": to, "sha256": digest})
    for size, to in CROPS:
        digest = hashlib.sha256(bytes_of(CenterCrop(to)(picture(*size)))).hexdigest()
        golden["cropped"].append({"from": size, "to": to, "sha256": digest})
    Path(__file__).with_suffix(".json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
