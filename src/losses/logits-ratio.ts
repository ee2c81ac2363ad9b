// The denominators of the difference of logits ratio (Croce & Hein 2020, arXiv:2003.01690, Eq. 6 and 7), which both
// forms share.
import {
  add,
  cast,
  constant,
  div,
  greater,
  matmul,
  max,
  mul,
  scalarLike,
  stopGradient,
  sub,
  sum,
  where,
} from "../engine/graph/ops.ts";
import type { Value } from "../engine/graph/value.ts";
import { tensor } from "../math/tensor.ts";
import { isLive, RULED_OUT } from "./logit-bounds.ts";

/** Added to a denominator, as in the authors' code: equal logits give 0 and not NaN. */
const SMALLEST_DENOMINATOR = 1e-12;

/**
 * numerator / ⟨spread, sorted z⟩ for logits z [classes] in descending order; of equal logits the first counts. `slopes`
 * holds ∂numerator/∂z on entry and the gradient of the ratio on return. Returns the numerator where a logit of the
 * denominator is that of a class that is ruled out, or where there are too few classes.
 */
export function divideByLogits(
  numerator: number,
  z: Float32Array,
  slopes: Float32Array,
  spread: readonly number[],
): number {
  if (z.length < spread.length) return numerator;
  const order = Array.from(z.keys()).sort((i, j) => z[j] - z[i] || i - j);
  if (!isLive(z[order[spread.length - 1]])) return numerator;
  const denominator = spread.reduce(
    (sum, weight, i) => sum + weight * z[order[i]],
    SMALLEST_DENOMINATOR,
  );
  for (let j = 0; j < slopes.length; j++) slopes[j] /= denominator;
  for (const [i, weight] of spread.entries())
    slopes[order[i]] -= (weight * numerator) / denominator / denominator;
  return numerator / denominator;
}

/**
 * The `count` highest logits of each row in descending order, each [batch], from logits [batch, classes]. Takes the
 * maximum of each row and masks it, `count` times. Of equal logits only the first one is taken, so the gradient is that
 * of a sort.
 */
export function highestLogits(logits: Value, count: number): Value[] {
  const classes = logits.shape[1];
  // earlier[i, j] = 1 where i < j: mask · earlier counts the marked classes before each class.
  const earlier = tensor([classes, classes]);
  for (let i = 0; i < classes; i++)
    for (let j = i + 1; j < classes; j++) earlier.data[i * classes + j] = 1;
  const countEarlier = cast(constant(earlier), logits.dtype);
  const half = scalarLike(logits, 0.5);
  const masked = scalarLike(logits, -3e38);
  const highest: Value[] = [];
  let rest = stopGradient(logits);
  for (let place = 0; place < count; place++) {
    const isBelow = cast(greater(max(rest, [1], true), rest), logits.dtype);
    const isHighest = sub(scalarLike(logits, 1), isBelow);
    const hasEarlier = greater(matmul(isHighest, countEarlier), half);
    const isFirst = where(hasEarlier, scalarLike(logits, 0), isHighest);
    highest.push(sum(mul(logits, isFirst), [1]));
    rest = where(greater(isFirst, half), masked, rest);
  }
  return highest;
}

/**
 * numerator / denominator, all [batch], or the numerator alone where `lowest`, the lowest logit of the denominator, is
 * that of a class that is ruled out. The denominator is at least 0.
 */
export function ratioOfLogits(numerator: Value, denominator: Value, lowest: Value): Value {
  const divisor = where(
    greater(lowest, scalarLike(lowest, RULED_OUT)),
    denominator,
    scalarLike(denominator, 1),
  );
  return div(numerator, add(divisor, scalarLike(divisor, SMALLEST_DENOMINATOR)));
}
