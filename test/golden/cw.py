"""Carlini & Wagner's ℓ2 attack in PyTorch, written from the paper; writes cw.json.

Run: RAMPART_DATA=<folder with cifar10/> /usr/bin/python3 test/golden/cw.py (PyTorch 1.13, some five minutes on one core).
It shares no code with src: autograd differentiates the whole objective by w, Adam is torch.optim's, images are attacked
one at a time in lists, every search starts with an evaluation of its own start. Only ℓ2 distances of CIFAR-10 are stored.
"""

import json
import math
import os
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))
from torch_networks import arrays, network

ROOT = Path(__file__).parents[2]
STEPS, SEARCHES, RATE, CONSTANT = 60, 9, 0.01, 1e-3
IMAGES = 100  # of CIFAR-10's test batch, the first ones


def one_search(model, x, label, c):
    """One run of Adam for one image [1, ...]: the closest adversarial point it met, or None."""
    w = torch.atanh((2 * x.double() - 1) * (1 - 1e-6)).requires_grad_()
    # As in the authors' code, the objective measures from the image of w, which is off x by up to 5e-7: measured from x,
    # its gradient would not be 0 at the start, and Adam's first step follows even the faintest gradient.
    origin = (torch.tanh(w.detach()) + 1) / 2
    adam = torch.optim.Adam([w], lr=RATE, betas=(0.9, 0.999), eps=1e-8)
    best, last = None, math.inf
    for step in range(STEPS + 1):
        point = (torch.tanh(w) + 1) / 2
        z = model(point.float())[0]
        others = torch.cat([z[:label], z[label + 1 :]])
        f = torch.clamp(z[label] - others.max(), min=0)
        distance = ((point - x) ** 2).sum()
        loss = ((point - origin) ** 2).sum() + c * f
        if others.max() > z[label] and (best is None or distance.item() < best):
            best = distance.item()
        if step % max(1, STEPS // 10) == 0:
            if loss.item() > 0.9999 * last:
                break
            last = loss.item()
        adam.zero_grad()
        loss.backward()
        adam.step()
    return best


def attack(model, x, label):
    """The smallest ℓ2 distance of all searches: 0 if x is misclassified, None if nothing was found."""
    if model(x)[0].argmax().item() != label:
        return 0.0
    low, high, c, best = 0.0, 1e10, CONSTANT, None
    for _ in range(SEARCHES):
        found = one_search(model, x, label, c)
        if found is None:
            low = c
        else:
            high = c
            best = found if best is None else min(best, found)
        c = (low + high) / 2 if high < 1e9 else c * 10
    return None if best is None else math.sqrt(best)


def distances(model, x, labels):
    return [attack(model, x[i : i + 1], int(labels[i])) for i in range(len(labels))]


def rounded(values):
    return [None if v is None else float(f"{v:.6g}") for v in values]


def flat(t):
    return [float(f"{v:.6g}") for v in t.detach().flatten()]


def stripes():
    """A trained network of two layers for 1×6×6 pictures of noisy stripes; many pixels lie at 0 or 1."""
    torch.manual_seed(0)
    down, across = torch.meshgrid(torch.arange(6.0), torch.arange(6.0), indexing="ij")
    forms = torch.sin(torch.stack([1.1 * down, 1.1 * across, 0.8 * (down + across)]))

    def pictures(n):
        labels = torch.arange(n) % 3
        x = 0.5 + 0.35 * forms[labels] + 0.3 * torch.randn(n, 6, 6)
        return x.clamp(0, 1).view(n, 1, 6, 6), labels

    x, labels = pictures(600)
    layers = torch.nn.Sequential(torch.nn.Linear(36, 16), torch.nn.ReLU(), torch.nn.Linear(16, 3))
    adam = torch.optim.Adam(layers.parameters(), lr=0.02)
    for _ in range(300):
        adam.zero_grad()
        torch.nn.functional.cross_entropy(layers(x.flatten(1)), labels).backward()
        adam.step()
    test, labels = pictures(40)
    w1, b1, w2, b2 = (p.detach() for p in layers.parameters())
    # Both sides compute with the numbers that are stored.
    numbers = {"w1": flat(w1), "b1": flat(b1), "w2": flat(w2), "b2": flat(b2), "x": flat(test)}
    w1, b1, w2, b2, test = (torch.tensor(v).view(t.shape) for v, t in zip(numbers.values(), (w1, b1, w2, b2, test)))
    model = lambda v: torch.relu(v.flatten(1) @ w1.T + b1) @ w2.T + b2
    return {"pixels": [1, 6, 6], **numbers, "labels": labels.tolist(), "l2": rounded(distances(model, test, labels))}


def fields(data):
    """The fields of a protocol buffer message as (number, value); varints as integers, the rest as bytes."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        tag = varint()
        if tag & 7 == 0:
            yield tag >> 3, varint()
            continue
        size = {1: 8, 5: 4}.get(tag & 7) or varint()
        yield tag >> 3, data[at : at + size]
        at += size


def many(data, number):
    return [value for n, value in fields(data) if n == number]


def exported(path):
    """The network of a file that rampart exported: its weights and its metadata, from ModelProto's fields."""
    model = path.read_bytes()
    metadata = {many(p, 1)[0].decode(): many(p, 2)[0].decode() for p in many(model, 14)}
    spec = json.loads(metadata["rampart.input"])
    module = network(metadata["rampart.architecture"], spec["shape"], spec["classes"], spec["mean"], spec["std"])
    weights = {many(t, 8)[0].decode(): many(t, 9)[0] for t in many(many(model, 7)[0], 5)}
    with torch.no_grad():
        for name, array in arrays(module).items():
            array.copy_(torch.from_numpy(np.frombuffer(weights[name], "<f4").copy()).view(array.shape))
    return module.eval().requires_grad_(False)


def cifar10():
    folder = Path(os.environ["RAMPART_DATA"]) / "cifar10"
    records = np.frombuffer((folder / "test_batch.bin").read_bytes(), np.uint8).reshape(-1, 3073)[:IMAGES]
    x = torch.from_numpy(records[:, 1:].astype(np.float32) / 255).view(-1, 3, 32, 32)
    labels = records[:, 0].tolist()
    models = ["standard", "at-linf"]
    made = {}
    for name in models:
        model = exported(ROOT / "test" / "models" / f"{name}.onnx")
        made[name] = rounded(distances(model, x, labels))
        print(name, made[name], flush=True)
    return made


torch.set_num_threads(1)
golden = {"torch": torch.__version__, "stripes": stripes(), "cifar10": {}}
print(golden["stripes"]["l2"], flush=True)
if len(sys.argv) == 1:
    golden["cifar10"] = cifar10()
Path(__file__).with_suffix(".json").write_text(json.dumps(golden) + "\n")
