import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import {
  add,
  exp,
  mean,
  mul,
  relu,
  scalarLike,
  stopGradient,
  sub,
  sum,
} from "../engine/graph/ops.ts";
import type { Value } from "../engine/graph/value.ts";
import { normal } from "../math/distributions.ts";
import { keyOf, keysFor } from "../math/random.ts";
import { takeRows, tensor } from "../math/tensor.ts";
import { ce, crossEntropy } from "./ce.ts";
import { defineLoss, type LossSpecification } from "./define-loss.ts";
import { difference } from "./difference.ts";
import { lossGraph, lossWeights } from "./graph.ts";
import { ofMean } from "./of-mean.ts";
import { lossOfLogits, takeLoss } from "./plain.ts";
import { losses } from "./table.ts";

const labels = [0, 4, 2, 2];
const logits = normal(keysFor(keyOf(1), [0, 1, 2, 3]), [4, 5], 2);

/** Cross-entropy at a temperature; at temperature 1 it is our own. */
const tempered = defineLoss({
  name: "tempered",
  source: "Guo et al. 2017, arXiv:1706.04599",
  options: z.strictObject({
    temperature: z.number().positive().default(1).describe("divides the logits"),
  }),
  graph: (logits, oneHot, { temperature }: { readonly temperature: number }) =>
    crossEntropy(mul(logits, scalarLike(logits, 1 / temperature)), oneHot),
});

/** z_target − z_label, with its own data and weights. */
const towards = defineLoss({
  name: "towards",
  source: "this test",
  graph: (logits, weights) => sum(mul(logits, weights), [1]),
  weights({ labels, targets }: { labels: readonly number[]; targets: readonly number[] }, classes) {
    const weights = tensor([labels.length, classes]);
    for (const [i, label] of labels.entries()) {
      weights.data[i * classes + label] -= 1;
      weights.data[i * classes + targets[i]] += 1;
    }
    return weights;
  },
});

/** A loss with one part replaced. */
const broken = (part: Partial<LossSpecification>) =>
  defineLoss(
    Object.assign(
      { name: "broken", source: "this test", graph: crossEntropy as LossSpecification["graph"] },
      part,
    ),
  )({ labels });
const badPlugin = (message: string) =>
  expect.objectContaining({ code: "bad-plugin", message: expect.stringContaining(message) });

afterEach(() => losses.remove("tempered"));

describe("a loss from outside", () => {
  it("of the same formula has the values and the gradient of ours, derived from the graph", () => {
    const [own, ours] = [tempered({ labels }), ce(labels)].map((loss) =>
      lossOfLogits(loss, logits),
    );
    own.losses.forEach((v, i) => {
      expect(v).toBeCloseTo(ours.losses[i], 5);
    });
    own.gradient.data.forEach((v, i) => {
      expect(v).toBeCloseTo(ours.gradient.data[i], 5);
    });
  });

  it("takes options, which change its value and the name of its graph", () => {
    const [one, two] = [1, 2].map((temperature) => tempered({ labels }, { temperature }));
    const halved = tensor(
      logits.shape,
      logits.data.map((v) => v / 2),
    );
    const expected = lossOfLogits(ce(labels), halved).losses;
    lossOfLogits(two, logits).losses.forEach((v, i) => {
      expect(v).toBeCloseTo(expected[i], 5);
    });
    expect(lossGraph(one).name).not.toBe(lossGraph(two).name);
    expect(lossGraph(one).name).toBe(lossGraph(tempered({ labels: [1] })).name);
    expect(() => tempered({ labels }, { temperature: -1 })).toThrow("temperature is -1");
  });

  it("is not mistaken for another one of the same name", () => {
    const [a, b] = [1, 2].map((factor) =>
      broken({
        graph: (z: Value, oneHot: Value) =>
          mul(crossEntropy(z, oneHot), scalarLike(sum(z, [1]), factor)),
      }),
    );
    expect(lossGraph(a).name).not.toBe(lossGraph(b).name);
  });

  it("is taken by example, with all its lists", () => {
    const targets = [1, 0, 3, 4];
    const some = [3, 1, 1];
    const taken = takeLoss(towards({ labels, targets }), some);
    const rows = takeRows(logits, some);
    const exact = lossOfLogits(takeLoss(difference(labels, targets), some), rows);
    const own = lossOfLogits(taken, rows);
    expect([...own.losses]).toEqual([...exact.losses]);
    expect(own.gradient).toEqual(exact.gradient);
    expect(lossWeights(taken, 5)).toEqual(lossWeights(difference([2, 4, 4], [4, 0, 0]), 5));
  });

  it("has a value of mean logits, for expectation over transformation", () => {
    const own = lossOfLogits(ofMean(tempered({ labels: [0, 4] }), 2), logits);
    const ours = lossOfLogits(ofMean(ce([0, 4]), 2), logits);
    own.losses.forEach((v, i) => {
      expect(v).toBeCloseTo(ours.losses[i], 5);
    });
    expect(lossGraph(ofMean(tempered({ labels }), 2)).name).toMatch(
      /^tempered .* of the mean of 2$/,
    );
  });

  it("is used as a value, and listed once it is added", () => {
    expect(() => losses.named("tempered")).toThrow("unknown loss tempered");
    losses.add(tempered);
    expect(losses.named("tempered")).toBe(tempered);
  });

  it("refuses lists of different lengths", () => {
    expect(() => towards({ labels, targets: [1, 2] })).toThrow(
      "loss towards has targets for 2 examples, and labels for 4",
    );
  });

  it("may have a kink: the slope of either side is right there", () => {
    const hinge = broken({
      graph: (z: Value, oneHot: Value) => {
        const own = sum(mul(z, oneHot), [1]);
        return relu(sub(scalarLike(own, 1), own));
      },
    });
    for (const size of [2, 5, 10]) expect(() => lossWeights(hinge, size)).not.toThrow();
  });
});

