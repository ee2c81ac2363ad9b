import { describe, expect, it } from "vitest";
import { linearVictim } from "../../test/fixtures/linear-victim.ts";
import type { Loss, Victim } from "../attacks/victim.ts";
import { ce } from "../losses/ce.ts";
import { difference } from "../losses/difference.ts";
import { dlr } from "../losses/dlr.ts";
import { linear } from "../losses/linear.ts";
import { margin } from "../losses/margin.ts";
import { lossOfLogits } from "../losses/plain.ts";
import { normal, uniform } from "../math/distributions.ts";
import { foldAll, type Key, keyOf, keysFor } from "../math/random.ts";
import { rows, type Tensor, tensor } from "../math/tensor.ts";
import { noiseNamed } from "../noise/table.ts";
import { type EotObjective, withEot, withFixedKeys } from "./with-eot.ts";
import { withNoise } from "./with-noise.ts";

const indices = [0, 1, 2, 3];
const keys = keysFor(keyOf(1), indices);
const labels = [0, 1, 2, 0];
const x = uniform(keysFor(keyOf(2), indices), [4, 5]);
const weights = normal(keysFor(keyOf(3), [0, 1, 2]), [3, 5], 2);

/** W·sin(3x) + b: curved, so that mean and loss do not commute by accident. */
function curved(): Victim {
  const flat = linearVictim(weights, [0, 0.5, 1]);
  const bent = ({ shape, data }: Tensor) =>
    tensor(
      shape,
      data.map((v) => Math.sin(3 * v)),
    );
  return {
    logits: (at, own) => flat.logits(bent(at), own),
    async lossAndGradient(at, loss, own) {
      const { gradient, ...rest } = await flat.lossAndGradient(bent(at), loss, own);
      const slope = gradient.data.map((v, i) => v * 3 * Math.cos(3 * at.data[i]));
      return { ...rest, gradient: tensor(at.shape, slope) };
    },
  };
}
const noisy = withNoise(curved(), noiseNamed("normal:0.5"));
const DRAWS = 6;

const losses: readonly Loss[] = [
  ce(labels),
  margin(labels),
  dlr(labels),
  difference(labels, [1, 2, 0, 2]),
  linear(normal(keysFor(keyOf(4), indices), [4, 3])),
];

const drawsAt = (at: Tensor, own: readonly Key[] = keys) =>
  Promise.all([...Array(DRAWS).keys()].map((r) => noisy.logits(at, foldAll(own, r))));

const average = (parts: readonly Tensor[]): Tensor =>
  tensor(
    parts[0].shape,
    parts[0].data.map((_, i) => parts.reduce((sum, { data }) => sum + data[i], 0) / parts.length),
  );

/** What each objective is, from the logits of every draw, written down without regard to memory. */
const direct: Record<EotObjective, (draws: readonly Tensor[], loss: Loss) => Float32Array> = {
  "mean-loss": (draws, loss) =>
    average(draws.map((z) => tensor([4], lossOfLogits(loss, z).losses))).data,
  "mean-logits": (draws, loss) => lossOfLogits(loss, average(draws)).losses,
  "mean-probability": (draws, loss) =>
    average(
      draws.map((z) =>
        tensor(
          [4],
          lossOfLogits(loss, z).losses.map((v) => Math.exp(-v)),
        ),
      ),
    ).data.map((p) => -Math.log(p)),
};

const cases = (Object.keys(direct) as EotObjective[]).flatMap((objective) =>
  losses
    .filter(({ kind }) => objective !== "mean-probability" || kind === "ce")
    .map((loss) => [objective, loss.kind, loss] as const),
);

