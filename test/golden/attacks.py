"""The attacks of docs/attacks.md in PyTorch, written from the papers; writes attacks.json.

Run: /usr/bin/python3 test/golden/attacks.py (PyTorch 1.13, a few minutes on one core). It shares no code with src: a batch is
attacked at once with masks, projections search for their parameter by bisection, gradients are autograd's, and random draws
are torch's, so that what starts at random is compared by its means.
"""

import json
import math
from pathlib import Path

import torch

torch.set_num_threads(1)
torch.manual_seed(0)
torch.set_default_dtype(torch.float64)
SIDE, CLASSES, HIDDEN, IMAGES = 8, 5, 20, 40
EPSILON = {"linf": 0.11, "l2": 0.7, "l1": 3.0}
ORDER = {"linf": math.inf, "l2": 2, "l1": 1}
DUAL = {"linf": 1, "l2": 2, "l1": math.inf}


def norm(v, p):
    """Of each row, [batch, 1]."""
    return v.norm(p=ORDER[p] if isinstance(p, str) else p, dim=1, keepdim=True)


# --- the network: five forms in noise; many pixels lie at 0 or 1 ---


def pictures(n):
    down, across = torch.meshgrid(torch.arange(float(SIDE)), torch.arange(float(SIDE)), indexing="ij")
    waves = [1.1 * down, 1.1 * across, 0.8 * (down + across), 0.8 * (down - across), 0.3 * (down**2 + across**2)]
    labels = torch.arange(n) % CLASSES
    x = 0.5 + 0.3 * torch.sin(torch.stack(waves))[labels] + 0.3 * torch.randn(n, SIDE, SIDE)
    return x.clamp(0, 1).flatten(1), labels


def flat(t):
    return [float(f"{v:.6g}") for v in t.detach().flatten()]


def trained():
    x, labels = pictures(1000)
    layers = torch.nn.Sequential(torch.nn.Linear(SIDE**2, HIDDEN), torch.nn.ReLU(), torch.nn.Linear(HIDDEN, CLASSES))
    adam = torch.optim.Adam(layers.parameters(), lr=0.01)
    for _ in range(200):
        adam.zero_grad()
        torch.nn.functional.cross_entropy(layers(x), labels).backward()
        adam.step()
    test, labels = pictures(IMAGES)
    parts = [p.detach() for p in layers.parameters()] + [test]
    numbers = dict(zip(("w1", "b1", "w2", "b2", "x"), map(flat, parts)))
    return numbers, [torch.tensor(v).view(p.shape) for v, p in zip(numbers.values(), parts)], labels


NUMBERS, (W1, B1, W2, B2, X), Y = trained()
ROWS = torch.arange(IMAGES)


def logits(x):
    return torch.relu(x @ W1.T + B1) @ W2.T + B2


def margin(z, y=Y):
    others = z.clone()
    others[torch.arange(len(z)), y] = -math.inf
    return others.max(1).values - z[torch.arange(len(z)), y]


def cross_entropy(z, _):
    return torch.nn.functional.cross_entropy(z, Y, reduction="none")


def dlr(z, _):
    top = z.sort(1, descending=True).values
    return margin(z) / (top[:, 0] - top[:, 2] + 1e-12)


def dlr_targeted(z, target):
    top = z.sort(1, descending=True).values
    return (z[ROWS, target] - z[ROWS, Y]) / (top[:, 0] - (top[:, 2] + top[:, 3]) / 2 + 1e-12)


def with_gradient(x, loss, target=None):
    x = x.detach().requires_grad_()
    z = logits(x)
    values = loss(z, target)
    (g,) = torch.autograd.grad(values.sum(), x)
    return values.detach(), g, z.detach()


def bisect(reached, goal, high):
    """The largest parameter in [0, high] at which the increasing function `reached` is at most goal; [batch, 1]."""
    low = torch.zeros_like(high)
    for _ in range(50):
        middle = (low + high) / 2
        small = reached(middle) <= goal
        low, high = torch.where(small, middle, low), torch.where(small, high, middle)
    return low


# --- APGD ---


