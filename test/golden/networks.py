"""Logits, losses and gradients of our networks in PyTorch and float64; writes networks.json.

Run: /usr/bin/python3 test/golden/networks.py (PyTorch 1.13). Weights and pictures are not stored: both sides
generate them from the formula of `numbers`. Large gradients are stored as some of their elements and as their
products with random sign vectors, from which the length of a difference can be estimated.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))
from torch_networks import arrays, network

BATCH, SHAPE, CLASSES = 4, [3, 16, 16], 10
MEAN, STD = [0.4914, 0.4822, 0.4465], [0.247, 0.2435, 0.2616]
KEPT, PRODUCTS = 120, 16


def words(name, size):
    """32 random bits per element: MurmurHash3's finalizer of (FNV-1a of the name) + 2654435769 · i."""
    seed = 2166136261
    for byte in name.encode():
        seed = ((seed ^ byte) * 16777619) % 2**32
    h = (seed + np.arange(size, dtype=np.uint64) * 2654435769) % 2**32
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        h = (h ^ (h >> np.uint64(shift))) * factor % 2**32
    return h ^ (h >> np.uint64(16))


def numbers(name, shape, low, high):
    """low + (high - low) u, u the upper 24 bits of each word as a fraction; computed in float64, kept as float32."""
    u = (words(name, int(np.prod(shape))) >> np.uint64(8)) / 2.0**24
    values = (low + (high - low) * u).astype(np.float32)
    return torch.from_numpy(values.astype(np.float64).reshape(shape))


def bounds(name, shape):
    """Weights that neither shrink nor blow up a signal; statistics and scales that are not the trivial 0 and 1."""
    part = name.rpartition(".")[2]
    if part in ("scale", "variance"):
        return 0.5, 1.5
    if len(shape) == 1:
        return -0.3, 0.3
    reach = (6 / np.prod(shape[1:])) ** 0.5
    return -reach, reach


def rounded(values):
    return [float(f"{v:.8g}") for v in values]


def stored(name, t):
    values = t.detach().numpy().ravel()
    if values.size <= 2 * KEPT:
        return {"values": rounded(values)}
    kept = values[:: values.size // KEPT]
    signs = ((words(f"signs of {name}", values.size)[:, None] >> np.arange(PRODUCTS, dtype=np.uint64)) & np.uint64(1))
    products = (1.0 - 2.0 * signs).T @ values
    return {"kept": rounded(kept), "products": rounded(products), "length": float(np.linalg.norm(values))}


def case(model, mode, salt):
    module = network(model, SHAPE, CLASSES, MEAN, STD).double()
    module.normalize.mean = torch.tensor(MEAN, dtype=torch.float64).view(1, -1, 1, 1)
    module.normalize.std = torch.tensor(STD, dtype=torch.float64).view(1, -1, 1, 1)
    module.train(mode == "batch")
    named = arrays(module)
    with torch.no_grad():
        for name, array in named.items():
            array.copy_(numbers(f"{salt}:{name}", list(array.shape), *bounds(name, array.shape)))
    x = numbers(f"{salt}:pixels", [BATCH, *SHAPE], 0, 1).requires_grad_()
    labels = (torch.arange(BATCH) * 3 + 1) % CLASSES

    nearest = []  # to a kink: where float32 rounding could choose the other side of a ReLU
    relu = functional.relu

    def watched(v):
        nearest.append(float(v.abs().min()))
        return relu(v)

    functional.relu = watched
    logits = module(x)
    functional.relu = relu
    losses = functional.cross_entropy(logits, labels, reduction="none")
    (dx,) = torch.autograd.grad(losses.sum(), x, retain_graph=True)
    trainable = {name: a for name, a in named.items() if a.requires_grad}
    gradients = torch.autograd.grad(losses.mean(), list(trainable.values()))
    outputs = {"logits": logits, "losses": losses, "loss": losses.mean(), "gradient of pixels": dx}
    for name, g in zip(trainable, gradients):
        outputs[f"gradient of {name}"] = g
    if mode == "batch":
        outputs |= {f"updated {name}": a for name, a in named.items() if not a.requires_grad}
    return min(nearest), {
        "model": model,
        "mode": mode,
        "salt": salt,
        "labels": labels.tolist(),
        "outputs": {name: stored(name, t) for name, t in outputs.items()},
    }


def smooth_case(model, mode):
    """The first salt whose pre-activations all stay clear of 0."""
    for salt in range(100):
        distance, made = case(model, mode, salt)
        if distance > 1e-5:
            return made
    raise RuntimeError(f"{model} comes near a kink with every salt")


golden = {
    "torch": torch.__version__,
    "batch": BATCH,
    "shape": SHAPE,
    "classes": CLASSES,
    "mean": MEAN,
    "std": STD,
    "cases": [smooth_case("wrn-10-1", "frozen"), smooth_case("wrn-10-1", "batch"), smooth_case("cnn-small", "frozen")],
}
Path(__file__).with_suffix(".json").write_text(json.dumps(golden) + "\n")
