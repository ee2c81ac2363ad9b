// Lines around functions that are constant between jumps and never decrease: Sign, Floor, Ceil and Round.

import { type Line, type Lines, rounded } from "./lines.ts";
import { down, type FloatType, up } from "./rounding.ts";

/** A closed piece on which a step function may have a value. At a jump both neighbours count. */
interface Piece {
  readonly from: number;
  readonly to: number;
  readonly value: number;
}

/** A step function: its pieces, and where it lies relative to x. */
interface Step {
  /** The first and the last value on [low, high]. */
  readonly values: (low: number, high: number) => readonly [number, number];
  /** Where the piece with a whole number as its value begins and ends. */
  readonly piece: (value: number) => readonly [number, number];
  /** f(x) − x for every x; null if it is unbounded. */
  readonly distance: readonly [number, number] | null;
}

const steps = {
  Sign: {
    values: (low, high) => [Math.sign(low), Math.sign(high)],
    piece: (value) => [
      value < 0 ? Number.NEGATIVE_INFINITY : 0,
      value > 0 ? Number.POSITIVE_INFINITY : 0,
    ],
    distance: null,
  },
  Floor: {
    values: (low, high) => [Math.floor(low), Math.floor(high)],
    piece: (value) => [value, value + 1],
    distance: [-1, 0],
  },
  Ceil: {
    values: (low, high) => [Math.ceil(low), Math.ceil(high)],
    piece: (value) => [value - 1, value],
    distance: [0, 1],
  },
  Round: {
    values: (low, high) => [Math.ceil(low - 0.5), Math.floor(high + 0.5)],
    piece: (value) => [value - 0.5, value + 0.5],
    distance: [-0.5, 0.5],
  },
} as const satisfies Record<string, Step>;

/** The operators that are step functions. */
export type StepOp = keyof typeof steps;

/** Whether an operator is one of them. */
export const isStep = (op: string): op is StepOp => Object.hasOwn(steps, op);

/** With more pieces than this, the lines are x plus a constant. */
const MAX_PIECES = 64;
/** On intervals that are not wider, the lines are constant. */
const NARROW = 1e-6;
/** Whole numbers up to this size, and their halves, are exact. */
const MAX_WHOLE = 2 ** 50;

/** The pieces of a function on [low, high]. */
function piecesOf(step: Step, low: number, high: number): Piece[] {
  const [first, last] = step.values(low, high);
  return Array.from({ length: last - first + 1 }, (_, i) => {
    const [from, to] = step.piece(first + i);
    return {
      from: Math.min(high, Math.max(low, from)),
      to: Math.max(low, Math.min(high, to)),
      value: first + i,
    };
  });
}

/** The slope of the lower convex hull of points, sorted by x, at `centre`. */
function hullSlope(points: readonly (readonly [number, number])[], centre: number): number {
  const hull: (readonly [number, number])[] = [];
  const slope = (a: readonly [number, number], b: readonly [number, number]): number =>
    (b[1] - a[1]) / (b[0] - a[0]);
  for (const point of points) {
    while (
      hull.length > 1 &&
      slope(hull[hull.length - 2], point) <= slope(hull[hull.length - 2], hull[hull.length - 1])
    )
      hull.pop();
    hull.push(point);
  }
  const next = Math.max(
    1,
    hull.findIndex(([x]) => x >= centre),
  );
  return next < hull.length ? slope(hull[next - 1], hull[next]) : 0;
}

/**
 * The line below all pieces that is highest at the centre, in real arithmetic. On a piece f − slope·x is least at its right end,
 * as no slope is negative.
 */
function lineBelow(pieces: readonly Piece[], low: number, high: number, type: FloatType): Line {
  const [{ value: least }] = pieces;
  if (pieces.length === 1 || !(high - low > NARROW)) return { slopes: [0], intercept: least };
  const ends = pieces.map(({ to, value }) => [to, value] as const);
  const slope = rounded(
    hullSlope([[low, least], ...ends.filter(([x]) => x > low)], low / 2 + high / 2),
    type,
  );
  if (!(slope > 0 && Number.isFinite(slope))) return { slopes: [0], intercept: least };
  const intercept = ends.reduce(
    (lowest, [x, value]) => Math.min(lowest, down(value - up(slope * x))),
    Number.POSITIVE_INFINITY,
  );
  return { slopes: [slope], intercept };
}

/** Lines around a step function on [low, high], for any choice between neighbours at a jump. */
export function stepLines(op: StepOp, low: number, high: number, type: FloatType): Lines {
  const { values, distance }: Step = steps[op];
  const [first, last] = values(low, high);
  const isSmall = Math.max(Math.abs(first), Math.abs(last)) <= MAX_WHOLE;
  if (distance !== null && !(isSmall && last - first < MAX_PIECES)) {
    const [below, above] = distance;
    return {
      lower: { slopes: [1], intercept: below },
      upper: { slopes: [1], intercept: above },
    };
  }
  const pieces = piecesOf(steps[op], low, high);
  // −f(−x) is a step function too, and a line below it is the negative of one above f.
  const mirrored = pieces
    .toReversed()
    .map(({ from, to, value }) => ({ from: -to, to: -from, value: -value }));
  const { slopes, intercept } = lineBelow(mirrored, -high, -low, type);
  return {
    lower: lineBelow(pieces, low, high, type),
    upper: { slopes, intercept: 0 - intercept },
  };
}
