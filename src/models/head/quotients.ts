// Recognises elementwise maps that files write out in several operators: sigmoids, shares, softsign, odds and softplus.

import { is, type Value } from "../../engine/graph/value.ts";
import { constantNumber, isSame, withNumber } from "./constants.ts";
import { rangeOf } from "./ranges.ts";
import { cutBetween, INFINITY, type ScoreMap, scoreMap } from "./score-map.ts";

/** Recognises c + eⁿ with c > 0 for each element n. */
export function plusExponential(value: Value): { readonly n: Value; readonly c: number } | null {
  if (!is(value, "Add")) return null;
  const operands = withNumber(value);
  if (operands === null || operands.c <= 0 || !is(operands.x, "Exp")) return null;
  return { n: operands.x.inputs[0], c: operands.c };
}

/** The x, of any shape, of a value −x or x·(−1); null for any other value. */
export function negated(value: Value): Value | null {
  if (is(value, "Neg")) return value.inputs[0];
  const scaled = is(value, "Mul") ? withNumber(value) : null;
  return scaled?.c === -1 ? scaled.x : null;
}

/** Recognises a / (c + eⁿ), a falling sigmoid of each element n with middle a/2c, from numerator and denominator. */
export function fallingSigmoid(a: number | null, bottom: Value): ScoreMap | null {
  const below = plusExponential(bottom);
  if (a === null || a <= 0 || below === null) return null;
  const { n, c } = below;
  const inverse = (t: number) => Math.log(a / t - c);
  const middle = a / c / 2;
  const z = negated(n);
  if (z === null) return scoreMap(n, "Sigmoid", -1, cutBetween(0, a / c, inverse, -1), { middle });
  return scoreMap(
    z,
    "Sigmoid",
    1,
    cutBetween(0, a / c, (t) => -inverse(t)),
    { middle },
  );
}

/** Recognises x / (x + c) of each element x ≥ 0, a sigmoid of log(x / c); eᶻ / (eᶻ + 1) is a sigmoid of z. */
export function share({ inputs: [x, bottom] }: Value): ScoreMap | null {
  if (!is(bottom, "Add")) return null;
  const rest = bottom.inputs.find((_, i) => isSame(bottom.inputs[1 - i], x));
  const c = rest === undefined ? null : constantNumber(rest);
  if (c === null || c <= 0 || rangeOf(x).low < 0) return null;
  const inverse = (t: number) => (c * t) / (1 - t);
  if (is(x, "Exp"))
    return scoreMap(
      x.inputs[0],
      "Sigmoid",
      1,
      cutBetween(0, 1, (t) => Math.log(inverse(t))),
      { middle: 0.5 },
    );
  return scoreMap(x, "x / (x + c)", 1, cutBetween(0, 1, inverse), { middle: 0.5 });
}

/** Recognises softsign, x / (|x| + c) of each element x. */
export function softsign({ inputs: [x, bottom] }: Value): ScoreMap | null {
  if (!is(bottom, "Add")) return null;
  const operands = withNumber(bottom);
  if (operands === null || operands.c <= 0 || !is(operands.x, "Abs")) return null;
  if (!isSame(operands.x.inputs[0], x)) return null;
  const { c } = operands;
  return scoreMap(
    x,
    "Softsign",
    1,
    cutBetween(-1, 1, (t) => (c * t) / (1 - Math.abs(t))),
    { middle: 0 },
  );
}

/** Recognises odds, x / (c − x) of each element 0 ≤ x ≤ c. */
export function odds({ inputs: [x, bottom] }: Value): ScoreMap | null {
  if (!is(bottom, "Sub") || !isSame(bottom.inputs[1], x)) return null;
  const c = constantNumber(bottom.inputs[0]);
  const { low, high } = rangeOf(x);
  if (c === null || c <= 0 || low < 0 || high > c) return null;
  return scoreMap(
    x,
    "odds",
    1,
    cutBetween(0, INFINITY, (t) => (c * t) / (1 + t)),
  );
}

/** Recognises softplus of each element x in its stable form, max(x, 0) + log(1 + e^−|x|). */
export function softplus({ inputs: [a, b] }: Value): ScoreMap | null {
  const top = is(a, "Max") ? withNumber(a) : null;
  if (top?.c !== 0 || !is(b, "Log")) return null;
  const below = plusExponential(b.inputs[0]);
  const size = below === null ? null : negated(below.n);
  if (below?.c !== 1 || size === null || !is(size, "Abs") || !isSame(size.inputs[0], top.x))
    return null;
  return scoreMap(
    top.x,
    "Softplus",
    1,
    cutBetween(0, INFINITY, (t) => Math.log(Math.expm1(t))),
  );
}
