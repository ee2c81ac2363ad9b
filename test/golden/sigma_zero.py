"""σ-zero in PyTorch, written from arXiv:2402.01879, Alg. 1, on committed networks and CIFAR-10; writes sigma-zero.json.

Run: RAMPART_DATA=FOLDER /usr/bin/python3 test/golden/sigma_zero.py (PyTorch 1.13, some minutes on one core). It shares no code
with src: the network is that of bench/torch_networks.py, autograd differentiates the loss, and a batch moves as one array.
Nothing is random. The file holds the smallest count for each image that is right: of changed entries as published, and of
changed pixels with all channels; null where no step was misclassified.
"""

import argparse
import json
import math
import os
import struct
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))
from torch_networks import arrays, network

HERE = Path(__file__).parent
torch.set_num_threads(1)


# --- the network: arrays of an ONNX file, read from its protocol buffers ---


def varint(data, at):
    value, shift = 0, 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7


def fields(data):
    """The (number, value) pairs of a message; a nested message is its bytes."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = varint(data, at)
        else:
            size, at = (8, at) if wire == 1 else (4, at) if wire == 5 else varint(data, at)
            value, at = data[at : at + size], at + size
        yield number, value


def initialisers(path):
    graph = next(value for number, value in fields(path.read_bytes()) if number == 7)
    named = {}
    for number, value in fields(graph):
        if number != 5:
            continue
        parts = list(fields(value))
        name = next(v for n, v in parts if n == 8).decode()
        shape = []
        for n, v in parts:
            if n == 1:
                if isinstance(v, int):
                    shape.append(v)
                else:
                    at = 0
                    while at < len(v):
                        size, at = varint(v, at)
                        shape.append(size)
        raw = [v for n, v in parts if n == 9]
        floats = [v for n, v in parts if n == 4]
        kind = next(v for n, v in parts if n == 2)
        if kind != 1:  # float32
            continue
        named[name] = torch.from_numpy(np.frombuffer(b"".join(raw or floats), "<f4").copy().reshape(shape))
    return named


def classifier(name):
    model = network("wrn-10-1", [3, 32, 32], 10, [0.4914, 0.4822, 0.4465], [0.247, 0.2435, 0.2616])
    stored = initialisers(HERE.parent / "models" / f"{name}.onnx")
    with torch.no_grad():
        for name, value in arrays(model).items():
            value.copy_(stored[name].view(value.shape))
    return model.eval()


def images(first, count):
    """Test images of CIFAR-10: pixels in [0, 1], and labels."""
    path = Path(os.environ["RAMPART_DATA"]) / "cifar10" / "test_batch.bin"
    rows = np.frombuffer(path.read_bytes(), np.uint8).reshape(-1, 3073)[first : first + count]
    x = rows[:, 1:].reshape(-1, 3, 32, 32).astype(np.float32) / np.float32(255)
    return torch.from_numpy(x), torch.from_numpy(rows[:, 0].astype(np.int64))


# --- the attack ---
# After so few steps most searches are still the same in both; later, rounding to float32 leads many of them another way.


def sizes(delta, unit):
    """The size of each entry, or of each pixel over its channels: [batch, 3 or 1, height, width]."""
    return delta.abs() if unit == "entries" else delta.norm(dim=1, keepdim=True)


def smooth_count(delta, unit):
    """Eq. 6 as a share of all entries or pixels, [batch]; of squares, since the gradient of a norm at 0 is NaN."""
    squares = delta.square() if unit == "entries" else delta.square().sum(1, keepdim=True)
    return (squares / (squares + SIGMA)).flatten(1).mean(1)


def smallest_counts(model, x, y, unit):
    delta = torch.zeros_like(x)
    threshold = torch.full((len(x), 1, 1, 1), 0.3)
    best = torch.full((len(x),), math.inf)
    for step in range(STEPS + 1):
        delta.requires_grad_()
        logits = model(x + delta)
        own = logits.gather(1, y[:, None])[:, 0]
        others = logits.scatter(1, y[:, None], -math.inf).max(1).values
        wrong = others > own
        with torch.no_grad():
            count = (sizes(delta, unit) > 0).flatten(1).sum(1)
            best = torch.where(wrong & (count < best), count.float(), best)
            if step > 0:
                way = torch.where(wrong, 1.0, -1.0)[:, None, None, None]
                threshold = (threshold + 0.01 * length * way).clamp(0, 1)
        if step == STEPS:
            return best
        loss = (own - others).clamp(min=0) + smooth_count(delta, unit)
        (gradient,) = torch.autograd.grad(loss.sum(), delta)
        length = 0.1 + 0.45 * (1 + math.cos(math.pi * step / STEPS))
        with torch.no_grad():
            largest = gradient.flatten(1).abs().max(1).values.clamp(min=1e-30)[:, None, None, None]
            delta = (x + delta - length * gradient / largest).clamp(0, 1) - x
            delta = delta * (sizes(delta, unit) >= threshold)


def main():
    x, y = images(0, IMAGES)
    networks = {}
    for name in ("standard", "at-linf"):
        model = classifier(name)
        with torch.no_grad():
            clean = (model(x).argmax(1) == y).tolist()
        right = torch.tensor(clean)
        counts = {}
        for unit in ("entries", "pixels"):
            best = smallest_counts(model, x[right], y[right], unit)
            counts[unit] = [None if math.isinf(count) else int(count) for count in best.tolist()]
            print(name, unit, {k: (best <= k).float().mean().item() for k in (1, 3, 10)}, flush=True)
        networks[name] = {"right": [i for i, flag in enumerate(clean) if flag], **counts}
    golden = {"images": IMAGES, "steps": STEPS, "networks": networks}
    (HERE / "sigma-zero.json").write_text(json.dumps(golden) + "\n")


SIGMA, STEPS, IMAGES = 1e-3, 30, 500
if __name__ == "__main__":
    main()
