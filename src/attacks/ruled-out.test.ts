// Classes that a network rules out by logits of −∞, and logits that are NaN.
import { describe, expect, it } from "vitest";
import { linearVictim } from "../../test/fixtures/linear-victim.ts";
import { dlr } from "../losses/dlr.ts";
import { dlrTargeted } from "../losses/dlr-targeted.ts";
import { MAX_LOGIT } from "../losses/logit-bounds.ts";
import { margin, marginsOf } from "../losses/margin.ts";
import { lossOfLogits } from "../losses/plain.ts";
import { keyOf, keysFor } from "../math/random.ts";
import { argmaxRows, type Tensor, tensor } from "../math/tensor.ts";
import { rivals } from "./examples.ts";
import { runBounded, runMinimal } from "./harness.ts";
import { attackNamed, attackNames, minimalAttackNamed, minimalAttackNames } from "./table.ts";
import type { Victim } from "./victim.ts";

const OUT = Number.NEGATIVE_INFINITY;
const of = (...z: number[]): Tensor => tensor([1, z.length], z);

describe("a margin", () => {
  it.each([
    ["leaves out a class at −∞", [2, OUT, 1], 0, -1],
    ["is huge where the label is at −∞", [OUT, 1, 2], 0, MAX_LOGIT],
    ["is huge where a logit is NaN, also another class's", [3, Number.NaN, 2], 0, MAX_LOGIT],
    ["is huge where all are at −∞", [OUT, OUT], 0, MAX_LOGIT],
    ["is far below 0 where all others are ruled out", [1, OUT, OUT], 0, -MAX_LOGIT],
    ["is 0 where two are at +∞", [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY], 0, 0],
  ] as const)("%s", (_, z, label, expected) => {
    expect(marginsOf(of(...z), [label])[0]).toBe(Math.fround(expected));
  });
});

describe("a decision", () => {
  it.each([
    ["is none where a score is NaN, wherever it stands", [Number.NaN, 1], -1],
    ["is none where a score after the largest is NaN", [2, 1, Number.NaN], -1],
    ["is none where all are at −∞", [OUT, OUT], -1],
    ["is the largest among those above −∞", [OUT, -5, OUT], 1],
  ] as const)("%s", (_, z, expected) => {
    expect(argmaxRows(of(...z))).toEqual([expected]);
  });
});

describe("targets", () => {
  it("are classes above −∞, as many as there are", () => {
    expect(rivals(Float32Array.of(1, OUT, 3, OUT, 2), 0, 9)).toEqual([2, 4]);
  });

  it("are all others where none is above −∞", () => {
    expect(rivals(Float32Array.of(1, OUT, OUT), 0, 9)).toEqual([1, 2]);
  });
});

describe("the difference of logits ratio", () => {
  it("with two classes above −∞ has nothing to divide by: it is the margin", () => {
    const z = of(3, OUT, 1, OUT, OUT, OUT);
    expect(lossOfLogits(dlr([0]), z)).toEqual(lossOfLogits(margin([0]), z));
    expect(lossOfLogits(dlrTargeted([0], [2]), z).losses[0]).toBe(-2);
  });

  it("with three above −∞ divides by what lies between the first and the third", () => {
    expect(lossOfLogits(dlr([0]), of(4, OUT, 1, 2)).losses[0]).toBeCloseTo(-2 / 3);
  });
});

/** The linear victim whose classes beyond the first two are ruled out. */
function masked(weights: Tensor, bias: readonly number[], more: number): Victim {
  const inner = linearVictim(weights, bias);
  const wide = (z: Tensor) => {
    const out = tensor([z.shape[0], 2 + more]);
    out.data.fill(OUT);
    for (let i = 0; i < z.shape[0]; i++)
      out.data.set(z.data.subarray(2 * i, 2 * i + 2), i * (2 + more));
    return out;
  };
  return {
    logits: async (x, keys) => wide(await inner.logits(x, keys)),
    async lossAndGradient(x, loss, keys) {
      const logits = wide(await inner.logits(x, keys));
      const { losses, gradient: slopes } = lossOfLogits(loss, logits);
      const own = tensor([x.shape[0], 2]);
      for (let i = 0; i < x.shape[0]; i++)
        own.data.set(slopes.data.subarray(i * (2 + more), i * (2 + more) + 2), 2 * i);
      const { gradient } = await inner.lossAndGradient(x, { kind: "linear", weights: own }, keys);
      return { losses, logits, gradient };
    },
  };
}

describe.each([1, 4])("of a classifier that rules out %i classes", (more) => {
  // Class 1 wins above a mean pixel of ½: the margins in ℓ∞ are 0.02 and 0.2.
  const weights = tensor([2, 4], [0, 0, 0, 0, 1, 1, 1, 1]);
  const victim = masked(weights, [0, -2], more);
  const x = tensor([2, 4], [...Array(4).fill(0.48), ...Array(4).fill(0.3)]);
  const labels = [0, 0];
  const keys = keysFor(keyOf(3), [0, 1]);
  const radii = { epsilonLinf: 0.05, epsilonL2: 0.1, epsilonL1: 0.2, epsilonL0: 1 };

  it.each(attackNames)("%s breaks what is close, and nothing else", async (name) => {
    const effort = { apgdSteps: 12, fabSteps: 8, pgdTSteps: 12, squareQueries: 300 };
    const attack = attackNamed(name, Object.assign({}, radii, effort));
    const { adversarial } = await runBounded(attack, victim, x, labels, keys);
    const far = attack.name.startsWith("fgsm-l1") || attack.name === "square-l1" ? [0, 1] : [1];
    const decided = argmaxRows(await victim.logits(adversarial, keys));
    expect(decided[1]).toBe(0);
    if (far.length === 1) expect(decided[0]).toBe(1);
  });

  it.each(minimalAttackNames)("%s finds the boundary to the live class", async (name) => {
    const attack = minimalAttackNamed(name, { fabSteps: 10, ddnSteps: 40, fmnSteps: 40 });
    const { adversarial, found } = await runMinimal(attack, victim, x, labels, keys);
    expect(found).toEqual([true, true]);
    expect(argmaxRows(await victim.logits(adversarial, keys))).toEqual([1, 1]);
  });
});