def l1_in_box(u, x, epsilon):
    delta = u - x
    room = torch.where(delta > 0, 1 - x, x)
    size = delta.abs()
    kept = lambda t: torch.minimum((size - t).clamp(min=0), room)
    top = size.max(1, keepdim=True).values
    # The sum falls with the threshold: search for the threshold's distance from the top.
    t = top - bisect(lambda s: kept(top - s).sum(1, keepdim=True), torch.full_like(top, epsilon), top)
    return x + delta.sign() * kept(t.clamp(min=0))


def into(u, x, p, epsilon):
    if p == "linf":
        return (x + (u - x).clamp(-epsilon, epsilon)).clamp(0, 1)
    if p == "l2":
        return (x + (u - x) * (epsilon / norm(u - x, p).clamp(min=1e-12)).clamp(max=1)).clamp(0, 1)
    return l1_in_box(u, x, epsilon)


def steepest(g, p, share):
    if p == "linf":
        return g.sign()
    if p == "l2":
        return g / norm(g, p).clamp(min=1e-12)
    d = g.shape[1]
    at = ((1 - share) * d).floor().clamp(0, d - 1).long()
    least = g.abs().sort(1).values.gather(1, at)
    s = g.sign() * (g.abs() >= least)
    return s / s.abs().sum(1, keepdim=True).clamp(min=1)


def apgd_stage(start, p, epsilon, steps, loss, target):
    x, at, before = X, start, start
    f, g, z = with_gradient(at, loss, target)
    best, best_f, best_g, best_margin = at, f, g, margin(z)
    alpha = 1.0 if p == "l1" else 2.0
    eta = torch.full((IMAGES, 1), alpha * epsilon)
    rises, check_f, halved = torch.zeros(IMAGES), f, torch.ones(IMAGES, dtype=torch.bool)
    support = (at != x).sum(1).double()
    share = (support / x.shape[1] / 1.5)[:, None]
    share = torch.where(support[:, None] == 0, torch.full_like(share, 0.2), share)
    support = torch.where(support == 0, torch.full_like(support, x.shape[1]), support)
    if p == "l1":
        period = max(int(0.04 * steps), 1)
        checks = set(range(period, steps + 1, period))
    else:
        checks, k, done = set(), math.ceil(0.22 * steps), 0
        while done + k <= steps:
            done += k
            checks.add(done)
            k = max(k - math.floor(0.03 * steps), math.floor(0.06 * steps))
    last = 0
    for step in range(1, steps + 1):
        z_next = into(at + eta * steepest(g, p, share), x, p, epsilon)
        if p != "l1":
            a = 1.0 if step == 1 else 0.75
            z_next = into(at + a * (z_next - at) + (1 - a) * (at - before), x, p, epsilon)
        before, at = at, z_next
        previous = f
        f, g, z = with_gradient(at, loss, target)
        rises += f > previous
        better = f > best_f
        best = torch.where(better[:, None], at, best)
        best_g = torch.where(better[:, None], g, best_g)
        best_margin = torch.where(better, margin(z), best_margin)
        best_f = torch.where(better, f, best_f)
        if step not in checks:
            continue
        if p == "l1":
            now = (best != x).sum(1).double()
            back = now / support < 0.95
            share = (now / x.shape[1] / 1.5)[:, None]
            eta = torch.where(back[:, None], torch.full_like(eta, epsilon), (eta / 1.5).clamp(min=epsilon / 10))
            support = now
        else:
            back = (rises <= 0.75 * (step - last)) | (~halved & (check_f >= best_f))
            halved, check_f, last = back, best_f, step
            rises = torch.zeros(IMAGES)
            eta = torch.where(back[:, None], eta / 2, eta)
        at = torch.where(back[:, None], best, at)
        g = torch.where(back[:, None], best_g, g)
        # As after any step, f is the loss where the ascent was, not where it goes on.
    return best, best_f, best_margin


def apgd(p, loss, target=None, steps=100, random=True):
    epsilon = EPSILON[p]
    noise = torch.rand_like(X) * 2 - 1 if p == "linf" else torch.randn_like(X)
    if not random and p != "l1":
        return apgd_stage(X, p, epsilon, steps, loss, target)
    if p != "l1":
        start = (X + epsilon * noise / norm(noise, p)).clamp(0, 1)
        return apgd_stage(start, p, epsilon, steps, loss, target)
    at = l1_in_box(X + noise, X, 3 * epsilon) if random else X
    for factor, part in ((3, 0.3), (2, 0.3), (1, 0.4)):
        at = l1_in_box(at, X, factor * epsilon)
        at, best_f, best_margin = apgd_stage(at, p, factor * epsilon, round(part * steps), loss, target)
    return at, best_f, best_margin


