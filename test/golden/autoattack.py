"""AutoAttack's standard version in PyTorch, at full length on two real networks; writes autoattack.json.

    RAMPART_DATA=… /usr/bin/python3 test/golden/autoattack.py run WORK [NETWORK]   an hour of one core; goes on where it was stopped
    RAMPART_DATA=… /usr/bin/python3 test/golden/autoattack.py alone WORK [NETWORK]   each attack on all images
    RAMPART_DATA=… /usr/bin/python3 test/golden/autoattack.py collect WORK   both sides' verdicts → autoattack.json

Written from the papers (Croce & Hein 2020, arXiv:2003.01690; FAB: arXiv:1907.02044; Square: Andriushchenko et al. 2020,
arXiv:1912.00049); it shares no code with src: networks are interpreted from the ONNX file by the few lines below, gradients are
autograd's, and random draws torch's. WORK holds a line per block of images and attack in
pytorch.jsonl (pytorch-alone.jsonl), and Rampart's rows in rampart-NETWORK-NORM.jsonl (docs/autoattack.md has the commands).
"""

import json
import math
import os
import sys
import time
from pathlib import Path

import numpy
import torch
import torch.nn.functional as F

torch.set_num_threads(1)
HERE = Path(__file__).parent
DATA = Path(os.environ.get("RAMPART_DATA", HERE / "../../../shared/data"))
NETWORKS = {
    "resnet-2b": {
        "file": DATA / "vnncomp/2021_cifar10_resnet/onnx/resnet_2b.onnx",
        "mean": [0.4914, 0.4822, 0.4465],
        "std": [0.2471, 0.2435, 0.2616],
        "epsilon": {"linf": 2 / 255, "l2": 0.25},
    },
    "at-linf": {
        "file": HERE / "../models/at-linf.onnx",
        "epsilon": {"linf": 0.031, "l2": 0.83},
    },
}
PAIRS = [("resnet-2b", "linf"), ("at-linf", "linf"), ("resnet-2b", "l2"), ("at-linf", "l2")]
ATTACKS = ["apgd-ce", "apgd-t", "fab-t", "square"]
IMAGES, BLOCK, STEPS, TARGETS, QUERIES, SEED = 1000, 128, 100, 9, 5000, 0
ROUNDING = 1e-6  # of float32, in a distance


# --- the networks ---


