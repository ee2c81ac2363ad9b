import { describe, expect, it } from "vitest";
import { brightness } from "../../test/fixtures/brightness.ts";
import { distancesOf } from "../attacks/exact-projection.ts";
import type { Victim } from "../attacks/victim.ts";
import { keyOf, keysFor } from "../math/random.ts";
import { type Tensor, tensor } from "../math/tensor.ts";
import { candidatesAt, chooseWorst } from "./candidates.ts";
import { ruleNamed } from "./rule.ts";

const two = (...values: number[]): Tensor =>
  tensor(
    [values.length, 1, 2, 2],
    values.flatMap((value) => Array(4).fill(value)),
  );
const l2 = { norm: "l2" } as const;

describe("a minimum-norm result at a radius", () => {
  const x = two(0.5, 0.5, 0.5);
  // ℓ2 norms 0.1, 0.3 and 0; the radius is 0.2.
  const unbounded = { objective: "margin", adversarial: two(0.55, 0.65, 0.5) };
  const pixels = unbounded.adversarial.data;

  it("counts where its norm is at most ε, and is the clean image where it is longer", () => {
    const [{ objective, adversarial }, ...others] = candidatesAt(
      l2,
      { x, unbounded, uphill: null },
      0.2,
    );
    expect(others).toEqual([]);
    expect(objective).toBe("margin");
    expect(adversarial.data.subarray(0, 4)).toEqual(pixels.subarray(0, 4));
    expect(adversarial.data.subarray(4)).toEqual(x.data.subarray(4));
  });

  it("counts at its own norm, and where float32 has rounded it outside: it is brought inside", () => {
    const [norm] = distancesOf(unbounded.adversarial, x, "l2");
    for (const epsilon of [norm, norm * (1 - 1e-8)]) {
      const [{ adversarial }] = candidatesAt(l2, { x, unbounded, uphill: null }, epsilon);
      expect(adversarial.data[0]).toBeCloseTo(pixels[0], 6);
      expect(adversarial.data[0]).not.toBe(x.data[0]);
      expect(distancesOf(adversarial, x, "l2")[0]).toBeLessThanOrEqual(epsilon);
    }
  });

  it("of a randomised model competes with itself and with the gradient at the radius, in the box", () => {
    const uphill = two(-3, 0, -1e-3);
    const [within, stretched, oneStep] = candidatesAt(l2, { x, unbounded, uphill }, 0.2);
    expect(within.objective).toBe("margin");
    expect([stretched.objective, oneStep.objective]).toEqual(["stretched", "one-step"]);
    for (const [candidate, expected] of [
      [stretched, two(0.6, 0.6, 0.5)],
      [oneStep, two(0.4, 0.5, 0.4)],
    ] as const)
      for (const [i, v] of expected.data.entries())
        expect(candidate.adversarial.data[i]).toBeCloseTo(v, 6);
    const edge = {
      x: two(0.95),
      unbounded: { ...unbounded, adversarial: two(0.96) },
      uphill: two(1),
    };
    for (const { adversarial } of candidatesAt(l2, edge, 0.2).slice(1))
      for (const v of adversarial.data) expect(v).toBe(1);
  });
});

describe("the choice among candidates", () => {
  const keys = keysFor(keyOf(7), [0, 1, 2]);
  const labels = [1, 1, 1];
  const scoring = { rule: ruleNamed("single"), draws: 6, batch: 5 };
  const candidates = [
    { objective: "a", adversarial: two(0.6, 0.4, 0.6) },
    { objective: "b", adversarial: two(0.4, 0.6, 0.7) },
    { objective: "c", adversarial: two(0.3, 0.4, 0.8) },
  ];

  it("is made per example: the one that is right least often, the first on a tie", async () => {
    const { objectives, adversarial } = await chooseWorst(
      candidates,
      brightness,
      labels,
      keys,
      scoring,
    );
    expect(objectives).toEqual(["b", "a", "a"]);
    expect(adversarial).toEqual(two(0.4, 0.4, 0.6));
  });

  it("asks every candidate on the same draws, each draw with a different key", async () => {
    const seen: string[][] = [];
    const watching: Victim = {
      ...brightness,
      logits(x, own) {
        seen.push(own.map(String));
        return brightness.logits(x, own);
      },
    };
    await chooseWorst(candidates, watching, labels, keys, scoring);
    const all = seen.flat();
    expect(all).toHaveLength(3 * 3 * 6);
    expect(new Set(all).size).toBe(3 * 6);
    expect(all.slice(18, 36)).toEqual(all.slice(0, 18));
  });

  it("asks nothing where there is none", async () => {
    const silent: Victim = {
      ...brightness,
      logits: () => Promise.reject(new Error("asked")),
    };
    const { objectives } = await chooseWorst(candidates.slice(0, 1), silent, labels, keys, scoring);
    expect(objectives).toEqual(["a", "a", "a"]);
  });
});