def wrong_classes():
    z = logits(X)
    z[ROWS, Y] = -math.inf
    return z.sort(1, descending=True).indices[:, : CLASSES - 1]


def apgd_t(p):
    targets = wrong_classes()
    return torch.stack([apgd(p, dlr_targeted, targets[:, j])[2] for j in range(CLASSES - 1)]).max(0).values


# --- multi-targeted PGD ---


def pgd_t(p, steps=8, momentum=0.9, decay=0.98):
    """From X; the largest margin at the ends of the ascents, which are so few steps long that momentum and lengths show."""
    ends = []
    for target in wrong_classes().T:
        at, mean, size = X, torch.zeros_like(X), EPSILON[p] / 2
        for step in range(1, steps + 1):
            _, g, _ = with_gradient(at, lambda z, t: z[ROWS, t] - z[ROWS, Y], target)
            mean = momentum * mean + (1 - momentum) * g
            at = into(at + size / (1 - momentum**step) * steepest(mean, p, None), X, p, EPSILON[p])
            size *= decay
        ends.append(margin(logits(at)))
    return torch.stack(ends).max(0).values


# --- minimum-norm attacks ---


def way(x, w, need, p):
    """The smallest d in the norm with ⟨w, d⟩ = need and x + d in the box, or as far as the box goes."""
    direction = w.sign() * need.sign()[:, None]
    room = torch.where(direction > 0, 1 - x, torch.where(direction < 0, x, torch.zeros_like(x)))
    size, goal = w.abs(), need.abs()[:, None]
    if p == "l1":
        order = size.sort(dim=1, descending=True, stable=True).indices
        room_s, size_s = room.gather(1, order), size.gather(1, order)
        used = (room_s * size_s).cumsum(1) - room_s * size_s
        moved_s = torch.minimum(room_s, ((goal - used).clamp(min=0)) / size_s.clamp(min=1e-300))
        moved = torch.zeros_like(x).scatter(1, order, moved_s)
    else:
        rate = torch.ones_like(size) if p == "linf" else size
        moved_at = lambda t: torch.minimum(t * rate, room)
        t = bisect(lambda t: (size * moved_at(t)).sum(1, keepdim=True), goal, torch.full_like(goal, 100.0))
        moved = moved_at(t)
    return direction * moved


class Closest:
    def __init__(self, p):
        self.p, self.at = p, X.clone()
        self.distance = torch.where(margin(logits(X)) > 0, 0.0, math.inf)

    def judge(self, at):
        adversarial = margin(logits(at)) > 0
        length = norm(at - X, self.p)[:, 0]
        closer = adversarial & (length < self.distance)
        self.distance = torch.where(closer, length, self.distance)
        self.at = torch.where(closer[:, None], at, self.at)
        return adversarial


def fab_t(p, steps=100):
    found, targets = Closest(p), wrong_classes()
    for j in range(CLASSES - 1):
        at, t = X, targets[:, j]
        for _ in range(steps):
            f, w, _z = with_gradient(at, lambda z, _: z[ROWS, t] - z[ROWS, Y])
            here, there = way(at, w, -f, p), way(X, w, (w * (at - X)).sum(1) - f, p)
            near, far = norm(here, p).clamp(min=1e-8), norm(there, p).clamp(min=1e-8)
            alpha = (near / (near + far)).clamp(max=0.1)
            at = ((1 - alpha) * (at + 1.05 * here) + alpha * (X + 1.05 * there)).clamp(0, 1)
            adversarial = found.judge(at)
            at = torch.where(adversarial[:, None], X + 0.9 * (at - X), at)
    low, high = torch.zeros(IMAGES), torch.ones(IMAGES)
    end, f_low = found.at.clone(), margin(logits(X))
    f_high = margin(logits(end))
    for _ in range(3):
        middle = low - f_low / (f_high - f_low) * (high - low)
        point = X + middle[:, None] * (end - X)
        f = margin(logits(point))
        adversarial = found.judge(point)
        low, f_low = torch.where(adversarial, low, middle), torch.where(adversarial, f_low, f)
        high, f_high = torch.where(adversarial, middle, high), torch.where(adversarial, f, f_high)
    return found.distance