def fields(message):
    """(number, value) of each field of a protobuf message: an int, or bytes."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        key = varint()
        kind = key & 7
        if kind == 0:
            yield key >> 3, varint()
            continue
        length = {1: 8, 5: 4}.get(kind) or varint()
        yield key >> 3, message[at : at + length]
        at += length


def constant(message):
    """A TensorProto of float32 or int64 in raw_data: its name and its values."""
    parts = list(fields(message))
    dims = [v for n, v in parts if n == 1]
    found = {n: v for n, v in parts if n != 1}
    values = numpy.frombuffer(found[9], {1: "<f4", 7: "<i8"}[found[2]])
    return found[8].decode(), torch.from_numpy(values.copy()).view(dims)


def attribute(message):
    parts = list(fields(message))
    name = next(v for n, v in parts if n == 1).decode()
    lists = [v for n, v in parts if n == 8]
    single = [v for n, v in parts if n == 3]
    packed = [w for v in lists for w in ([v] if isinstance(v, int) else list(v))]
    return name, packed if packed else single[0] if single else None


def conv(attrs, x, w, b=None):
    pads = attrs.get("pads", [0, 0, 0, 0])
    assert pads[:2] == pads[2:]
    return F.conv2d(x, w, b, attrs.get("strides", [1, 1]), pads[:2])


OPERATORS = {
    "Add": lambda _, a, b: a + b,
    "Conv": conv,
    "Div": lambda _, a, b: a / b,
    "Flatten": lambda _, x: x.flatten(1),
    "Gemm": lambda attrs, x, w, b: F.linear(x, w if attrs.get("transB") else w.T, b),
    "Identity": lambda _, x: x,
    "MatMul": lambda _, a, b: a @ b,
    "Mul": lambda _, a, b: a * b,
    "ReduceSum": lambda attrs, x, axes: x.sum(axes.tolist(), keepdim=bool(attrs.get("keepdims", 1))),
    "Relu": lambda _, x: x.relu(),
    "Reshape": lambda _, x, shape: x.reshape(shape.tolist()),
    "Sqrt": lambda _, x: x.sqrt(),
    "Sub": lambda _, a, b: a - b,
    "Transpose": lambda attrs, x: x.permute(attrs["perm"]),
}


def network(file, mean=None, std=None, **_):
    """Pixels in [0, 1], [n, 3, 32, 32], to logits [n, 10]."""
    graph = list(fields(dict(fields(Path(file).read_bytes()))[7]))
    known = dict(constant(v) for n, v in graph if n == 5)
    inputs = [next(w for m, w in fields(v) if m == 1).decode() for n, v in graph if n == 11]
    (pixels,) = [name for name in inputs if name not in known]
    (output,) = [next(w for m, w in fields(v) if m == 1).decode() for n, v in graph if n == 12]
    program = []
    for _, node in [field for field in graph if field[0] == 1]:
        parts = list(fields(node))
        texts = lambda number: [v.decode() for n, v in parts if n == number]
        step = texts(4)[0], dict(attribute(v) for n, v in parts if n == 5), texts(1), texts(2)[0]
        if all(name in known for name in step[2]):
            known[step[3]] = OPERATORS[step[0]](step[1], *(known[name] for name in step[2]))
        else:
            program.append(step)
    if mean is not None:
        mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (mean, std))

    def logits(x):
        values = {pixels: x if mean is None else (x - mean) / std}
        for op, attrs, names, out in program:
            ins = (values[name] if name in values else known[name] for name in names)
            values[out] = OPERATORS[op](attrs, *ins)
        return values[output]

    return logits


def pictures():
    raw = numpy.fromfile(DATA / "cifar10/test_batch.bin", "u1").reshape(-1, 3073)[:IMAGES]
    x = torch.from_numpy(raw[:, 1:].astype("f4") / numpy.float32(255)).view(-1, 3, 32, 32)
    return x, torch.from_numpy(raw[:, 0].astype("i8"))


# --- losses; each row is one image ---


def at_class(z, c):
    return z.gather(1, c[:, None])[:, 0]


def margin(z, y):
    return z.scatter(1, y[:, None], -math.inf).max(1).values - at_class(z, y)


def cross_entropy(z, y, _):
    return F.cross_entropy(z, y, reduction="none")


def dlr_targeted(z, y, target):
    top = z.sort(1, descending=True).values
    return (at_class(z, target) - at_class(z, y)) / (top[:, 0] - (top[:, 2] + top[:, 3]) / 2 + 1e-12)


def difference(z, y, target):
    return at_class(z, target) - at_class(z, y)


def climb(net, at, loss, y, target):
    """The loss, its gradient and the margin."""
    at = at.detach().requires_grad_()
    z = net(at)
    values = loss(z, y, target)
    (gradient,) = torch.autograd.grad(values.sum(), at)
    return values.detach(), gradient, margin(z.detach(), y)


def rivals(net, x, y):
    """The wrong classes, the likeliest first, [n, 9]."""
    with torch.no_grad():
        z = net(x).scatter(1, y[:, None], -math.inf)
    return z.sort(1, descending=True).indices[:, :TARGETS]


def each(v):
    """[n] beside [n, 3, 32, 32]."""
    return v.view(-1, 1, 1, 1)


def norm(v, p):
    flat = v.flatten(1)
    return flat.abs().max(1).values if p == "linf" else flat.norm(dim=1)


def taken(state, which):
    return {name: None if v is None else v[which] for name, v in state.items()}


# --- Auto-PGD ---


def into(u, x, p, epsilon):
    if p == "linf":
        return torch.minimum(torch.maximum(u, x - epsilon), x + epsilon).clamp(0, 1)
    delta = u - x
    return (x + delta * each((epsilon / norm(delta, p).clamp(min=1e-12)).clamp(max=1))).clamp(0, 1)


def steepest(g, p):
    return g.sign() if p == "linf" else g / each(norm(g, p).clamp(min=1e-12))


def checkpoints():
    found, period, done = set(), math.ceil(0.22 * STEPS), 0
    while done + period <= STEPS:
        done += period
        found.add(done)
        period = max(period - math.floor(0.03 * STEPS), math.floor(0.06 * STEPS))
    return found


def apgd(net, x, y, p, epsilon, loss, target=None):
    """Which images one ascent breaks, [n]; an image leaves when it is broken."""
    noise = torch.rand_like(x) * 2 - 1 if p == "linf" else torch.randn_like(x)
    start = (x + epsilon * noise / each(norm(noise, p))).clamp(0, 1)
    broken, n = torch.zeros(len(x), dtype=torch.bool), len(x)
    f, g, m = climb(net, start, loss, y, target)
    s = {"id": torch.arange(n), "x": x, "y": y, "target": target, "at": start, "before": start, "f": f, "g": g}
    s |= {"best": start, "best_f": f, "best_g": g, "rises": torch.zeros(n), "check_f": f, "m": m}
    s |= {"eta": torch.full((n,), 2 * epsilon), "halved": torch.ones(n, dtype=torch.bool)}
    checks, last = checkpoints(), 0
    for step in range(1, STEPS + 1):
        if bool((s["m"] > 0).any()):
            broken[s["id"][s["m"] > 0]] = True
            s = taken(s, s["m"] <= 0)
            if len(s["id"]) == 0:
                return broken
        at = into(s["at"] + each(s["eta"]) * steepest(s["g"], p), s["x"], p, epsilon)
        if step > 1:
            at = into(s["at"] + 0.75 * (at - s["at"]) + 0.25 * (s["at"] - s["before"]), s["x"], p, epsilon)
        f, g, m = climb(net, at, loss, s["y"], s["target"])
        better = f > s["best_f"]
        s["rises"] += f > s["f"]
        s |= {"before": s["at"], "at": at, "f": f, "g": g, "m": m}
        s["best"] = torch.where(each(better), at, s["best"])
        s["best_g"] = torch.where(each(better), g, s["best_g"])
        s["best_f"] = torch.where(better, f, s["best_f"])
        if step in checks:
            back = (s["rises"] <= 0.75 * (step - last)) | (~s["halved"] & (s["check_f"] >= s["best_f"]))
            s |= {"halved": back, "check_f": s["best_f"], "rises": torch.zeros_like(s["rises"])}
            s["eta"] = torch.where(back, s["eta"] / 2, s["eta"])
            s["at"] = torch.where(each(back), s["best"], s["at"])
            s["g"] = torch.where(each(back), s["best_g"], s["g"])
            last = step
    broken[s["id"][s["m"] > 0]] = True
    return broken


def apgd_ce(net, x, y, p, epsilon):
    return apgd(net, x, y, p, epsilon, cross_entropy)


def apgd_t(net, x, y, p, epsilon):
    broken, targets = torch.zeros(len(x), dtype=torch.bool), rivals(net, x, y)
    for j in range(TARGETS):
        left = (~broken).nonzero()[:, 0]
        if len(left):
            broken[left] = apgd(net, x[left], y[left], p, epsilon, dlr_targeted, targets[left, j])
    return broken


# --- FAB ---


def way(x, w, need, p):
    """The smallest d with ⟨w, d⟩ = need and x + d in the box, or as far as the box goes.

    |d| is min(t · rate, room), rate 1 in ℓ∞ and |w| in ℓ2. ⟨|w|, |d|⟩ grows with t by ever smaller slopes, so t grows from 0 by
    what is missing over the slope of the pixels that still move, until nothing is.
    """
    x, w = x.flatten(1), w.flatten(1)
    direction = w.sign() * need.sign()[:, None]
    room = torch.where(direction > 0, 1 - x, x)
    size, goal = w.abs(), need.abs()
    rate = torch.ones_like(w) if p == "linf" else size
    room_held, steep = size * room, size * rate
    t = torch.zeros_like(goal)
    for _ in range(50):
        moves = t[:, None] * rate < room
        slope = (steep * moves).sum(1)
        missing = goal - t * slope - (room_held * ~moves).sum(1)
        more = (missing > 1e-5 * goal) & (slope > 0)
        if not bool(more.any()):
            break
        t = torch.where(more, t + missing / slope.clamp(min=1e-30), t)
    return (direction * torch.minimum(t[:, None] * rate, room)).view(-1, 3, 32, 32)


def fab_t(net, x, y, p, epsilon):
    n, targets = len(x), rivals(net, x, y)
    distance, closest = torch.full((n,), math.inf), x.clone()

    def judge(ids, at):
        with torch.no_grad():
            m = margin(net(at), y[ids])
        length = norm(at - x[ids], p)
        closer = (m > 0) & (length < distance[ids])
        distance[ids[closer]] = length[closer]
        closest[ids[closer]] = at[closer]
        return m

    for j in range(TARGETS):
        ids = (distance > epsilon + ROUNDING).nonzero()[:, 0]
        at = x[ids]
        for _ in range(STEPS):
            left = distance[ids] > epsilon + ROUNDING
            ids, at = ids[left], at[left]
            if len(ids) == 0:
                break
            own = x[ids]
            f, w, _m = climb(net, at, difference, y[ids], targets[ids, j])
            here = way(at, w, -f, p)
            there = way(own, w, (w * (at - own)).flatten(1).sum(1) - f, p)
            near, far = norm(here, p).clamp(min=1e-8), norm(there, p).clamp(min=1e-8)
            alpha = each((near / (near + far)).clamp(max=0.1))
            at = ((1 - alpha) * (at + 1.05 * here) + alpha * (own + 1.05 * there)).clamp(0, 1)
            adversarial = judge(ids, at) > 0
            at = torch.where(each(adversarial), own + 0.9 * (at - own), at)
    ids = ((distance > epsilon + ROUNDING) & (distance < math.inf)).nonzero()[:, 0]
    if len(ids):
        end, low, high = closest[ids].clone(), torch.zeros(len(ids)), torch.ones(len(ids))
        with torch.no_grad():
            f_low, f_high = margin(net(x[ids]), y[ids]), margin(net(end), y[ids])
        for _ in range(3):
            middle = low - f_low / (f_high - f_low) * (high - low)
            f = judge(ids, x[ids] + each(middle) * (end - x[ids]))
            low, f_low = torch.where(f > 0, low, middle), torch.where(f > 0, f_low, f)
            high, f_high = torch.where(f > 0, middle, high), torch.where(f > 0, f, f_high)
    return distance <= epsilon + ROUNDING


# --- Square ---


def signs(*shape):
    return torch.randint(2, shape) * 2.0 - 1


def hill(side):
    """η of Alg. 3: a hill above a valley, each of norm 1, then both together; [side, side]."""

    def half(rows):
        v = torch.zeros(rows, side)
        for n in range(max(rows // 2, side // 2) + 1):
            top, left = max(rows // 2 - n, 0), max(side // 2 - n, 0)
            v[top : rows // 2 + n + 1, left : side // 2 + n + 1] += 1 / (n + 1) ** 2
        return v / v.norm()

    both = torch.cat([half(side // 2), -half(side - side // 2)])
    return both / both.norm()


HILLS = {side: hill(side) for side in range(3, 33)}


def hills(n, side):
    """η or its transpose for each image, [n, 1, side, side]."""
    eta = HILLS[side]
    return torch.stack([eta, eta.T])[torch.randint(2, (n,))][:, None]


def window(n, side):
    """Rows and columns of a random window of each image, to index [n, 3, 32, 32]."""
    top, left = torch.randint(33 - side, (2, n))
    span = torch.arange(side)
    image = torch.arange(n).view(-1, 1, 1, 1)
    channel = torch.arange(3).view(1, -1, 1, 1)
    return image, channel, (top[:, None] + span).view(n, 1, side, 1), (left[:, None] + span).view(n, 1, 1, side)


def lengths(v):
    """Of each channel, [n, 3, 1, 1]."""
    return v.flatten(2).norm(dim=2)[:, :, None, None]


def on_sphere(x, delta, epsilon):
    return (x + delta * each(epsilon / norm(delta, "l2").clamp(min=1e-12))).clamp(0, 1)


def first(x, p, epsilon):
    n = len(x)
    if p == "linf":
        return (x + epsilon * signs(n, 3, 1, 32)).clamp(0, 1)
    delta, side = torch.zeros_like(x), 6
    for i in range(5):
        for j in range(5):
            at = 1 + i * side, 1 + j * side
            delta[:, :, at[0] : at[0] + side, at[1] : at[1] + side] = signs(n, 3, 1, 1) * hills(n, side)
    return on_sphere(x, delta, epsilon)


def proposal(x, best, p, epsilon, query):
    n, at = len(x), query * 10000 // QUERIES
    share = 0.8 / 2 ** sum(at > limit for limit in (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000))
    side = max(round(math.sqrt(share * 1024)), 1 if p == "linf" else 3)
    if p == "linf":
        there = window(n, side)
        new = best.clone()
        new[there] = (x[there] + epsilon * signs(n, 3, 1, 1)).clamp(0, 1)
        return new
    side += 1 - side % 2
    here, there = window(n, side), window(n, side)
    delta = best - x
    unused = each((epsilon**2 - norm(delta, "l2") ** 2).clamp(min=0))
    old = delta[here]
    outside = delta.clone()
    outside[here] = outside[there] = 0
    held = lengths(delta) ** 2 - lengths(outside) ** 2  # of both windows together
    fresh = signs(n, 3, 1, 1) * hills(n, side) + old / (lengths(old) + 1e-12)
    outside[here] = fresh * (held.clamp(min=0) + unused / 3).sqrt() / (lengths(fresh) + 1e-12)
    return on_sphere(x, outside, epsilon)


@torch.no_grad()
def square(net, x, y, p, epsilon):
    broken, ids = torch.zeros(len(x), dtype=torch.bool), torch.arange(len(x))
    best = first(x, p, epsilon)
    value = margin(net(best), y)
    for query in range(2, QUERIES + 1):
        if bool((value > 0).any()):
            broken[ids[value > 0]] = True
            left = value <= 0
            ids, x, y, best, value = ids[left], x[left], y[left], best[left], value[left]
            if len(ids) == 0:
                return broken
        candidate = proposal(x, best, p, epsilon, query)
        reached = margin(net(candidate), y)
        best = torch.where(each(reached > value), candidate, best)
        value = torch.maximum(reached, value)
    broken[ids[value > 0]] = True
    return broken


# --- the run ---

FUNCTIONS = {"apgd-ce": apgd_ce, "apgd-t": apgd_t, "fab-t": fab_t, "square": square}


def run(work, only=None, alone=False):
    """Each block of images under each attack, of one network or of both: on those that the attacks before it left standing, or on all."""
    log = work / ("pytorch-alone.jsonl" if alone else "pytorch.jsonl")
    done = {}
    if log.exists():
        for line in map(json.loads, log.read_text().splitlines()):
            done[line["network"], line["norm"], line["from"], line["attack"]] = line["broken"]
    x, y = pictures()
    for name, p in PAIRS:
        if only not in (None, name):
            continue
        settings = NETWORKS[name]
        net, epsilon = network(**settings), settings["epsilon"][p]
        with torch.no_grad():
            wrong = torch.cat([margin(net(part), labels) > 0 for part, labels in zip(x.split(BLOCK), y.split(BLOCK))])
        for start in range(0, IMAGES, BLOCK):
            standing = [i for i in range(start, min(start + BLOCK, IMAGES)) if not wrong[i]]
            for number, attack in enumerate(ATTACKS):
                key = name, p, start, attack
                if key not in done:
                    began = time.process_time()
                    torch.manual_seed(SEED + start * 10 + number)
                    ids = torch.tensor(standing, dtype=torch.long)
                    flags = FUNCTIONS[attack](net, x[ids], y[ids], p, epsilon)
                    done[key] = ids[flags].tolist()
                    line = dict(zip(("network", "norm", "from", "attack"), key))
                    line |= {"attacked": len(standing), "broken": done[key]}
                    line |= {"seconds": round(time.process_time() - began, 1)}
                    with log.open("a") as file:
                        file.write(json.dumps(line) + "\n")
                    print(line, flush=True)
                if not alone:
                    standing = [i for i in standing if i not in done[key]]


# --- both sides' verdicts ---

STANDS, WRONG = "-", "w"  # else the first letter of the attack that broke the image: c, t, f or s
LETTERS = {"apgd-ce": "c", "apgd-t": "t", "fab-t": "f", "square": "s"}


def verdicts_here(work, name, p):
    """One letter for each image of the blocks that are done, and the core-seconds of each attack."""
    lines = [json.loads(line) for line in (work / "pytorch.jsonl").read_text().splitlines()]
    lines = [line for line in lines if (line["network"], line["norm"]) == (name, p)]
    x, y = pictures()
    net, letters, seconds = network(**NETWORKS[name]), [], dict.fromkeys(ATTACKS, 0.0)
    for start in range(0, IMAGES, BLOCK):
        own = {line["attack"]: line for line in lines if line["from"] == start}
        if len(own) < len(ATTACKS):
            break
        end = min(start + BLOCK, IMAGES)
        with torch.no_grad():
            wrong = margin(net(x[start:end]), y[start:end]) > 0
        block = [WRONG if w else STANDS for w in wrong]
        for attack, line in own.items():
            seconds[attack] += line["seconds"]
            for i in line["broken"]:
                block[i - start] = LETTERS[attack]
        letters += block
    return "".join(letters), seconds


def verdicts_there(work, name, p):
    """The same of Rampart's rows: every image has a row for each attack up to the one that broke it."""
    letters, seconds = {}, dict.fromkeys(ATTACKS, 0.0)
    rows = work / f"rampart-{name}-{p}.jsonl"
    last = {}
    for row in map(json.loads, rows.read_text().splitlines()) if rows.exists() else ():
        attack = row["attack"].removesuffix(f"-{p}")
        assert math.isclose(row["epsilon"], NETWORKS[name]["epsilon"][p])
        seconds[attack] += row["seconds"]
        if not row["correct"]:
            letters[row["index"]] = LETTERS[attack] if row["clean"] else WRONG
        last[row["index"]] = attack
    for i, attack in last.items():
        if attack == ATTACKS[-1]:
            letters.setdefault(i, STANDS)
    done = next((i for i in range(IMAGES) if i not in letters), IMAGES)
    return "".join(letters[i] for i in range(done)), seconds


