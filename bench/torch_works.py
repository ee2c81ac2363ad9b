"""The pieces of work in PyTorch, eager, as its libraries do them; `step` is timed, `check` gives numbers to compare.

A check draws what is random from the keys in `details`, a timed step from PyTorch's generator.
"""

import numpy
import torch
from torch.nn import functional

from torch_keys import fold, uniform
from torch_networks import arrays


class Keys:
    """Draws that our side makes as well: one key [n, 2] per example."""

    def __init__(self, words, rows):
        self.words = numpy.array(words, dtype=numpy.uint32)[rows]

    def fold(self, data):
        other = object.__new__(Keys)
        other.words = fold(self.words, data)
        return other

    def uniform(self, like, bound):
        drawn = torch.from_numpy(uniform(self.words, like.shape[1:], -bound, bound))
        return drawn.to(like.dtype)


class Draws:
    """PyTorch's own draws behind the same interface."""

    def fold(self, _):
        return self

    def uniform(self, like, bound):
        return torch.empty_like(like).uniform_(-bound, bound)


def plain_slope(module, point, labels, _):
    """Gradient of the summed cross-entropy by the pixels; parameters ask for none."""
    point.requires_grad_()
    loss = functional.cross_entropy(module(point), labels, reduction="sum")
    (slope,) = torch.autograd.grad(loss, point)
    return slope


def pgd(module, x, labels, draws, epsilon, size, steps, slope=plain_slope):
    """Madry et al. 2018, arXiv:1706.06083, in ℓ∞, with one random start; every image takes every step."""
    low, high = (x - epsilon).clamp_(min=0), (x + epsilon).clamp_(max=1)
    own = draws.fold(1)
    point = (x + own.fold(0).uniform(x, epsilon)).clamp_(0, 1)
    for step in range(1, steps + 1):
        direction = slope(module, point, labels, own.fold(step)).sign_()
        point = torch.clamp(point.detach().add_(direction, alpha=size), low, high)
    return point


class Gradient:
    """Loss and its gradient by the pixels, weights and running statistics fixed."""

    def __init__(self, module, x, labels, batch, details):
        self.module = module.eval().requires_grad_(False)
        self.x, self.labels = x[:batch], labels[:batch]

    def step(self):
        x = self.x.detach().requires_grad_()
        loss = functional.cross_entropy(self.module(x), self.labels, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, x)
        return loss.item() / len(self.labels), gradient

    def check(self):
        loss, gradient = self.step()
        return {"loss": loss}, {"gradient": gradient}


class Train:
    """A batch forward with its own statistics, all gradients, and the update of SGD with Nesterov momentum."""

    def __init__(self, module, x, labels, batch, details):
        self.module, self.x, self.labels, self.details = module.train(), x, labels, details
        places = [slice(i, i + batch) for i in range(0, len(labels), batch)]
        self.batches, self.next = [(x[place], labels[place]) for place in places], 0
        self.named = {name: a for name, a in arrays(module).items() if a.requires_grad}
        self.optimizer = torch.optim.SGD(
            self.named.values(),
            lr=details["rate"],
            momentum=details["momentum"],
            weight_decay=details["weightDecay"],
            nesterov=True,
        )

    def examples(self, x, labels, draws):
        return x

    def update(self, x, labels):
        self.optimizer.zero_grad(set_to_none=True)
        loss = functional.cross_entropy(self.module(x), labels)
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def step(self):
        x, labels = self.batches[self.next % len(self.batches)]
        self.next += 1
        return self.update(self.examples(x, labels, Draws()), labels)

    def check(self):
        """From weights that no step has changed."""
        first = self.details["first"]
        x = self.x[first].contiguous(memory_format=self.format)
        labels = self.labels[first]
        keys = Keys(self.details["keys"], slice(None))
        loss = self.update(self.examples(x, labels, keys), labels)
        state = self.optimizer.state
        velocities = {f"momentum/{name}": state[p]["momentum_buffer"] for name, p in self.named.items()}
        return {"loss": loss}, velocities


class AdversarialTrain(Train):
    """The same on what PGD makes of the batch; it meets running statistics, and weights that ask for no gradient."""

    def attack(self, x, labels, draws):
        d = self.details
        return pgd(self.module, x, labels, draws, d["epsilon"], d["stepSize"], d["steps"])

    def examples(self, x, labels, draws):
        self.module.eval().requires_grad_(False)
        attacked = self.attack(x, labels, draws)
        self.module.train().requires_grad_(True)
        return attacked


class FastAdversarialTrain(AdversarialTrain):
    """One step of length ε from noise of radius 2ε, not projected: N-FGSM (de Jorge et al. 2022, arXiv:2202.01181)."""

    def attack(self, x, labels, draws):
        epsilon = self.details["epsilon"]
        start = (x + draws.fold(0).uniform(x, 2 * epsilon)).clamp_(0, 1)
        direction = plain_slope(self.module, start, labels, None).sign_()
        return start.detach().add_(direction, alpha=epsilon).clamp_(0, 1)


