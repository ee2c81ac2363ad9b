// Enclosures of functions of one real number. The functions of `Math` are taken to be accurate to ACCURACY, relatively:
// V8 uses fdlibm, whose documented errors are below one unit in the last place, 2⁻⁵².

import { normalCdf } from "../../math/special.ts";
import { down, up } from "./rounding.ts";

/** Relative accuracy assumed of `Math.exp`, `Math.log`, `Math.tanh`, `Math.atan`, `Math.sin` and `Math.cos`. */
const ACCURACY = 2 ** -48;

/** A function, and bounds of its values and its second derivative. */
export interface Elementary {
  /** The function in double precision. */
  readonly f: (x: number) => number;
  /** Bound of |f(x) − exact f(x)|. */
  readonly error: (y: number) => number;
  /** Bound of |f″| on [low, high]. */
  readonly curvature: (low: number, high: number) => number;
  /** Where the function is defined: x ≥ domain. */
  readonly domain: number;
  /** Whether it grows everywhere. */
  readonly increasing: boolean;
  /** Bounds of all values. */
  readonly range: readonly [number, number];
}

/** Denormal results are accurate to a few of their units. */
const relative = (y: number): number => Math.abs(y) * ACCURACY + 4 * Number.MIN_VALUE;
const absolute =
  (size: number): Elementary["error"] =>
  () =>
    size;
const REALS: readonly [number, number] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];

/** 1/(1 + e⁻ˣ) = eˣ/(1 + eˣ), by the power that cannot overflow. */
function logistic(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x));
  const power = Math.exp(x);
  return power / (1 + power);
}

const make = (
  f: Elementary["f"],
  curvature: Elementary["curvature"],
  others: Partial<Elementary> = {},
): Elementary => ({
  f,
  curvature,
  error: others.error ?? relative,
  domain: others.domain ?? Number.NEGATIVE_INFINITY,
  increasing: others.increasing ?? true,
  range: others.range ?? REALS,
});

/** The distance of [low, high] from 0. */
const distance = (low: number, high: number): number => Math.max(0, low, -high);

const constant = (bound: number) => () => bound;

/** The smooth functions. Bounds of second derivatives are rounded up. */
export const elementary = {
  // |σ″ x| ≤ 1/(6√3), and at most e^−|x|.
  Sigmoid: make(logistic, (a, b) => Math.min(0.0963, 1.01 * Math.exp(-distance(a, b))), {
    range: [0, 1],
  }),
  // |tanh″ x| ≤ 4/(3√3), and at most 8·e^−2|x|.
  Tanh: make(Math.tanh, (a, b) => Math.min(0.77, 8.1 * Math.exp(-2 * distance(a, b))), {
    range: [-1, 1],
  }),
  Exp: make(Math.exp, (_, high) => Math.exp(high) * 1.01, { range: [0, REALS[1]] }),
  // log″ x = −1/x². The values near 0 of log near 1 have an absolute error.
  Log: make(Math.log, (low) => 1.01 / (low * low), {
    domain: 0,
    error: (y) => relative(y) + ACCURACY,
  }),
  // √x″ = −x^−1.5/4.
  Sqrt: make(Math.sqrt, (low) => 0.26 / (low * Math.sqrt(low)), {
    domain: 0,
    range: [0, REALS[1]],
  }),
  // |erf″ x| = 4|x|/√π·exp(−x²) ≤ 0.968, which is at most 4·exp(−x²/2). The approximation of `normalCdf` is far more accurate than 1e-11.
  Erf: make(
    (x) => 2 * normalCdf(x * Math.SQRT2) - 1,
    (a, b) => Math.min(0.968, 4.1 * Math.exp(-(distance(a, b) ** 2) / 2)),
    {
      error: absolute(1e-11),
      range: [-1, 1],
    },
  ),
  // |atan″ x| = |2x/(1 + x²)²| ≤ 3√3/8, and at most 2/|x|³.
  Atan: make(Math.atan, (a, b) => Math.min(0.65, 2.1 / distance(a, b) ** 3), {
    range: [-1.5708, 1.5708],
  }),
  Sin: make(Math.sin, constant(1), {
    error: absolute(ACCURACY),
    increasing: false,
    range: [-1, 1],
  }),
  Cos: make(Math.cos, constant(1), {
    error: absolute(ACCURACY),
    increasing: false,
    range: [-1, 1],
  }),
} as const satisfies Record<string, Elementary>;

/** The operators that are smooth functions of one number. */
export type ElementaryOp = keyof typeof elementary;

/** Whether an operator is one of them. */
export const isElementary = (op: string): op is ElementaryOp => Object.hasOwn(elementary, op);

/** Bounds of a function's values on [low, high], rounded outward; its whole range if it is not monotone. */
export function valuesOn(
  { f, error, domain, increasing, range }: Elementary,
  low: number,
  high: number,
): readonly [number, number] {
  if (!increasing || low < domain) return range;
  const [a, b] = [f(low), f(high)];
  return [Math.max(range[0], down(a - error(a))), Math.min(range[1], up(b + error(b)))];
}
