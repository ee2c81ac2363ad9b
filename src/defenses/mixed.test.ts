import { describe, expect, it } from "vitest";
import { linearVictim } from "../../test/fixtures/linear-victim.ts";
import { balls } from "../attacks/balls.ts";
import type { BoundedAttack, Victim } from "../attacks/victim.ts";
import { lossOfLogits } from "../losses/plain.ts";
import { normal, uniform } from "../math/distributions.ts";
import { fold, type Key, keyOf, keysFor } from "../math/random.ts";
import { rowSize, sub, type Tensor, tensor } from "../math/tensor.ts";
import { mixedMax, mixedRandom } from "./mixed.ts";
import { requireExamples } from "./objective.ts";
import { defenseNamed } from "./table.ts";
import { withNoise } from "./with-noise.ts";

const indices = Array.from({ length: 40 }, (_, i) => i);
const keys = keysFor(keyOf(1), indices);
const x = uniform(keysFor(keyOf(2), indices), [40, 30], 0.3, 0.7);
const labels = indices.map((i) => i % 3);
const network = linearVictim(normal(keysFor(keyOf(3), [0, 1, 2]), [3, 30]), [0, 0, 0]);

/** An attack that moves every example by `offset(i)` along one axis of the batch's own labels. */
const moving = (name: string, offset: (label: number) => number): BoundedAttack => ({
  name,
  norm: "linf",
  epsilon: 0.1,
  asks: "cross-entropy",
  options: {},
  perturb: async (_, images, own) => {
    const moved = tensor(images.shape, images.data.slice());
    const row = rowSize(images);
    own.forEach((label, i) => {
      for (let j = 0; j < row; j++) moved.data[i * row + j] += offset(label);
    });
    return moved;
  },
});

/** Loss −Σ pixels for label 0 and +Σ pixels for the others, so the worse of two shifts depends on the label. */
const tilted: Victim = {
  logits: async (images) => tensor([images.shape[0], 3]),
  async lossAndGradient(images, loss) {
    const row = rowSize(images);
    const own = "labels" in loss ? loss.labels : [];
    const losses = Float32Array.from(own, (label, i) => {
      const sum = images.data.subarray(i * row, (i + 1) * row).reduce((a, b) => a + b, 0);
      return label === 0 ? -sum : sum;
    });
    return { losses, logits: tensor([own.length, 3]), gradient: tensor(images.shape) };
  },
};
const up = moving("up", () => 0.05);
const down = moving("down", () => -0.05);
const shifts = (examples: Tensor) =>
  indices.map((i) => Math.sign(examples.data[i * 30] - x.data[i * 30]));

describe("MAT-Max", () => {
  it("keeps for each example the candidate of higher loss", async () => {
    const examples = await mixedMax([up, down]).examples(tilted, x, labels, keys);
    expect(shifts(examples)).toEqual(labels.map((label) => (label === 0 ? -1 : 1)));
  });

  it("per batch keeps the one whose mean loss is higher, for all", async () => {
    const examples = await mixedMax([down, up], "batch").examples(tilted, x, labels, keys);
    expect(new Set(shifts(examples))).toEqual(new Set([1])); // two labels of three gain by going up
  });

  it("judges both candidates under the same noise", async () => {
    // Noise of either sign drowns the shifts: only a common draw lets the better one win every time.
    const noise = {
      name: "coin",
      sample: (own: readonly Key[], shape: readonly number[]) => uniform(own, shape, -9, 9),
    };
    const examples = await mixedMax([up, down]).examples(withNoise(tilted, noise), x, labels, keys);
    expect(shifts(examples)).toEqual(labels.map((label) => (label === 0 ? -1 : 1)));
  });

  it("is at least as damaging as either attack alone, example by example", async () => {
    const lossesOf = async (name: string) => {
      const { objective, attacks } = defenseNamed(name, { epsilonLinf: 0.02, epsilonL2: 0.1 });
      const examples = await requireExamples(objective).examples(network, x, labels, keys);
      const { losses } = lossOfLogits({ kind: "ce", labels }, await network.logits(examples, keys));
      return { losses, attacks };
    };
    const { losses, attacks } = await lossesOf("mat-max");
    for (const [i, attack] of attacks.entries()) {
      const own = keys.map((key) => fold(key, 1 + i));
      const alone = await attack.perturb(network, x, labels, own);
      const { losses: single } = lossOfLogits(
        { kind: "ce", labels },
        await network.logits(alone, keys),
      );
      single.forEach((loss, j) => {
        expect(losses[j]).toBeGreaterThanOrEqual(loss - 1e-6);
      });
    }
  });
});

describe("MAT-Rand", () => {
  const { objective, attacks } = defenseNamed("mat-rand", { epsilonLinf: 0.01, epsilonL2: 0.2 });

  it("draws a norm for each example, both about equally often", async () => {
    const delta = sub(await requireExamples(objective).examples(network, x, labels, keys), x);
    const inLinf = balls.linf.norm(delta).filter((norm) => norm <= 0.01 + 1e-6).length;
    expect(inLinf).toBeGreaterThan(7); // 40 coins: 7 or fewer, or 33 or more, have probability 4e-5
    expect(inLinf).toBeLessThan(33);
    for (const norm of balls.l2.norm(delta)) expect(norm).toBeLessThanOrEqual(0.2 + 1e-6);
  });

  it("per batch draws one norm for all, and another for another batch", async () => {
    const byBatch = mixedRandom(attacks, "batch");
    const counts = new Set<number>();
    for (let seed = 0; seed < 20; seed++) {
      const own = keysFor(keyOf(100 + seed), indices);
      const delta = sub(await byBatch.examples(network, x, labels, own), x);
      counts.add(balls.linf.norm(delta).filter((norm) => norm <= 0.01 + 1e-6).length);
    }
    expect([...counts].sort((a, b) => a - b)).toEqual([0, 40]);
  });

  it("asks the network about the whole batch at each step, in one run", async () => {
    const sizes: number[] = [];
    const watched: Victim = {
      logits: network.logits,
      lossAndGradient(images, loss, own) {
        sizes.push(own.length);
        return network.lossAndGradient(images, loss, own);
      },
    };
    await requireExamples(objective).examples(watched, x, labels, keys);
    expect(sizes).toEqual(Array(10).fill(40));
  });

  it("passes on the failure of the network instead of waiting for ever", async () => {
    const broken: Victim = {
      logits: network.logits,
      lossAndGradient: () => Promise.reject(new Error("no device")),
    };
    await expect(requireExamples(objective).examples(broken, x, labels, keys)).rejects.toThrow(
      "no device",
    );
  });

  it("goes on with the others when one attack needs fewer steps", async () => {
    const [linf, l2] = [3, 5].map((steps, i) => defenseNamed("at-linf", { steps }).attacks[0] ?? i);
    const examples = await mixedRandom([linf, l2] as BoundedAttack[]).examples(
      network,
      x,
      labels,
      keys,
    );
    expect(examples.shape).toEqual(x.shape);
  });
});