describe("each objective of EOT", () => {
  it.each(cases)(
    "%s of %s is its formula, and its gradient a finite difference",
    async (objective, _, loss) => {
      const eot = withEot(noisy, DRAWS, 5, objective);
      const { losses: got, gradient } = await eot.lossAndGradient(x, loss, keys);
      const expected = direct[objective](await drawsAt(x), loss);
      for (const [i, v] of expected.entries()) expect(got[i]).toBeCloseTo(v, 4);
      const h = 2e-3;
      for (const at of [0, 7, 13, 19]) {
        const moved = async (step: number) => {
          const data = x.data.slice();
          data[at] += step;
          const values = direct[objective](await drawsAt(tensor(x.shape, data)), loss);
          return values[Math.floor(at / 5)];
        };
        const slope = ((await moved(h)) - (await moved(-h))) / (2 * h);
        expect(Math.abs(gradient.data[at] - slope), `pixel ${at}`).toBeLessThan(
          0.01 * (1 + Math.abs(slope)),
        );
      }
    },
  );

  it("is another one: they differ where the draws differ", async () => {
    const of = async (objective: EotObjective) =>
      (await withEot(noisy, DRAWS, 5, objective).lossAndGradient(x, ce(labels), keys)).losses;
    const [loss, logits, probability] = await Promise.all(
      (["mean-loss", "mean-logits", "mean-probability"] as const).map(of),
    );
    // Jensen: cross-entropy is convex in the logits, −log in the probability.
    for (const [i, v] of loss.entries()) {
      expect(v).toBeGreaterThan(logits[i] + 1e-3);
      expect(v).toBeGreaterThan(probability[i] + 1e-3);
    }
  });

  it("gives logits whose own loss is the loss, where the objective is one of mean outputs", async () => {
    for (const objective of ["mean-logits", "mean-probability"] as const) {
      const eot = withEot(noisy, DRAWS, 5, objective);
      const { losses: got, logits } = await eot.lossAndGradient(x, ce(labels), keys);
      const own = lossOfLogits(ce(labels), logits).losses;
      for (const [i, v] of own.entries()) expect(got[i]).toBeCloseTo(v, 5);
      expect(await eot.logits(x, keys)).toEqual(logits);
    }
  });

  it("gives the same bits whatever the batch, its own or the caller's", async () => {
    for (const objective of Object.keys(direct) as EotObjective[]) {
      const all = await withEot(noisy, DRAWS, 100, objective).lossAndGradient(x, ce(labels), keys);
      const small = await withEot(noisy, DRAWS, DRAWS, objective).lossAndGradient(
        x,
        ce(labels),
        keys,
      );
      expect(small).toEqual(all);
      const alone = await withEot(noisy, DRAWS, DRAWS + 1, objective).lossAndGradient(
        rows(x, 2, 3),
        ce([labels[2]]),
        [keys[2]],
      );
      expect(alone.gradient.data).toEqual(rows(all.gradient, 2, 3).data);
    }
  });

  it("gives the same numbers where the draws of one example do not fit into a run", async () => {
    for (const objective of Object.keys(direct) as EotObjective[]) {
      const all = await withEot(noisy, DRAWS, 100, objective).lossAndGradient(x, ce(labels), keys);
      const small = await withEot(noisy, DRAWS, 3, objective).lossAndGradient(x, ce(labels), keys);
      for (const [i, v] of small.gradient.data.entries())
        expect(Math.abs(v - all.gradient.data[i])).toBeLessThan(1e-6);
      for (const [i, v] of small.losses.entries()) expect(v).toBeCloseTo(all.losses[i], 6);
    }
  });

  it("asks a network about all draws of an example in one run, where they fit", async () => {
    let runs = 0;
    const counting: Victim = {
      logits: () => Promise.reject(new Error("no second pass is needed")),
      lossAndGradient(at, loss, own) {
        runs++;
        return noisy.lossAndGradient(at, loss, own);
      },
    };
    const three = withEot(counting, DRAWS, 3 * DRAWS, "mean-logits");
    await three.lossAndGradient(x, ce(labels), keys);
    expect(runs).toBe(Math.ceil(labels.length / 3));
  });

  it("meets the victim with at most maxBatch rows, for 500 draws", async () => {
    for (const objective of Object.keys(direct) as EotObjective[]) {
      let largest = 0;
      const noted = <T>(own: readonly Key[], result: T): T => {
        largest = Math.max(largest, own.length);
        return result;
      };
      const watching: Victim = {
        logits: (at, own) => noted(own, noisy.logits(at, own)),
        lossAndGradient: (at, loss, own) => noted(own, noisy.lossAndGradient(at, loss, own)),
      };
      await withEot(watching, 500, 8, objective).lossAndGradient(x, ce(labels), keys);
      expect(largest).toBe(8);
    }
  });
});

describe("the mean probability", () => {
  /** A victim whose label's cross-entropy in draw r is `losses[r]`, with gradient r + 1. */
  const scripted = (given: readonly number[]): Victim => {
    let r = 0;
    return {
      logits: async () => tensor([1, 2], [0, 0]),
      async lossAndGradient() {
        const loss = given[r];
        r = (r + 1) % given.length;
        const own = tensor([1, 1], [r === 0 ? given.length : r]);
        return { losses: Float32Array.of(loss), logits: tensor([1, 2], [0, loss]), gradient: own };
      },
    };
  };
  const one = tensor([1, 1], [0.5]);

  it("is right where e^-loss is no number of double precision, whatever the order of draws", async () => {
    for (const [given, gradient] of [
      [[2000, 1000], 2],
      [[1000, 2000], 1],
    ] as const) {
      const eot = withEot(scripted(given), 2, 1, "mean-probability");
      const result = await eot.lossAndGradient(one, ce([0]), keys.slice(0, 1));
      expect(result.losses[0]).toBeCloseTo(1000 + Math.log(2), 3);
      expect(result.gradient.data[0]).toBeCloseTo(gradient, 6);
      for (const v of result.logits.data) expect(Number.isFinite(v)).toBe(true);
    }
  });

  it("refuses a loss that is no probability, by name", async () => {
    const eot = withEot(noisy, 2, 4, "mean-probability");
    await expect(eot.lossAndGradient(x, margin(labels), keys)).rejects.toThrow("loss margin");
  });
});

describe("fixed keys", () => {
  it("show the same draws at every step", async () => {
    const eot = withFixedKeys(withEot(noisy, 3, 8), keys);
    const first = await eot.lossAndGradient(x, ce(labels), foldAll(keys, 1));
    expect(await eot.lossAndGradient(x, ce(labels), foldAll(keys, 2))).toEqual(first);
    expect(await eot.logits(x, foldAll(keys, 3))).toEqual(first.logits);
    const other = await withFixedKeys(withEot(noisy, 3, 8), foldAll(keys, 1)).logits(x, keys);
    expect(other).not.toEqual(first.logits);
  });

  it("refuse a part of the batch, whose keys nobody knows", async () => {
    const eot = withFixedKeys(noisy, keys);
    await expect(eot.logits(rows(x, 0, 1), keys.slice(0, 1))).rejects.toThrow(
      "4 examples are fixed",
    );
  });
});
