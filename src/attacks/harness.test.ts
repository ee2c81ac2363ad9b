import { describe, expect, it } from "vitest";
import { linearVictim } from "../../test/fixtures/linear-victim.ts";
import { keyOf, keysFor } from "../math/random.ts";
import { addScaled, type Tensor, tensor } from "../math/tensor.ts";
import { runBounded, runMinimal } from "./harness.ts";
import { pgd } from "./pgd.ts";
import type { BoundedAttack, MinimalAttack, Norm } from "./victim.ts";

const victim = linearVictim(tensor([2, 4], [1, 2, 3, 4, -1, 0, 1, 0]), [0, 0.1]);
const x = tensor([3, 4], [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 0.5]);
const labels = [0, 1, 0];
const keys = keysFor(keyOf(0), [0, 1, 2]);

const returning = (norm: Norm, f: (x: Tensor) => Tensor): BoundedAttack => ({
  name: "cheat",
  norm,
  epsilon: 0.1,
  asks: "cross-entropy",
  options: {},
  perturb: async (_, given) => f(given),
});

it.each(["linf", "l2"] as const)(
  "an attack that leaves the %s ball is put back and told on",
  async (norm) => {
    const far = returning(norm, (given) => addScaled(given, tensor([3, 4], Array(12).fill(1)), 5));
    const result = await runBounded(far, victim, x, labels, keys);
    expect(result.moved).toEqual([true, true, true]);
    for (const length of result[norm]) expect(length).toBeLessThanOrEqual(0.1);
    for (const v of result.adversarial.data) expect(v >= 0 && v <= 1).toBe(true);
  },
);

it("an attack that stays inside is left alone, and its distances are measured", async () => {
  const shift = tensor([3, 4], [0.1, 0, 0, 0, 0, 0.05, -0.05, 0, 0, 0, 0, 0]);
  const result = await runBounded(
    returning("linf", (given) => addScaled(given, shift, 1)),
    victim,
    x,
    labels,
    keys,
  );
  expect(result.moved).toEqual([false, false, false]);
  expect(result.linf.map((v) => v.toFixed(4))).toEqual(["0.1000", "0.0500", "0.0000"]);
  expect(result.l2.map((v) => v.toFixed(4))).toEqual(["0.1000", "0.0707", "0.0000"]);
  expect(result.l1.map((v) => v.toFixed(4))).toEqual(["0.1000", "0.1000", "0.0000"]);
});

it("PGD never needs to be put back, and its queries are counted by example", async () => {
  const attack = pgd({ norm: "l2", epsilon: 0.4, steps: 7, restarts: 2, stopWhenBroken: false });
  const { moved, queries } = await runBounded(attack, victim, x, labels, keys);
  expect(moved).toEqual([false, false, false]);
  // Seven steps from each of two starts, then one look at each candidate, for three examples.
  expect(queries).toEqual({ forwards: 3 * (2 * 7 + 2), gradients: 3 * (2 * 7 + 2) });
});

it("an attack that returns NaN or another shape is an error, not a success", async () => {
  const broken = returning("linf", (given) => tensor(given.shape, Array(12).fill(Number.NaN)));
  await expect(runBounded(broken, victim, x, labels, keys)).rejects.toThrow(
    "returned NaN from perturb",
  );
  const short = returning("linf", () => tensor([1, 4]));
  await expect(runBounded(short, victim, x, labels, keys)).rejects.toMatchObject({
    code: "bad-plugin",
    message: expect.stringContaining("returned float32 [1, 4] from perturb"),
  });
});

describe("a minimum-norm attack", () => {
  const minimal = (found: readonly boolean[], f: (x: Tensor) => Tensor): MinimalAttack => ({
    name: "cheat",
    norm: "l2",
    epsilon: null,
    options: {},
    minimize: async (asked, given) => {
      await asked.logits(given, keys);
      return { adversarial: f(given), found };
    },
  });
  const found = [true, false, true];
  const run = (attack: MinimalAttack) => runMinimal(attack, victim, x, labels, keys);

  it("may go as far as the box, and its word is handed on beside what was measured", async () => {
    const result = await run(minimal(found, ({ shape }) => tensor(shape, Array(12).fill(1))));
    expect(result.moved).toEqual([false, false, false]);
    expect(result.l2[0]).toBeCloseTo(Math.hypot(1, 0.9, 0.8, 0.7), 6);
    expect(result.linf[0]).toBe(1);
    expect(result.l1[0]).toBeCloseTo(3.4, 6);
    expect(result.found).toEqual(found);
    expect(result.queries).toEqual({ forwards: 3, gradients: 0 });
  });

  it("is put back into the box and told on", async () => {
    const result = await run(minimal(found, ({ shape }) => tensor(shape, Array(12).fill(1.5))));
    expect(result.moved).toEqual([true, true, true]);
    expect(result.adversarial.data).toEqual(new Float32Array(12).fill(1));
  });

  it("that returns NaN, or speaks of other examples, is an error", async () => {
    const nan = minimal(found, ({ shape }) => tensor(shape, Array(12).fill(Number.NaN)));
    await expect(run(nan)).rejects.toThrow("returned NaN from minimize");
    await expect(run(minimal([true], (given) => given))).rejects.toThrow(
      "cheat reported on 1 examples out of 3",
    );
  });
});
