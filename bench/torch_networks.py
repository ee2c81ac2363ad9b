"""Our networks written again in PyTorch, with our names for their arrays; shares no code with src.

Wide ResNet: Zagoruyko & Komodakis 2016, arXiv:1605.07146, in its pre-activation form.
"""

import re

import torch
from torch import nn
from torch.nn import functional


class Normalize(nn.Module):
    """(x - mean) / std per channel, for pixels in [0, 1]."""

    def __init__(self, mean, std):
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1), persistent=False)

    def forward(self, x):
        return (x - self.mean) / self.std


def convolution(into, out, kernel, stride=1, bias=False):
    return nn.Conv2d(into, out, kernel, stride=stride, padding=kernel // 2, bias=bias)


class Block(nn.Module):
    def __init__(self, into, out, stride):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(into)
        self.conv1 = convolution(into, out, 3, stride)
        self.bn2 = nn.BatchNorm2d(out)
        self.conv2 = convolution(out, out, 3)
        self.shortcut = None
        if into != out or stride != 1:
            self.shortcut = convolution(into, out, 1, stride)

    def forward(self, x):
        a = functional.relu(self.bn1(x))
        b = functional.relu(self.bn2(self.conv1(a)))
        return self.conv2(b) + (x if self.shortcut is None else self.shortcut(a))


class WideResNet(nn.Module):
    def __init__(self, depth, width, channels, classes, mean, std):
        super().__init__()
        self.normalize = Normalize(mean, std)
        self.conv0 = convolution(channels, 16, 3)
        into = 16
        for group in (1, 2, 3):
            out = 16 * width * 2 ** (group - 1)
            blocks = nn.Module()
            for i in range((depth - 4) // 6):
                blocks.add_module(f"block{i}", Block(into, out, 2 if group > 1 and i == 0 else 1))
                into = out
            self.add_module(f"group{group}", blocks)
        self.bn = nn.BatchNorm2d(into)
        self.fc = nn.Linear(into, classes)

    def forward(self, x):
        x = self.conv0(self.normalize(x))
        for group in (self.group1, self.group2, self.group3):
            for block in group.children():
                x = block(x)
        return self.fc(functional.relu(self.bn(x)).mean((2, 3)))


class SmallNetwork(nn.Module):
    def __init__(self, channels, size, classes, mean, std):
        super().__init__()
        self.normalize = Normalize(mean, std)
        self.conv0 = convolution(channels, 16, 3, 2, bias=True)
        self.conv1 = convolution(16, 32, 3, 2, bias=True)
        self.conv2 = convolution(32, 64, 3, 2, bias=True)
        height, width = (-(-n // 8) for n in size)
        self.fc = nn.Linear(64 * height * width, classes)

    def forward(self, x):
        x = self.normalize(x)
        for layer in (self.conv0, self.conv1, self.conv2):
            x = functional.relu(layer(x))
        return self.fc(x.flatten(1))


def network(name, shape, classes, mean, std):
    """The network of this name for images of `shape` [channel, height, width]."""
    channels, *size = shape
    wide = re.fullmatch(r"wrn-(\d+)-(\d+)", name)
    if wide:
        return WideResNet(int(wide[1]), int(wide[2]), channels, classes, mean, std)
    if name == "cnn-small":
        return SmallNetwork(channels, size, classes, mean, std)
    raise ValueError(f"no PyTorch network of the name {name}")


def imported(name):
    """A classifier of torchvision with random weights, the same in every process, and statistics as training leaves them."""
    from torchvision import models

    torch.manual_seed(0)
    module = getattr(models, name)(weights=None)
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.running_mean, std=0.1)
            nn.init.uniform_(layer.running_var, 0.5, 1.5)
    return module.eval()


NORM_PARTS = {
    "weight": "scale",
    "bias": "bias",
    "running_mean": "mean",
    "running_var": "variance",
}


def arrays(module):
    """Every parameter and running statistic under the name that our library gives it."""
    named = {}
    for owner, layer in module.named_modules():
        if isinstance(layer, nn.BatchNorm2d):
            for part, ours in NORM_PARTS.items():
                named[f"{owner}.{ours}"] = getattr(layer, part)
        elif isinstance(layer, (nn.Conv2d, nn.Linear)):
            if layer.bias is None:
                named[owner] = layer.weight
            else:
                named[f"{owner}.weight"] = layer.weight
                named[f"{owner}.bias"] = layer.bias
    return named