def ddn(steps=100):
    found, delta, radius = Closest("l2"), torch.zeros_like(X), torch.ones(IMAGES, 1)
    for k in range(steps):
        adversarial = found.judge(X + delta)
        _, g, _ = with_gradient(X + delta, cross_entropy)
        radius = torch.where(adversarial[:, None], radius * 0.95, radius * 1.05)
        radius = torch.minimum(radius, norm(torch.maximum(X, 1 - X), "l2"))
        delta = delta + (0.01 + 0.99 * (1 + math.cos(math.pi * k / steps)) / 2) * g / norm(g, "l2")
        delta = (X + delta * radius / norm(delta, "l2")).clamp(0, 1) - X
    found.judge(X + delta)
    return found.distance


def fmn(p, steps=100):
    found, at, radius = Closest(p), X, torch.full((IMAGES,), math.inf)
    known = torch.zeros(IMAGES, dtype=torch.bool)
    for k in range(steps):
        fall = (1 + math.cos(math.pi * k / steps)) / 2
        alpha, gamma = 0.01 + 0.99 * fall, 0.001 + 0.049 * fall
        f, g, _ = with_gradient(at, lambda z, _: margin(z))
        adversarial = found.judge(at)
        known |= adversarial
        estimate = norm(at - X, p)[:, 0] + f.abs() / norm(g, DUAL[p])[:, 0]
        radius = torch.where(
            adversarial,
            torch.minimum(radius * (1 - gamma), found.distance),
            torch.where(known, radius * (1 + gamma), estimate * (1 + 1e-4)),
        )
        u = at + alpha * g / norm(g, "l2")
        if p == "l2":
            s = bisect(lambda s: norm((X + s * (u - X)).clamp(0, 1) - X, p), radius[:, None], torch.ones(IMAGES, 1))
            at = (X + s * (u - X)).clamp(0, 1)
        elif p == "linf":
            at = torch.maximum(torch.minimum(u, X + radius[:, None]), X - radius[:, None]).clamp(0, 1)
        else:
            at = torch.cat([l1_in_box(u[i : i + 1], X[i : i + 1], float(radius[i])) for i in range(IMAGES)])
    found.judge(at)
    return found.distance


def deepfool(p, steps=50):
    found, total, at = Closest(p), torch.zeros_like(X), X
    targets, running = wrong_classes(), margin(logits(X)) <= 0
    for _ in range(steps):
        closest, step = torch.full((IMAGES,), math.inf), torch.zeros_like(X)
        for j in range(CLASSES - 1):
            f, w, _z = with_gradient(at, lambda z, _: z[ROWS, targets[:, j]] - z[ROWS, Y])
            slope = norm(w, DUAL[p])
            distance = f.abs() / slope[:, 0]
            direction = w.sign() if p == "linf" else w / slope
            closer = distance < closest
            closest = torch.where(closer, distance, closest)
            step = torch.where(closer[:, None], (distance[:, None] + 1e-5) * direction, step)
        total = total + step * running[:, None]
        at = torch.where(running[:, None], (X + 1.02 * total).clamp(0, 1), at)
        running &= ~found.judge(at)
    return found.distance


# --- Square: one picture after another, in lists of windows ---


