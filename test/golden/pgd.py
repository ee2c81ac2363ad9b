"""Projected gradient descent on a tiny network, in PyTorch and float32; writes pgd.json.

Run: /usr/bin/python3 test/golden/pgd.py (PyTorch 1.13). It shares no code with src: gradients are autograd's,
projections are written from their definitions.
"""

import json
from pathlib import Path

import torch

torch.manual_seed(0)
N, PIXELS, HIDDEN, CLASSES = 5, (2, 3, 3), 16, 4
D = 2 * 3 * 3

w1 = torch.randn(HIDDEN, D) * 0.5
b1 = torch.randn(HIDDEN) * 0.1
w2 = torch.randn(CLASSES, HIDDEN) * 0.5
b2 = torch.randn(CLASSES) * 0.1
x = torch.rand(N, *PIXELS)
x[0] = (x[0] > 0.5).float()  # a picture at the corners of the box
labels = torch.randint(CLASSES, (N,))


def logits(v):
    return torch.relu(v.flatten(1) @ w1.T + b1) @ w2.T + b2


def length(v):
    return v.flatten(1).norm(dim=1).view(-1, 1, 1, 1)


def attack(norm, epsilon, step_size, steps, start):
    v = start.clone()
    for _ in range(steps):
        v.requires_grad_(True)
        loss = torch.nn.functional.cross_entropy(logits(v), labels, reduction="sum")
        (g,) = torch.autograd.grad(loss, v)
        v = v.detach()
        if norm == "linf":
            v = v + step_size * g.sign()
            v = torch.max(torch.min(v, x + epsilon), x - epsilon)
        else:
            v = v + step_size * g / length(g)
            delta = v - x
            v = x + delta * (epsilon / length(delta)).clamp(max=1)
        v = v.clamp(0, 1)
    return v


def flat(t):
    return [round(float(v), 9) for v in t.flatten()]


cases = []
for norm, epsilon in [("linf", 0.1), ("l2", 0.5)]:
    for started in [False, True]:
        noise = torch.rand_like(x) * 2 - 1
        inside = noise * epsilon if norm == "linf" else 0.7 * epsilon * noise / length(noise)
        start = (x + inside).clamp(0, 1) if started else x
        for steps in [1, 20]:
            adversarial = attack(norm, epsilon, epsilon / 5, steps, start)
            losses = torch.nn.functional.cross_entropy(logits(adversarial), labels, reduction="none")
            cases.append(
                {
                    "norm": norm,
                    "epsilon": epsilon,
                    "steps": steps,
                    "start": flat(start) if started else None,
                    "adversarial": flat(adversarial),
                    "losses": flat(losses),
                }
            )

golden = {
    "pixels": PIXELS,
    "w1": flat(w1),
    "b1": flat(b1),
    "w2": flat(w2),
    "b2": flat(b2),
    "x": flat(x),
    "labels": labels.tolist(),
    "cases": cases,
}
Path(__file__).with_suffix(".json").write_text(json.dumps(golden) + "\n")
