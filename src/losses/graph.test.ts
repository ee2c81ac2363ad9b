import { describe, expect, it } from "vitest";
import { gradient } from "../engine/autodiff/gradient.ts";
import { interpret } from "../engine/graph/interpret.ts";
import { input, sum } from "../engine/graph/ops.ts";
import { normal } from "../math/distributions.ts";
import { keyOf, keysFor } from "../math/random.ts";
import { tensor } from "../math/tensor.ts";
import { lossGraph, lossWeights } from "./graph.ts";
import type { Loss } from "./loss.ts";
import { lossOfLogits } from "./plain.ts";
import type { RowLoss } from "./table.ts";

describe("a loss as a graph:", () => {
  const logits = tensor([2, 3], [1, 3, 2, 4, 0, -1]);
  const value = (loss: Loss) => {
    const weights = lossWeights(loss, 3);
    const y = lossGraph(loss).losses(input("z", [2, 3]), input("w", weights.shape));
    return [...interpret([y], { z: logits, w: weights })[0].data].map(Number);
  };

  it("margin is positive exactly for misclassified examples", () => {
    expect(value({ kind: "margin", labels: [0, 0] })).toEqual([2, -4]);
  });

  it.each([
    { kind: "margin", labels: [0, 1] },
    { kind: "ce", labels: [0, 1] },
    { kind: "difference", labels: [0, 1], targets: [1, 0] },
    { kind: "dlr", labels: [0, 1] },
    { kind: "dlr-targeted", labels: [0, 1], targets: [1, 0] },
  ] as const)(
    "$kind of finite logits beyond 1e30 has a value and a gradient, also below 0",
    (loss) => {
      const z = tensor([2, 3], [1e38, 5e37, -1e38, -1e38, -5e37, -1.2e38]);
      const at = input("z", [2, 3]);
      const weights = lossWeights(loss, 3);
      const y = lossGraph(loss).losses(at, input("w", weights.shape));
      const [values, slopes] = interpret([y, gradient(sum(y), [at])[0]], { z, w: weights });
      const plain = lossOfLogits(loss, z);
      values.data.forEach((one, i) => {
        expect(Number(one)).toBeCloseTo(plain.losses[i]);
      });
      expect([...values.data].map(Number).every(Number.isFinite)).toBe(true);
      if (loss.kind !== "ce") {
        expect([...values.data].every((one) => one < 0)).toBe(true);
        expect(slopes.data[0]).toBeLessThan(0);
        expect(slopes.data[4]).toBeLessThan(0);
      }
    },
  );

  it("difference is the target's logit minus the label's", () => {
    expect(value({ kind: "difference", labels: [0, 1], targets: [2, 0] })).toEqual([1, 4]);
  });

  it("ce is −log of the label's softmax", () => {
    const [first] = value({ kind: "ce", labels: [1, 0] });
    const exact = -Math.log(Math.exp(3) / (Math.exp(1) + Math.exp(3) + Math.exp(2)));
    expect(first).toBeCloseTo(exact, 6);
  });

  it("dlr, its targeted form and the margin of probabilities agree with plain arithmetic, gradients included, also where logits are equal", () => {
    const labels = [0, 2, 4, 1, 3, 0, 0, 1];
    const targets = [1, 0, 3, 4, 2, 4, 1, 0];
    const z = normal(keysFor(keyOf(1), [...labels.keys()]), [8, 5], 2);
    // Ties below the first place, at it, and everywhere; the label and the target among them and not.
    z.data.set([3, 1, 1, 1, 0, 2, 0, 2, 2, 2, 1, 1, 1, 1, 1], 25);
    const losses = [
      { kind: "dlr", labels },
      { kind: "dlr-targeted", labels, targets },
      { kind: "probability-margin", labels, scales: [1, 2, 0.5, 1, 3, 1, 1, 1] },
    ] as const;
    for (const loss of losses) {
      const weights = lossWeights(loss, 5);
      const at = input("z", [8, 5]);
      const y = lossGraph(loss).losses(at, input("w", weights.shape));
      const [value, slope] = interpret([y, gradient(sum(y), [at])[0]], { z, w: weights });
      const exact = lossOfLogits(loss, z);
      for (let i = 0; i < 5; i++) expect(value.data[i]).toBeCloseTo(exact.losses[i], 5);
      // Where a loss is a quotient of tiny numbers, or its rivals tie, only finiteness is claimed.
      for (let j = 0; j < 25; j++) expect(slope.data[j]).toBeCloseTo(exact.gradient.data[j], 5);
      expect([...value.data, ...slope.data].map(Number).every(Number.isFinite)).toBe(true);
    }
    const third = lossGraph(losses[0]).losses(input("z", [8, 5]), input("w", [8, 5]));
    const [tied] = interpret([third], { z, w: lossWeights(losses[0], 5) });
    expect(tied.data[5]).toBe(-1); // (1 − 3) / (3 − 1): the third of 3, 1, 1, 1, 0 is 1
  });

  it("the mean of two rows has one loss, that of the logits (2.5, 1.5, 0.5)", () => {
    const of = (loss: RowLoss) => value({ kind: "of-mean", draws: 2, loss });
    expect(of({ kind: "margin", labels: [1] })).toEqual([1]);
    expect(of({ kind: "difference", labels: [0], targets: [2] })).toEqual([-2]);
    expect(of({ kind: "linear", weights: tensor([1, 3], [1, 0, 2]) })).toEqual([3.5]);
  });
});
