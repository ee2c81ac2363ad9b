"""Gradients of a small Wide ResNet by PyTorch's autograd, for test/wrn-golden.test.ts.

    python3 test/golden/wrn.py > test/golden/wrn.json

Weights and pictures are not stored: both sides compute them from the same integer hash.
"""

import json
import math

import torch
import torch.nn.functional as F

DEPTH, WIDTH, CLASSES, BATCH, SIDE = 10, 1, 10, 4, 16
MEAN, STD = [0.49, 0.48, 0.45], [0.25, 0.24, 0.26]
LABELS = [3, 0, 7, 9]
SAMPLES = 24

torch.manual_seed(0)
torch.set_num_threads(1)


def unit(seed, size):
    """size numbers in [0, 1): a multiplicative hash of the index, mixed once more."""
    i = torch.arange(1, size + 1, dtype=torch.int64) + seed * 7919
    h = (i * 2654435761) & 0xFFFFFFFF
    h = h ^ (h >> 15)
    h = (h * 2246822519) & 0xFFFFFFFF
    return (h ^ (h >> 13)).to(torch.float64) / 2**32


def shapes():
    """Names and shapes as in src/models/wide-resnet.ts."""
    out = {"conv0": (16, 3, 3, 3)}

    def norm(name, channels):
        for part in ("scale", "bias", "mean", "variance"):
            out[f"{name}.{part}"] = (channels,)

    into = 16
    for group in (1, 2, 3):
        for block in range((DEPTH - 4) // 6):
            channels, name = 16 * WIDTH * 2 ** (group - 1), f"group{group}.block{block}"
            norm(f"{name}.bn1", into)
            out[f"{name}.conv1"] = (channels, into, 3, 3)
            norm(f"{name}.bn2", channels)
            out[f"{name}.conv2"] = (channels, channels, 3, 3)
            if into != channels or (group > 1 and block == 0):
                out[f"{name}.shortcut"] = (channels, into, 1, 1)
            into = channels
    norm("bn", into)
    out["fc.weight"], out["fc.bias"] = (CLASSES, into), (CLASSES,)
    return out


def weights():
    arrays = {}
    for seed, (name, shape) in enumerate(shapes().items(), 1):
        u = unit(seed, math.prod(shape))
        if name.endswith(("scale", "variance")):
            v = 0.5 + u
        elif len(shape) == 4:
            v = (2 * u - 1) * math.sqrt(3) * math.sqrt(2 / (shape[0] * shape[2] * shape[3]))
        else:
            v = u - 0.5
        arrays[name] = v.to(torch.float32).reshape(shape)
    return arrays


def forward(x, p, training):
    def norm_relu(x, name):
        part = lambda which: p[f"{name}.{which}"]
        y = F.batch_norm(
            x, part("mean"), part("variance"), part("scale"), part("bias"), training, 0.1, 1e-5
        )
        return F.relu(y)

    x = (x - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)
    x = F.conv2d(x, p["conv0"], padding=1)
    for group in (1, 2, 3):
        for block in range((DEPTH - 4) // 6):
            name, stride = f"group{group}.block{block}", 2 if group > 1 and block == 0 else 1
            a = norm_relu(x, f"{name}.bn1")
            y = norm_relu(F.conv2d(a, p[f"{name}.conv1"], stride=stride, padding=1), f"{name}.bn2")
            y = F.conv2d(y, p[f"{name}.conv2"], padding=1)
            shortcut = f"{name}.shortcut"
            x = y + (F.conv2d(a, p[shortcut], stride=stride) if shortcut in p else x)
    return F.linear(norm_relu(x, "bn").mean((2, 3)), p["fc.weight"], p["fc.bias"])


def digest(t):
    """Shape, ℓ2 norm and evenly spaced values: enough to tell a wrong array, small enough to keep."""
    flat = t.detach().double().reshape(-1)
    step = max(1, len(flat) // SAMPLES)
    return {
        "norm": float(f"{flat.norm().item():.9g}"),
        "largest": float(f"{flat.abs().max().item():.9g}"),
        "step": step,
        "values": [float(f"{v:.9g}") for v in flat[::step].tolist()],
    }


def run(training):
    p = weights()
    wrt = {k: v for k, v in p.items() if not k.endswith((".mean", ".variance"))}
    for v in wrt.values():
        v.requires_grad_()
    x = unit(1000, BATCH * 3 * SIDE * SIDE).to(torch.float32).reshape(BATCH, 3, SIDE, SIDE)
    x.requires_grad_()
    logits = forward(x, p, training)
    losses = F.cross_entropy(logits, torch.tensor(LABELS), reduction="none")
    names = ["x", *wrt]
    gradients = torch.autograd.grad(losses.sum(), [x, *wrt.values()])
    return {
        "logits": digest(logits),
        "losses": [float(f"{v:.9g}") for v in losses.tolist()],
        "gradients": {name: digest(g) for name, g in zip(names, gradients)},
        "statistics": {
            k: digest(v) for k, v in p.items() if training and k.endswith((".mean", ".variance"))
        },
    }


print(
    json.dumps(
        {
            "made": f"torch {torch.__version__}, float32, test/golden/wrn.py",
            "model": f"wrn-{DEPTH}-{WIDTH}",
            "batch": BATCH,
            "input": {"shape": [3, SIDE, SIDE], "classes": CLASSES, "mean": MEAN, "std": STD},
            "labels": LABELS,
            "frozen": run(False),
            "batchMode": run(True),
        },
        indent=1,
    )
)
