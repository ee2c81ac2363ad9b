"""Theorem 1's log10 ratios by other means than src/theory; writes theory.json. Run: /usr/bin/python3 test/golden/theory.py (needs mpmath)."""

import json
from pathlib import Path

from mpmath import acos, binomial, erf, exp, findroot, gamma, gammainc, inf, log, log10, loggamma, mp, mpc, mpf, pi, sqrt

mp.dps = 30


def radius(d, p, q):
    """Of the lp ball with the volume of the unit lq ball."""
    inverse = lambda x: mpf(0) if x == inf else 1 / mpf(x)
    log_gamma = lambda n, x: loggamma(1 + n * inverse(x))
    return exp(log_gamma(1, q) - log_gamma(1, p) + (log_gamma(d, p) - log_gamma(d, q)) / d)


def simplex(d):
    """p = 1, q = inf: the sum of d uniform numbers (Irwin 1927, Hall 1927), exact but for rounding."""
    mp.dps = 40 + d  # the sum alternates
    s = radius(d, 1, inf)
    total = sum((-1) ** k * binomial(d, k) * (s - k) ** d for k in range(int(s) + 1))
    result = log10(total) - loggamma(d + 1) / log(10)
    mp.dps = 30
    return result


def plane(p, q):
    """d = 2: elementary."""
    if (p, q) == (2, inf):  # a disc without four caps
        r = radius(2, 2, inf)
        return log10((pi * r**2 - 4 * (r**2 * acos(1 / r) - sqrt(r**2 - 1))) / 4)
    h = radius(2, 1, 2) / sqrt(mpf(2))  # (1, 2): the unit disc without four caps
    return log10((pi - 4 * (acos(h) - h * sqrt(1 - h**2))) / pi)


def space():
    """d = 3, p = 2, q = inf: a ball without six caps, which do not meet while r**2 < 2."""
    r = radius(3, 2, inf)
    return log10((4 * pi * r**3 / 3 - 6 * pi * (r - 1) ** 2 * (2 * r + 1) / 3) / 8)


def cube(d, p):
    """q = inf: the Laplace transform inverted on a line left of the saddle point, with incomplete gamma functions."""
    s = radius(d, p, inf) ** p
    if p == 2:
        m = lambda t: sqrt(pi / t) * erf(sqrt(t)) / 2
    else:
        m = lambda t: gammainc(mpf(1) / p, 0, t) / (p * t ** (mpf(1) / p))
    slope = lambda t: s + d * mp.diff(lambda x: log(m(x)), t) - 1 / t
    saddle = findroot(slope, mpf("1.3"))
    c = saddle - min(saddle / 4, 1 / sqrt(mpf(d)))
    curvature = d * mp.diff(lambda x: log(m(x)), saddle, 2) + 1 / saddle**2
    top = saddle * s + d * log(m(saddle)) - log(saddle)
    h = min(1 / (3 * sqrt(curvature)), c / 9)
    total, k = mpf(0), 0
    while True:
        t = mpc(c, k * h)
        term = exp(t * s + d * log(m(t)) - log(t) - top)
        total += term.real / (2 if k == 0 else 1)
        if abs(term) < mpf("1e-17"):
            break
        k += 1
    return (top + log(total * h / pi)) / log(10)


def pair(d, p, q, steps=120):
    """Two finite orders: the double Laplace transform inverted on two lines, in double precision (for d of a hundred or more)."""
    import numpy as np

    a = float(radius(d, p, q) ** p)
    s = np.linspace(-4, 4, 801)
    x = np.exp(s - np.exp(-s))
    weight = 2 * x * (1 + np.exp(-s)) * (8 / 800)
    low, high = 0.0, 1.0
    for _ in range(100):  # the saddle point is on the line p a u + q v = d + p + q
        share = (low + high) / 2
        u, v = share * (d + p + q) / (p * a), (1 - share) * (d + p + q) / q
        scale = v ** (-1 / q)
        density = np.exp(-u * (scale * x) ** p - x**q) * weight
        low, high = (share, high) if a - d * (density @ (scale * x) ** p) / density.sum() < 1 / u else (low, share)
    y = scale * x
    mean = density.sum()
    moment = lambda i, j: density @ (y ** (i * p) * y ** (j * q)) / mean
    du = 12 / np.sqrt(d * (moment(2, 0) - moment(1, 0) ** 2) + u**-2)
    dv = 12 / np.sqrt(d * (moment(0, 2) - moment(0, 1) ** 2) + v**-2)
    # Strong correlation stretches the peak along one diagonal of the box.
    correlation = (moment(1, 1) - moment(1, 0) * moment(0, 1)) / np.sqrt(
        (moment(2, 0) - moment(1, 0) ** 2) * (moment(0, 2) - moment(0, 1) ** 2))
    stretch = 1 / np.sqrt(1 - correlation**2)
    us = np.linspace(-du, du, 2 * steps + 1) * stretch
    vs = np.linspace(-dv, dv, 2 * steps + 1) * stretch
    left = np.exp(-1j * us[:, None] * y**p) * density
    right = np.exp(-1j * vs[:, None] * y**q)
    ratio = left @ right.T / mean
    terms = np.exp(d * np.log(ratio) + 1j * (us[:, None] * a + vs)) * (u * v) / np.outer(u + 1j * us, v + 1j * vs)
    total = terms.sum().real * (us[1] - us[0]) * (vs[1] - vs[0]) / (4 * np.pi**2)
    # The mean is over y = scale x, whose integral has one more factor.
    log_volume = u * a + v + d * np.log(mean * scale) - np.log(u * v) + np.log(total)
    whole = d * (np.log(2) + float(loggamma(1 + 1 / mpf(q)))) - float(loggamma(1 + mpf(d) / mpf(q)))
    return (log_volume - whole) / np.log(10)


rows = [
    *[[d, 1, "inf", simplex(d)] for d in (2, 3, 10, 30, 50, 100, 784, 3072)],
    [2, 2, "inf", plane(2, inf)],
    [3, 2, "inf", space()],
    *[[d, 2, "inf", cube(d, 2)] for d in (60, 100, 784, 3072, 150528, 10**7)],
    *[[d, 3, "inf", cube(d, 3)] for d in (60, 200)],
    [300, 10, "inf", cube(300, 10)],
    [2, 1, 2, plane(1, 2)],
    *[[d, p, q, pair(d, p, q)] for p, q in ((1, 2), (2, 4), (1.5, 3), (1, 4)) for d in (100, 1000, 10**5, 10**7)],
]
values = [[d, p, q, float(ratio)] for d, p, q, ratio in rows]
Path(__file__).with_suffix(".json").write_text(json.dumps(values, indent=1) + "\n")