def accuracies(letters):
    """In percent: of the clean images, and after each attack in turn; the last is the union's."""
    after, left = {}, len(letters) - letters.count(WRONG)
    after["clean"] = left
    for attack in ATTACKS:
        left -= letters.count(LETTERS[attack])
        after[attack] = left
    return {name: round(100 * n / len(letters), 2) for name, n in after.items()}


def alone(work, name, p, clean):
    """Accuracy in percent that each attack leaves by itself of `clean` images, here and there; None where not all were attacked."""
    left = {attack: {"pytorch": None, "rampart": None} for attack in ATTACKS}
    logs = work / "pytorch-alone.jsonl", work / f"rampart-{name}-{p}-alone.jsonl"
    here, there = ([json.loads(line) for line in log.read_text().splitlines()] if log.exists() else [] for log in logs)
    for attack in ATTACKS:
        blocks = [e["broken"] for e in here if (e["network"], e["norm"], e["attack"]) == (name, p, attack)]
        rows = [e["correct"] for e in there if e["attack"] == f"{attack}-{p}"]
        if len(blocks) * BLOCK >= IMAGES:
            left[attack]["pytorch"] = round(100 * (clean - sum(map(len, blocks))) / IMAGES, 2)
        if len(rows) == IMAGES:
            left[attack]["rampart"] = round(100 * sum(rows) / IMAGES, 2)
    return left


