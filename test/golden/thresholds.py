"""Writes thresholds.json.gz: 2^64 F((k + 1/2)/255), rounded down, for k = -m ... -1, of noises on the grid of 8-bit pixels.

F is the cumulative distribution function of one pixel's noise, computed by mpmath in 60 digits; the parameters are those
doubles that the names round to. Run: python3 test/golden/thresholds.py
"""
import gzip
import json
import os

from mpmath import erfc, exp, floor, mp, mpf, pi, sqrt

mp.dps = 60
TAIL = mpf(2) ** -62


def normal(x, s):
    return erfc(-x / s / sqrt(2)) / 2


def uniform(x, b):
    return max(mpf(0), (x + b) / (2 * b))


def laplace(x, s):
    return exp(x / s) / 2


def normal_integral(x, s):
    return x * normal(x, s) + s * exp(-((x / s) ** 2) / 2) / sqrt(2 * pi)


def conv(x, s, b):
    return (normal_integral(x + b, s) - normal_integral(x - b, s)) / (2 * b)


def mix(x, s, b):
    return (normal(x, s) + uniform(x, b)) / 2


FUNCTIONS = {"normal": normal, "uniform": uniform, "laplace": laplace, "conv": conv, "mix": mix}
NAMES = [
    "normal:0.25", "normal:0.12", "normal:0.013", "normal:0.97",
    "uniform:0.2", "uniform:0.01", "uniform:0.9",
    "laplace:0.2", "laplace:0.013",
    "conv:0.25:0.2", "conv:0.5:0.02", "conv:0.02:0.5",
    "mix:0.25:0.2", "mix:0.05:0.4",
]


def thresholds(name):
    kind, *values = name.split(":")
    parameters = [mpf(float(value)) for value in values]
    found = []
    k = -1
    while True:
        probability = FUNCTIONS[kind]((mpf(2 * k + 1) / 2) / 255, *parameters)
        if probability <= TAIL:
            return found
        found.append(format(int(floor(probability * 2**64)), "x"))
        k -= 1


path = os.path.join(os.path.dirname(__file__), "thresholds.json.gz")
text = json.dumps({name: thresholds(name) for name in NAMES}, separators=(",", ":"))
with open(path, "wb") as file:
    file.write(gzip.compress(text.encode(), 9, mtime=0))
print(path, len(text), os.path.getsize(path))