def patch(s, power):
    def half(rows):
        v = torch.zeros(rows, s)
        for n in range(max(rows // 2, s // 2) + 1):
            top, left = max(rows // 2 - n, 0), max(s // 2 - n, 0)
            v[top : rows // 2 + n + 1, left : s // 2 + n + 1] += 1 / (n + 1) ** 2
        return v / max(float(v.norm(power)), 1e-12)

    v = torch.cat([half(s // 2), -half(s - s // 2)])
    v = v / v.norm(power)
    return v.T if torch.rand(()) < 0.5 else v


def sign():
    return 1.0 if torch.rand(()) < 0.5 else -1.0


def square(p, queries=500):
    epsilon, h, broken = EPSILON[p], SIDE, []
    power = ORDER[p]
    for x, y in zip(X.view(-1, SIDE, SIDE), Y):
        ask = lambda v: margin(logits(v.reshape(1, -1)), y[None]).item()
        if ask(x) > 0:
            broken.append(True)
            continue
        if p == "linf":
            best = (x + epsilon * torch.tensor([sign() for _ in range(h)])[None]).clamp(0, 1)
        else:
            s = max(h // 5, 1)
            delta = torch.zeros(h, h)
            for i in range(h // s):
                for j in range(h // s):
                    delta[i * s : i * s + s, j * s : j * s + s] = sign() * patch(s, power)
            delta *= epsilon / delta.norm(power)
            best = sphere(x, delta, p, epsilon)
        value = ask(best)
        for query in range(2, queries + 1):
            if value > 0:
                break
            at = query * 10000 // queries
            share = 0.8 / 2 ** sum(at > limit for limit in (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000))
            s = max(round(math.sqrt(share * h * h)), 1 if p == "linf" else 3)
            s = min(s + 1 if p != "linf" and s % 2 == 0 else s, h)
            i, j, k, l = (int(torch.randint(h - s + 1, ())) for _ in range(4))
            if p == "linf":
                candidate = best.clone()
                candidate[i : i + s, j : j + s] = (x[i : i + s, j : j + s] + sign() * epsilon).clamp(0, 1)
            else:
                delta = best - x
                mask = torch.zeros(h, h, dtype=torch.bool)
                mask[i : i + s, j : j + s] = mask[k : k + s, l : l + s] = True
                held = (delta[mask].abs() ** power).sum()
                unused = max(epsilon**power - float((delta.abs() ** power).sum()), 0)
                window = delta[i : i + s, j : j + s].clone()
                fresh = sign() * patch(s, power) + window / (window.norm(power) + 1e-12)
                fresh *= (held + unused) ** (1 / power) / (fresh.norm(power) + 1e-12)
                delta[k : k + s, l : l + s] = 0
                delta[i : i + s, j : j + s] = fresh
                candidate = sphere(x, delta, p, epsilon)
            reached = ask(candidate)
            if reached > value:
                best, value = candidate, reached
        broken.append(value > 0)
    return sum(broken) / len(broken)


def sphere(x, delta, p, epsilon):
    if p == "l2":
        return (x + delta * epsilon / max(float(delta.norm()), 1e-12)).clamp(0, 1)
    return l1_in_box((x + delta).view(1, -1), x.reshape(1, -1), epsilon).view(SIDE, SIDE)


def rounded(values):
    return [None if v == math.inf else float(f"{v:.6g}") for v in values.tolist()]


golden = {"torch": torch.__version__, "pixels": [1, SIDE, SIDE], **NUMBERS, "labels": Y.tolist()}
golden |= {"epsilon": EPSILON, "clean": (margin(logits(X)) > 0).tolist(), "bounded": {}, "minimal": {}, "square": {}}
for p in EPSILON:
    for name, loss in (("ce", cross_entropy), ("dlr", dlr)):
        runs = [apgd(p, loss) for _ in range(2)]
        golden["bounded"][f"apgd-{name}-{p}"] = {
            "loss": sum(float(f.mean()) for _, f, _ in runs) / 2,
            "fromX": flat(apgd(p, loss, random=False)[1]),
            "broken": sum(float((m > 0).double().mean()) for _, _, m in runs) / 2,
        }
    broken = apgd_t(p) > 0
    golden["bounded"][f"apgd-t-{p}"] = {"broken": float(broken.double().mean()), "which": broken.tolist()}
    golden["square"][f"square-{p}"] = square(p)
    golden["minimal"][f"fab-t-{p}"] = rounded(fab_t(p))
    golden["minimal"][f"fmn-{p}"] = rounded(fmn(p))
    if p != "l1":
        golden["minimal"][f"deepfool-{p}"] = rounded(deepfool(p))
    print(p, golden["bounded"], golden["square"], flush=True)
golden["minimal"]["ddn-l2"] = rounded(ddn())
golden["multiTargeted"] = {f"pgd-t-{p}": flat(pgd_t(p)) for p in ("linf", "l2")}
for name, values in golden["minimal"].items():
    finite = [v for v in values if v is not None and v > 0]
    print(name, len(finite), sum(finite) / len(finite))
Path(__file__).with_suffix(".json").write_text(json.dumps(golden) + "\n")
