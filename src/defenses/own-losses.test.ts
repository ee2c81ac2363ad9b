// Defences that have a loss or a procedure of their own: what they feed, and what they remember.
import { describe, expect, it } from "vitest";
import { linearVictim } from "../../test/fixtures/linear-victim.ts";
import { balls } from "../attacks/balls.ts";
import type { Victim } from "../attacks/victim.ts";
import { normal, uniform } from "../math/distributions.ts";
import { keyOf, keysFor } from "../math/random.ts";
import { sub, type Tensor, takeRows, tensor } from "../math/tensor.ts";
import { drawnNorm } from "./e-at.ts";
import {
  type LossObjective,
  replacesExamples,
  requireExamples,
  type TrainingBatch,
} from "./objective.ts";
import { defenseNamed, defenseNames, defenses } from "./table.ts";

const indices = [0, 1, 2, 3, 4, 5];
const keys = keysFor(keyOf(1), indices);
const labels = [0, 1, 2, 0, 1, 2];
const x = uniform(keysFor(keyOf(2), indices), [6, 40], 0.3, 0.7);
const network = linearVictim(normal(keysFor(keyOf(3), [0, 1, 2]), [3, 40]), [0, 0, 0]);
const radii = { epsilonLinf: 0.01, epsilonL2: 0.05, epsilonL1: 0.5 };

const lossObjective = (name: string, options: object = {}): LossObjective => {
  const { objective } = defenseNamed(name, Object.assign({}, radii, options));
  if (replacesExamples(objective)) throw new Error(`${name} replaces examples`);
  return objective;
};
const feeding = defenseNames.filter((name) => {
  const { objective } = defenseNamed(name);
  return !replacesExamples(objective) && objective.feeds !== undefined;
});

describe.each(feeding)("%s", (name) => {
  const feeds = (model: Victim, rows = indices) =>
    lossObjective(name).feeds?.(
      model,
      takeRows(x, rows),
      rows.map((i) => labels[i]),
      rows.map((i) => keys[i]),
    ) ?? Promise.reject(new Error("no feeds"));

  it("gives an example the same bits in another batch", async () => {
    const [whole, some] = [await feeds(network), await feeds(network, [4, 1])];
    for (const [array, { shape, data }] of Object.entries(some)) {
      const all = whole[array];
      expect(data, array).toEqual(shape.length === 0 ? all.data : takeRows(all, [4, 1]).data);
    }
  });

  it("feeds exactly the arrays that its loss takes", async () => {
    const objective = lossObjective(name);
    const shapes = objective.arrays?.({ batch: 6, images: x.shape, classes: 3 }) ?? {};
    const fed = await feeds(network);
    expect(Object.keys(fed).sort()).toEqual(Object.keys(shapes).sort());
    for (const [array, shape] of Object.entries(shapes)) expect(fed[array].shape).toEqual(shape);
  });
});

const lengths = (norm: "linf" | "l2" | "l1", adversarial: Tensor) =>
  balls[norm].norm(sub(adversarial, x));

it.each([
  ["trades-linf", "adversarial", "linf", 0.01],
  ["trades-l2", "adversarial", "l2", 0.05],
  ["mart-linf", "adversarial", "linf", 0.01],
  ["ramp", "first", "linf", 0.01],
  ["ramp", "second", "l1", 0.5],
] as const)("%s: array %s is at the edge of its ball in %s", async (name, array, norm, epsilon) => {
  const fed = await lossObjective(name).feeds?.(network, x, labels, keys);
  for (const length of lengths(norm, fed?.[array] ?? x)) {
    expect(length).toBeLessThanOrEqual(epsilon + 1e-6);
    expect(length).toBeGreaterThan(0.8 * epsilon);
  }
});

it("the attack of TRADES ignores the labels", async () => {
  const { feeds } = lossObjective("trades-linf");
  const [own, other] = [labels, [2, 0, 1, 1, 0, 2]];
  const [a, b] = [await feeds?.(network, x, own, keys), await feeds?.(network, x, other, keys)];
  expect(a?.adversarial.data).toEqual(b?.adversarial.data);
});

const examplesOf = (name: string, options: object) =>
  requireExamples(defenseNamed(name, Object.assign({}, radii, options)).objective).examples(
    network,
    x,
    labels,
    keys,
  );

