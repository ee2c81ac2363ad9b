// Sigmoids, shares, odds and softplus as files write them out, several operators at once.

import { is, type Value } from "../../engine/graph/value.ts";
import { constantNumber, isSame, withNumber } from "./constants.ts";
import { rangeOf } from "./ranges.ts";
import { between, INFINITY, map, type ScoreMap } from "./score-map.ts";

/** A number added to eⁿ, and n. */
export function plusExponential(value: Value): { readonly n: Value; readonly c: number } | null {
  if (!is(value, "Add")) return null;
  const found = withNumber(value);
  if (found === null || found.c <= 0 || !is(found.x, "Exp")) return null;
  return { n: found.x.inputs[0], c: found.c };
}

/** What a value is the negative of, written as −x or x·(−1); null for any other. */
export function negated(value: Value): Value | null {
  if (is(value, "Neg")) return value.inputs[0];
  const scaled = is(value, "Mul") ? withNumber(value) : null;
  return scaled?.c === -1 ? scaled.x : null;
}

/** a / (c + eⁿ), a falling sigmoid of n; its middle is a/2c, where eⁿ = c. */
export function fallingSigmoid(a: number | null, bottom: Value): ScoreMap | null {
  const below = plusExponential(bottom);
  if (a === null || a <= 0 || below === null) return null;
  const { n, c } = below;
  const inverse = (t: number) => Math.log(a / t - c);
  const middle = a / c / 2;
  const z = negated(n);
  if (z === null) return map(n, "Sigmoid", -1, between(0, a / c, inverse, -1), { middle });
  return map(
    z,
    "Sigmoid",
    1,
    between(0, a / c, (t) => -inverse(t)),
    { middle },
  );
}

/** x / (x + c) for positive x: a sigmoid of log(x / c), so that eᶻ / (eᶻ + 1) is one of z. */
export function share({ inputs: [x, bottom] }: Value): ScoreMap | null {
  if (!is(bottom, "Add")) return null;
  const rest = bottom.inputs.find((_, i) => isSame(bottom.inputs[1 - i], x));
  const c = rest === undefined ? null : constantNumber(rest);
  if (c === null || c <= 0 || rangeOf(x).low < 0) return null;
  const inverse = (t: number) => (c * t) / (1 - t);
  if (is(x, "Exp"))
    return map(
      x.inputs[0],
      "Sigmoid",
      1,
      between(0, 1, (t) => Math.log(inverse(t))),
      { middle: 0.5 },
    );
  return map(x, "x / (x + c)", 1, between(0, 1, inverse), { middle: 0.5 });
}

/** x / (|x| + c), which is called softsign. */
export function softsign({ inputs: [x, bottom] }: Value): ScoreMap | null {
  if (!is(bottom, "Add")) return null;
  const found = withNumber(bottom);
  if (found === null || found.c <= 0 || !is(found.x, "Abs")) return null;
  if (!isSame(found.x.inputs[0], x)) return null;
  const { c } = found;
  return map(
    x,
    "Softsign",
    1,
    between(-1, 1, (t) => (c * t) / (1 - Math.abs(t))),
    { middle: 0 },
  );
}

/** x / (c − x) for shares x of c: the odds. */
export function odds({ inputs: [x, bottom] }: Value): ScoreMap | null {
  if (!is(bottom, "Sub") || !isSame(bottom.inputs[1], x)) return null;
  const c = constantNumber(bottom.inputs[0]);
  const { low, high } = rangeOf(x);
  if (c === null || c <= 0 || low < 0 || high > c) return null;
  return map(
    x,
    "odds",
    1,
    between(0, INFINITY, (t) => (c * t) / (1 + t)),
  );
}

/** max(x, 0) + log(1 + e^−|x|), as softplus is written where nothing may overflow. */
export function softplus({ inputs: [a, b] }: Value): ScoreMap | null {
  const top = is(a, "Max") ? withNumber(a) : null;
  if (top?.c !== 0 || !is(b, "Log")) return null;
  const below = plusExponential(b.inputs[0]);
  const size = below === null ? null : negated(below.n);
  if (below?.c !== 1 || size === null || !is(size, "Abs") || !isSame(size.inputs[0], top.x))
    return null;
  return map(
    top.x,
    "Softplus",
    1,
    between(0, INFINITY, (t) => Math.log(Math.expm1(t))),
  );
}
