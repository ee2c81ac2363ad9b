import { type Line, type Lines, rounded } from "./lines.ts";
import { down, type FloatType, up } from "./rounding.ts";

type Range = readonly [number, number];

const magnitude = ([low, high]: Range): number => Math.max(Math.abs(low), Math.abs(high));

/**
 * The plane q·x + p·y − p·q, which equals x·y at x = p or y = q. The slopes are rounded to the float type, and the
 * intercept is moved by what that changes, in the direction of `round`.
 */
function plane(
  x: Range,
  y: Range,
  [p, q]: readonly [number, number],
  type: FloatType,
  round: (value: number) => number,
): Line {
  const slopes = [rounded(q, type), rounded(p, type)];
  const moved =
    up(up(Math.abs(slopes[0] - q)) * magnitude(x)) + up(up(Math.abs(slopes[1] - p)) * magnitude(y));
  const sign = round(1) < 1 ? -1 : 1;
  return { slopes, intercept: round(round(-p * q) + sign * up(moved)) };
}

const atCentre = ({ slopes, intercept }: Line, x: Range, y: Range): number =>
  slopes[0] * (x[0] / 2 + x[1] / 2) + slopes[1] * (y[0] / 2 + y[1] / 2) + intercept;

/** The planes around a product x·y (McCormick 1976), of the two on each side the one that is closer at the centre. */
export function productLines(x: Range, y: Range, type: FloatType): Lines {
  const below = [plane(x, y, [x[0], y[0]], type, down), plane(x, y, [x[1], y[1]], type, down)];
  const above = [plane(x, y, [x[0], y[1]], type, up), plane(x, y, [x[1], y[0]], type, up)];
  const [first, second] = below.map((line) => atCentre(line, x, y));
  const [third, fourth] = above.map((line) => atCentre(line, x, y));
  return {
    lower: first >= second ? below[0] : below[1],
    upper: third <= fourth ? above[0] : above[1],
  };
}
