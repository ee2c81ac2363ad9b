import { type Elementary, valuesOn } from "./elementary.ts";
import { type Line, type Lines, rounded } from "./lines.ts";
import { down, type FloatType, up } from "./rounding.ts";

/** Points on which slopes are compared. */
const SAMPLES = 48;
/** Steps of the search for a slope. */
const SEARCH = 40;
/** Pieces at first, and how often the loosest one is halved. */
const PIECES = 16;
const MAX_SPLITS = 400;

/** A piece [from, to] and a lower bound of f(x) − slope·x on it. */
interface Piece {
  readonly from: number;
  readonly to: number;
  readonly bound: number;
  /** The smaller value at its ends, which the bound cannot exceed. */
  readonly end: number;
}

/**
 * A lower bound of sign·f(x) − slope·x on a piece. A function lies above its secant by at most D·w²/8, for a bound D of
 * |f″| and a width w; and a monotone f lies above its value at one end.
 */
function pieceOf(e: Elementary, sign: 1 | -1, slope: number, from: number, to: number): Piece {
  const [a, b] = [e.f(from), e.f(to)];
  const error = Math.max(e.error(a), e.error(b));
  const at = (y: number, x: number): number => down(down(sign * y - error) - up(slope * x));
  const end = Math.min(at(a, from), at(b, to));
  const w = up(to - from);
  const bent = down(end - up(up(e.curvature(from, to) * up(w * w)) / 8));
  const [low, high] = valuesOn(e, from, to);
  const least = sign === 1 ? low : -high;
  const apart = down(least - up(Math.max(slope * from, slope * to)));
  const bound = Math.max(Number.isNaN(bent) ? Number.NEGATIVE_INFINITY : bent, apart);
  return { from, to, bound: Number.isNaN(bound) ? Number.NEGATIVE_INFINITY : bound, end };
}

/** A lower bound of sign·f(x) − slope·x on [low, high], rounded down: close to the minimum after a few halvings. */
export function leastAbove(
  e: Elementary,
  sign: 1 | -1,
  slope: number,
  low: number,
  high: number,
): number {
  const cut = (i: number) => {
    if (i === 0) return low;
    return i === PIECES ? high : Math.min(high, low + ((high - low) * i) / PIECES);
  };
  const pieces = Array.from({ length: PIECES }, (_, i) =>
    pieceOf(e, sign, slope, cut(i), cut(i + 1)),
  );
  let least = Math.min(...pieces.map(({ end }) => end));
  for (let split = 0; ; split++) {
    let worst = 0;
    for (let i = 1; i < pieces.length; i++) if (pieces[i].bound < pieces[worst].bound) worst = i;
    const { from, to, bound } = pieces[worst];
    const middle = from / 2 + to / 2;
    const isClose = least - bound <= 1e-9 * Math.min(1, high - low);
    if (isClose || split === MAX_SPLITS || !(from < middle && middle < to)) return bound;
    pieces[worst] = pieceOf(e, sign, slope, from, middle);
    pieces.push(pieceOf(e, sign, slope, middle, to));
    least = Math.min(least, pieces[worst].end, pieces[pieces.length - 1].end);
  }
}

/**
 * The slope of the best line below sign·f at the centre: g(s) = s·centre + min (sign·f(x) − s·x) is concave in s, so
 * that thirds of the range of slopes narrow it down. Found on samples; nothing rests on it but tightness.
 */
function bestSlope({ f }: Elementary, sign: 1 | -1, low: number, high: number): number {
  const xs = Array.from({ length: SAMPLES + 1 }, (_, i) => low + ((high - low) * i) / SAMPLES);
  const ys = xs.map((x) => sign * f(x));
  const centre = (low + high) / 2;
  const height = (s: number): number =>
    ys.reduce((least, y, i) => Math.min(least, y - s * (xs[i] - centre)), Number.POSITIVE_INFINITY);
  const slopes = ys.slice(1).map((y, i) => (y - ys[i]) / (xs[i + 1] - xs[i]));
  let [from, to] = [Math.min(...slopes), Math.max(...slopes)];
  for (let i = 0; i < SEARCH; i++) {
    const [a, b] = [from + (to - from) / 3, to - (to - from) / 3];
    if (height(a) < height(b)) from = a;
    else to = b;
  }
  return (from + to) / 2;
}

/** The line below sign·f on [low, high] that is highest at the centre: one with a slope, or the constant. */
function lineBelow(e: Elementary, sign: 1 | -1, low: number, high: number, type: FloatType): Line {
  const [least, most] = valuesOn(e, low, high);
  const constant: Line = { slopes: [0], intercept: sign === 1 ? least : -most };
  const slope = rounded(bestSlope(e, sign, low, high), type);
  if (!Number.isFinite(slope) || !(high - low > 1e-7)) return constant;
  const intercept = leastAbove(e, sign, slope, low, high);
  const centre = (low + high) / 2;
  return slope * centre + intercept > constant.intercept
    ? { slopes: [slope], intercept }
    : constant;
}

/** Lines around a smooth function on [low, high]. */
export function smoothLines(e: Elementary, low: number, high: number, type: FloatType): Lines {
  const lower = lineBelow(e, 1, low, high, type);
  const { slopes, intercept } = lineBelow(e, -1, low, high, type);
  // 0 − s, since −0 is another number.
  return { lower, upper: { slopes: [0 - slopes[0]], intercept: -intercept } };
}