describe("fast-at-linf", () => {
  it("leaves the ball with n-fgsm, up to three radii, and stays in it with rs-fgsm", async () => {
    const free = lengths("linf", await examplesOf("fast-at-linf", {}));
    expect(Math.max(...free)).toBeGreaterThan(0.02);
    expect(Math.max(...free)).toBeLessThanOrEqual(0.03 + 1e-6);
    const projected = lengths("linf", await examplesOf("fast-at-linf", { fastMethod: "rs-fgsm" }));
    for (const length of projected) {
      expect(length).toBeLessThanOrEqual(0.01 + 1e-6);
      expect(length).toBeGreaterThan(0.0099);
    }
  });
});

describe("msd", () => {
  it("does at least as much harm as either of its norms alone, on a linear network", async () => {
    const margins = async (images: Tensor) => {
      const { data } = await network.logits(images, keys);
      return labels.map((label, i) => {
        const row = [...data.subarray(3 * i, 3 * i + 3)];
        return row[label] - Math.max(...row.filter((_, j) => j !== label));
      });
    };
    const both = await margins(await examplesOf("msd", {}));
    for (const norms of ["linf", "l2"] as const) {
      const alone = await margins(await examplesOf("msd", { norms }));
      for (const [i, margin] of both.entries()) expect(margin).toBeLessThanOrEqual(alone[i] + 1e-4);
    }
  });
});

describe("e-at", () => {
  it("draws norms in proportion to their errors, and an unseen one first", () => {
    expect(drawnNorm([0.2, -1, -1], 0.99)).toBe(1);
    expect([0.05, 0.19, 0.21, 0.99].map((u) => drawnNorm([0.1, 0.4], u))).toEqual([0, 0, 1, 1]);
    expect([0.1, 0.4, 0.9].map((u) => drawnNorm([0, 0, 0], u))).toEqual([0, 1, 2]);
  });

  /** Trains on one batch with this memory, for a network that gets `correct` of six examples right. */
  const errorsAfter = async (memory: readonly number[], correct: number) => {
    const objective = lossObjective("e-at");
    const seen: Tensor[] = [];
    const batch = {
      model: network,
      x,
      labels,
      keys,
      memory: { errors: tensor([2], memory) },
      gradients: async (arrays: Readonly<Record<string, Tensor>>) => {
        seen.push(arrays.x);
        return { loss: 1, correct, parameters: {}, arrays: {}, statistics: {} };
      },
      apply: async () => {},
    } as unknown as TrainingBatch;
    const next = await objective.train?.(batch);
    return { errors: Array.from(next?.errors.data ?? [], (v) => v - 1), seen };
  };

  it("sees every norm once, then averages the errors", async () => {
    const first = await errorsAfter([0, 0], 3);
    expect(first.errors).toEqual([0.5, -1]);
    const second = await errorsAfter([1.5, 0], 0);
    expect(second.errors).toEqual([0.5, 1]);
    expect(Math.max(...lengths("linf", first.seen[0]))).toBeLessThanOrEqual(0.01 + 1e-6);
    expect(Math.max(...lengths("l2", second.seen[0]))).toBeLessThanOrEqual(0.05 + 1e-6);
    const third = await errorsAfter([2, 1], 6);
    expect(third.errors[0]).toBeCloseTo(0.9, 6);
    expect(third.errors[1]).toBe(0);
  });
});

describe("free-at", () => {
  it("takes eight steps per batch, and its perturbation stays in the ball", async () => {
    const objective = lossObjective("free-at");
    const seen: Tensor[] = [];
    const slope = tensor(
      x.shape,
      x.data.map((_, i) => (i % 2 === 0 ? 1 : -1)),
    );
    const next = await objective.train?.({
      x,
      memory: { delta: tensor(x.shape) },
      gradients: async (arrays: Readonly<Record<string, Tensor>>) => {
        seen.push(arrays.x);
        return { loss: 1, correct: 0, parameters: {}, arrays: { x: slope }, statistics: {} };
      },
      apply: async () => {},
    } as unknown as TrainingBatch);
    expect(seen.length).toBe(8);
    expect(seen[0].data).toEqual(x.data);
    for (const one of seen.slice(1))
      for (const length of lengths("linf", one)) expect(length).toBeCloseTo(0.01, 6);
    expect(Math.max(...Array.from(next?.delta.data ?? []))).toBeCloseTo(0.01, 6);
  });
});

it("a list of norms with a repeated or unknown norm is refused", () => {
  for (const norms of ["linf,linf", "linf,l3", ""])
    expect(() => defenses.named("max")({ norms })).toThrow(/linf/);
});
