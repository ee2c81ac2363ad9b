// Checks a loss from outside when it is first used: a wrong gradient would make every attack with it too weak.
import { interpret } from "../engine/graph/interpret.ts";
import { normal } from "../math/distributions.ts";
import { badPlugin, type PluginDefinition } from "../math/plugin.ts";
import { keyOf, keysFor } from "../math/random.ts";
import { type Tensor, tensor } from "../math/tensor.ts";
import { LOGITS, lossAndSlopes, WEIGHTS } from "./derived-plain.ts";
import type { LossDefinition, LossExpression } from "./loss-definition.ts";
import type { OwnLoss } from "./own-loss.ts";

/** A loss to check, and the number of classes that it is used with. */
export interface CheckedLoss {
  readonly loss: OwnLoss;
  readonly classes: number;
  readonly graph: LossExpression;
  /** The weights [examples, classes] that the graph takes. */
  readonly weightsOf: (loss: OwnLoss, classes: number) => Tensor;
  /** The author's own plain form; undefined if there is none. */
  readonly plain: LossDefinition<OwnLoss>["plain"] | undefined;
}

/** Rows of logits that are tried; more take longer and find no more. */
const ROWS = 3;

/** The standard deviation of the logits that are tried. */
const SPREAD = 2;

/** Rounding does not explain relative errors above this. */
const TOLERANCE = 0.02;

/** The step of finite differences: in float32 their error is about 1e-5 there. */
const STEP = 0.01;

const agree = (a: number, b: number): boolean =>
  a === b || Math.abs(a - b) <= TOLERANCE * (1 + Math.abs(a) + Math.abs(b));

/**
 * Throws `UsageError` with the code `bad-plugin` if, at random logits, the losses are not finite, the loss of a row depends on
 * another row, the author's plain form differs from the graph, or, without a plain form, the gradient differs from the finite
 * differences on both sides (at a kink it may be that of one side).
 */
export function checkLoss(self: PluginDefinition, checked: CheckedLoss): void {
  const { classes, graph } = checked;
  const examples = checked.loss.data.labels.length;
  const indices = Array.from({ length: ROWS }, (_, i) => i % examples);
  const loss = checked.loss.definition.take(checked.loss, indices);
  const weights = checked.weightsOf(loss, classes);
  const logits = normal(keysFor(keyOf(1), [0, 1, 2]), [ROWS, classes], SPREAD);
  const outputs = lossAndSlopes(graph, ROWS, classes);
  const run = (z: Tensor) => interpret(outputs, { [LOGITS]: z, [WEIGHTS]: weights }).map(numbers);
  const [values, slopes] = run(logits);
  const at = [...values, ...slopes].findIndex((v) => !Number.isFinite(v));
  if (at >= 0)
    throw badPlugin(
      self,
      `has a ${at < ROWS ? "value" : "gradient"} that is not finite at finite logits`,
    );
  requireOwnRows(self, checked, { logits, weights, values });
  if (checked.plain !== undefined)
    requirePlain(self, checked.plain, { loss, logits, values, slopes });
  else requireGradient(self, { logits, values, slopes, valuesAt: (z) => run(z)[0] });
}

const numbers = ({ data }: { readonly data: ArrayLike<number | bigint> }): number[] =>
  Array.from(data, Number);

const rowOf = ({ shape, data }: Tensor, i: number): Tensor =>
  tensor([1, shape[1]], data.slice(i * shape[1], (i + 1) * shape[1]));

/** The loss of each row alone must be its loss in the batch. */
function requireOwnRows(
  self: PluginDefinition,
  { graph, classes }: CheckedLoss,
  { logits, weights, values }: { logits: Tensor; weights: Tensor; values: readonly number[] },
): void {
  const outputs = lossAndSlopes(graph, 1, classes);
  values.forEach((value, i) => {
    const feeds = { [LOGITS]: rowOf(logits, i), [WEIGHTS]: rowOf(weights, i) };
    const [[alone]] = interpret(outputs, feeds).map(numbers);
    if (!agree(alone, value))
      throw badPlugin(
        self,
        `gives a row the loss ${value} in a batch of ${ROWS}, and ${alone} alone; a loss must not depend on other rows`,
      );
  });
}

/** The author's plain form must have the values and slopes of the graph. */
function requirePlain(
  self: PluginDefinition,
  plain: LossDefinition<OwnLoss>["plain"],
  {
    loss,
    logits,
    values,
    slopes,
  }: { loss: OwnLoss; logits: Tensor; values: readonly number[]; slopes: readonly number[] },
): void {
  const classes = logits.shape[1];
  values.forEach((value, i) => {
    const own = new Float32Array(classes);
    const result = plain(loss, i, rowOf(logits, i).data, own);
    if (!agree(result, value))
      throw badPlugin(self, `has the loss ${result} in its plain form, and ${value} in its graph`);
    const wrong = own.findIndex((slope, j) => !agree(slope, slopes[i * classes + j]));
    if (wrong >= 0)
      throw badPlugin(
        self,
        `has the slope ${own[wrong]} by logit ${wrong} in its plain form, and ${slopes[i * classes + wrong]} in its graph`,
      );
  });
}

/** The gradient must be the finite difference on the left, on the right, or between the two. */
function requireGradient(
  self: PluginDefinition,
  {
    logits,
    values,
    slopes,
    valuesAt,
  }: {
    logits: Tensor;
    values: readonly number[];
    slopes: readonly number[];
    valuesAt: (z: Tensor) => readonly number[];
  },
): void {
  const classes = logits.shape[1];
  for (let j = 0; j < classes; j++) {
    const moved = (by: number) =>
      valuesAt(
        tensor(
          logits.shape,
          logits.data.map((v, k) => (k % classes === j ? v + by : v)),
        ),
      );
    const [below, above] = [moved(-STEP), moved(STEP)];
    values.forEach((value, i) => {
      const slope = slopes[i * classes + j];
      const sides = [(value - below[i]) / STEP, (above[i] - value) / STEP];
      const isBetween = slope >= Math.min(...sides) && slope <= Math.max(...sides);
      if (isBetween || sides.some((side) => agree(side, slope))) return;
      throw badPlugin(
        self,
        `has the gradient ${slope} by logit ${j}, and finite differences give ${sides[1]}; give a plain form if that is meant`,
      );
    });
  }
}
