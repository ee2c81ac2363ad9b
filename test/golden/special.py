"""Special functions at 40 digits; writes special.json. Run: /usr/bin/python3 test/golden/special.py (needs mpmath)."""

import json
from pathlib import Path

from mpmath import betainc, erfinv, findroot, loggamma, mp, mpf, ncdf, sqrt

mp.dps = 40

probabilities = ["1e-300", "1e-20", "1e-10", "1e-4", "0.01", "0.074", "0.076", "0.3", "0.5", "0.6", "0.925", "0.975", "0.9999"]
points = ["-30", "-8", "-3.1", "-3", "-2.9", "-1", "-0.1", "0", "0.5", "1.96", "2.99", "3.5", "6"]
gammas = ["0.5", "1", "1.5", "2", "3.7", "10", "100.5", "5000"]
betas = [
    ("0.3", "2", "3"),
    ("0.9", "2", "3"), ("0.01", "0.5", "10"), ("0.5", "100", "101"), ("0.999", "500", "1"), ("0.2", "0.5", "0.5"), ("0.048", "500", "9500")]


def quantile(p):
    # erfinv loses its digits next to -1, so far in the tail solve for it, starting at the leading term.
    if p > mpf("1e-8"):
        return sqrt(mpf(2)) * erfinv(2 * p - 1)
    return findroot(lambda z: mp.log(ncdf(z)) - mp.log(p), -sqrt(-2 * mp.log(p)))


values = {
    "normalQuantile": [[float(p), float(quantile(mpf(float(p))))] for p in probabilities],
    "normalCdf": [[float(z), float(ncdf(mpf(float(z))))] for z in points],
    "logGamma": [[float(x), float(loggamma(mpf(float(x))))] for x in gammas],
    "betaCdf": [[*map(float, (x, a, b)), float(betainc(mpf(a), mpf(b), 0, mpf(float(x)), regularized=True))] for x, a, b in betas],
}
Path(__file__).with_suffix(".json").write_text(json.dumps(values, indent=1) + "\n")
