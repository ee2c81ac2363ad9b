import { expect, it } from "vitest";
import { normal } from "../math/distributions.ts";
import { keyOf, keysFor } from "../math/random.ts";
import { tensor } from "../math/tensor.ts";
import { ce } from "./ce.ts";
import { difference } from "./difference.ts";
import { dlr } from "./dlr.ts";
import { dlrTargeted } from "./dlr-targeted.ts";
import { linear } from "./linear.ts";
import { margin } from "./margin.ts";
import { lossOfLogits, takeLoss } from "./plain.ts";
import { probabilityMargin } from "./probability-margin.ts";

const logits = normal(keysFor(keyOf(1), [0, 1, 2, 3]), [4, 5], 2);
const labels = [0, 4, 2, 2];
const losses = [
  ce(labels),
  margin(labels),
  difference(labels, [1, 0, 3, 4]),
  dlr(labels),
  dlrTargeted(labels, [1, 0, 3, 4]),
  linear(normal(keysFor(keyOf(2), [0, 1, 2, 3]), [4, 5])),
  probabilityMargin(labels, [1, 0.25, 2, 1]),
];

it.each(losses)("the gradient of $kind agrees with finite differences", (loss) => {
  const { gradient } = lossOfLogits(loss, logits);
  const h = 1e-3;
  for (let at = 0; at < logits.data.length; at++) {
    const moved = (by: number) => {
      const data = logits.data.slice();
      data[at] += by;
      return lossOfLogits(loss, tensor(logits.shape, data)).losses[Math.floor(at / 5)];
    };
    expect(gradient.data[at]).toBeCloseTo((moved(h) - moved(-h)) / (2 * h), 2);
  }
});

it("a margin is positive exactly where the example is misclassified", () => {
  const z = tensor([3, 3], [3, 1, 2, 3, 1, 2, 3, 1, 2]);
  expect([...lossOfLogits(margin([0, 1, 2]), z).losses]).toEqual([-1, 2, 1]);
});

it("cross-entropy stays finite and its gradient exact where the exponential would overflow", () => {
  const { losses: values, gradient } = lossOfLogits(ce([0, 1]), tensor([2, 2], [1000, 0, 1000, 0]));
  expect([...values]).toEqual([0, 1000]);
  expect([...gradient.data]).toEqual([0, 0, 1, -1]);
});

it.each(losses)("takeLoss takes labels, targets and weights: $kind", (loss) => {
  const some = [3, 1, 1];
  const rows = tensor(
    [3, 5],
    some.flatMap((i) => [...logits.data.subarray(5 * i, 5 * i + 5)]),
  );
  const all = lossOfLogits(loss, logits).losses;
  expect([...lossOfLogits(takeLoss(loss, some), rows).losses]).toEqual(some.map((i) => all[i]));
});

it("dlr is the margin over z_π1 − z_π3, and scaling or shifting the logits changes nothing", () => {
  const z = tensor([2, 4], [5, 3, 1, 0, 5, 3, 1, 0]);
  expect([...lossOfLogits(dlr([0, 1]), z).losses]).toEqual([-0.5, 0.5]);
  const targeted = dlrTargeted([0, 1], [2, 3]);
  expect(lossOfLogits(targeted, z).losses[0]).toBeCloseTo(-4 / 4.5, 6);
  expect(lossOfLogits(targeted, z).losses[1]).toBeCloseTo(-3 / 4.5, 6);
  const moved = tensor(
    z.shape,
    z.data.map((v) => 8 * v - 3),
  );
  for (const loss of [dlr([0, 1]), targeted])
    expect(lossOfLogits(loss, moved).losses).toEqual(lossOfLogits(loss, z).losses);
});

it("the margin of probabilities is that of the softmax of scaled logits, and 0 on a tie", () => {
  const z = tensor([3, 2], [0, Math.log(3), 0, Math.log(9), 1, 1]);
  const { losses: values } = lossOfLogits(probabilityMargin([1, 1, 0], [1, 0.5, 1]), z);
  for (const [i, value] of [-0.5, -0.5, 0].entries()) expect(values[i]).toBeCloseTo(value, 6);
});

it("dlr of two classes is the margin, and of three the targeted one is the difference", () => {
  const [two, three] = [tensor([1, 2], [3, 1]), tensor([1, 3], [3, 1, 0])];
  expect([...lossOfLogits(dlr([0]), two).losses]).toEqual([-2]);
  expect([...lossOfLogits(dlrTargeted([0], [2]), three).losses]).toEqual([-3]);
});

it("dlr stays finite where logits are equal", () => {
  for (const loss of [dlr([0]), dlrTargeted([0], [4])])
    for (const z of [
      [0, 0, 0, 0, 0],
      [1, 2, 2, 2, 2],
      [2, 2, 2, 2, 1],
    ]) {
      const { losses, gradient } = lossOfLogits(loss, tensor([1, 5], z));
      expect([...losses, ...gradient.data].every(Number.isFinite)).toBe(true);
    }
});