def collect(work):
    golden = {"torch": torch.__version__, "images": IMAGES, "steps": STEPS, "targets": TARGETS, "queries": QUERIES}
    golden |= {"seed": SEED, "letters": LETTERS | {"wrong": WRONG, "stands": STANDS}, "pairs": []}
    for name, p in PAIRS:
        (here, seconds), (there, others) = verdicts_here(work, name, p), verdicts_there(work, name, p)
        n = min(len(here), len(there))
        n -= n % BLOCK if n < IMAGES else 0  # whole blocks
        if n == 0:
            continue
        pair = {"network": name, "norm": p, "epsilon": NETWORKS[name]["epsilon"][p], "images": n}
        for side, letters in (("pytorch", here[:n]), ("rampart", there[:n])):
            pair[side] = {"accuracy": accuracies(letters), "verdicts": letters}
            print(name, p, n, side, pair[side]["accuracy"])
        by_itself = alone(work, name, p, n - here[:n].count(WRONG))
        if all(all(v is not None for v in sides.values()) for sides in by_itself.values()):
            pair["alone"] = by_itself
            print("  each alone:", by_itself)
        robust = [sum(a == STANDS != b for a, b in zip(*two)) for two in ((here, there), (there, here))]
        print("  broken by Rampart alone, by PyTorch alone:", *robust)
        print("  seconds:", seconds, {attack: round(s) for attack, s in others.items()})
        golden["pairs"].append(pair)
    settings = json.loads((work / "rampart-resnet-2b-linf.settings.json").read_text())
    golden["versions"] = settings["versions"]
    Path(__file__).with_suffix(".json").write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    todo = {"run": run, "alone": lambda *given: run(*given, alone=True), "collect": collect}
    todo[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])