describe("a loss is refused when it is first used", () => {
  const mutedHalf = (z: Value, oneHot: Value) =>
    crossEntropy(add(mul(z, scalarLike(z, 0.5)), mul(stopGradient(z), scalarLike(z, 0.5))), oneHot);

  it.each<[string, LossSpecification["graph"], string]>([
    ["has half of its gradient stopped", mutedHalf, "and finite differences give"],
    [
      "depends on the other rows",
      (z, oneHot) => crossEntropy(mul(z, sub(z, mean(z, [0], true))), oneHot),
      "must not depend on other rows",
    ],
    ["returns a scalar", (z, oneHot) => mean(crossEntropy(z, oneHot)), "returned [] from graph"],
    ["returns nothing", () => undefined as unknown as Value, "returned no expression from graph"],
    [
      "overflows",
      (z) => sum(exp(exp(exp(mul(z, z)))), [1]),
      "has a value that is not finite at finite logits",
    ],
    ["throws", () => expect.fail("no idea"), "threw in graph: no idea"],
  ])("if its graph %s", (_, graph, message) => {
    const loss = broken({ graph });
    expect(() => lossWeights(loss, 5)).toThrow(badPlugin(message));
    expect(() => lossOfLogits(broken({ graph }), logits)).toThrow(badPlugin("loss broken"));
  });

  it.each<[string, NonNullable<LossSpecification["plain"]>, string]>([
    ["another value", () => 0, "has the loss 0 in its plain form"],
    [
      "another slope",
      (data, i, z) => lossOfLogits(ce([data.labels[i]]), tensor([1, z.length], z)).losses[0],
      "in its plain form",
    ],
  ])("if its plain form has %s", (_, plain, message) => {
    expect(() => lossWeights(broken({ plain }), 5)).toThrow(badPlugin(message));
  });

  it("unless a plain form states that the gradient is meant", () => {
    const plain: LossSpecification["plain"] = (data, i, z, slopes) => {
      const own = lossOfLogits(ce([data.labels[i]]), tensor([1, z.length], z));
      slopes.set(own.gradient.data.map((v) => v / 2));
      return own.losses[0];
    };
    expect(() => lossWeights(broken({ graph: mutedHalf, plain }), 5)).not.toThrow();
  });

  it("if its weights have another shape", () => {
    const weights = () => tensor([1, 5]);
    expect(() => lossWeights(broken({ weights }), 5)).toThrow(
      badPlugin("returned float32 [1, 5] from weights, and must return float32 [4, 5]"),
    );
  });
});