class Evaluation:
    """Accuracy before and after an attack, in batches."""

    def __init__(self, module, x, labels, batch, details):
        self.module = module.eval().requires_grad_(False)
        self.x, self.labels, self.details = x, labels, details
        self.places = [slice(i, i + batch) for i in range(0, len(labels), batch)]

    def right(self, x, labels):
        with torch.no_grad():
            return (self.module(x).argmax(1) == labels).float()

    def step(self):
        self.numbers(lambda name, place: Draws())

    def check(self):
        return self.numbers(lambda name, place: Keys(self.details[name], place)), {}


class PgdAccuracy(Evaluation):
    def numbers(self, draws):
        d, clean, correct = self.details, [], []
        for place in self.places:
            x, labels = self.x[place], self.labels[place]
            clean += self.right(x, labels).tolist()
            settings = (d["epsilon"], d["stepSize"], d["steps"])
            point = pgd(self.module, x, labels, draws("attack", place), *settings)
            correct += self.right(point, labels).tolist()
        return {"clean": clean, "correct": correct}


class Expectation(Evaluation):
    """The mean loss over noise draws, one draw of all images at a time; then accuracy over fresh draws."""

    def slope(self, module, point, labels, draws):
        total = torch.zeros_like(point)
        for draw in range(self.details["eot"]):
            noisy = point + draws.fold(draw).fold(0).uniform(point, self.details["noise"])
            total += plain_slope(module, noisy, labels, None)
        return total

    def share(self, x, labels, draws, first):
        noise, count = self.details["noise"], self.details["draws"]
        right = [
            self.right(x + draws.fold(draw).fold(0).uniform(x, noise), labels) for draw in range(count)
        ]
        return torch.stack(right[first:]).mean(0).tolist()

    def numbers(self, draws):
        d, clean, correct = self.details, [], []
        # The other half of our side's draws chooses among attacks.
        half = 0 if d["draws"] == 1 else (d["draws"] + 1) // 2
        for place in self.places:
            x, labels = self.x[place], self.labels[place]
            clean += self.share(x, labels, draws("clean", place), 0)
            settings = (d["epsilon"], d["stepSize"], d["steps"], self.slope)
            point = pgd(self.module, x, labels, draws("attack", place), *settings)
            correct += self.share(point, labels, draws("score", place), half)
        return {"clean": clean, "correct": correct}


class CarliniWagner(Evaluation):
    """Carlini & Wagner 2017, arXiv:1608.04644, §V–VI.A: all images of a batch take their steps together."""

    def numbers(self, draws):
        clean, correct, l2 = [], [], []
        for place in self.places:
            x, labels = self.x[place], self.labels[place]
            clean += self.right(x, labels).tolist()
            nearest = self.attack(x, labels)
            correct += self.right(nearest, labels).tolist()
            l2 += (nearest - x).flatten(1).norm(dim=1).tolist()
        return {"clean": clean, "correct": correct, "l2": l2}

    def attack(self, x, labels):
        d, count = self.details, len(labels)
        origin = torch.atanh((2 * x - 1) * (1 - 1e-6))
        others = functional.one_hot(labels, d["classes"]).to(x.dtype) * -1e9
        low, high = torch.zeros(count), torch.full((count,), 1e10)
        c = torch.full((count,), d["initialConstant"])
        nearest, distance = x.clone(), torch.full((count,), float("inf"))
        for _ in range(d["searches"]):
            w = origin.clone().requires_grad_()
            optimizer = torch.optim.Adam([w], lr=d["learningRate"])
            succeeded, previous = torch.zeros(count, dtype=torch.bool), float("inf")
            for step in range(d["steps"]):
                point = (torch.tanh(w) + 1) / 2
                length = (point - x).square().flatten(1).sum(1)
                logits = self.module(point)
                margin = (logits + others).amax(1) - logits.gather(1, labels[:, None])[:, 0]
                loss = (length + c * (-margin).clamp(min=0)).sum()
                with torch.no_grad():
                    found = margin > 0
                    succeeded |= found
                    closer = found & (length < distance)
                    distance = torch.where(closer, length, distance)
                    nearest[closer] = point[closer]
                # Batch-wide: the search ends where a tenth of the steps has not lowered the sum of all images' losses.
                if d["abortEarly"] and step % max(1, d["steps"] // 10) == 0:
                    value = loss.item()
                    if value > 0.9999 * previous:
                        break
                    previous = value
                (w.grad,) = torch.autograd.grad(loss, w)
                optimizer.step()
            high = torch.where(succeeded, torch.minimum(high, c), high)
            low = torch.where(succeeded, low, torch.maximum(low, c))
            c = torch.where(high < 1e9, (low + high) / 2, 10 * c)
        return nearest


WORKS = {
    "gradient": Gradient,
    "train": Train,
    "at-train": AdversarialTrain,
    "fast-at-train": FastAdversarialTrain,
    "pgd-accuracy": PgdAccuracy,
    "cw": CarliniWagner,
    "eot": Expectation,
}
