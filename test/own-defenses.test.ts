// The three hooks of a defence from outside: several passes per loss, replaced parameters, several steps per batch.
import { describe, expect, it } from "vitest";
import type { Victim } from "../src/attacks/victim.ts";
import type { LossObjective, TrainingBatch } from "../src/defenses/objective.ts";
import { withWeightPerturbation } from "../src/defenses/weight-perturbation.ts";
import { sum } from "../src/engine/graph/ops.ts";
import type { Key } from "../src/math/random.ts";
import { type Tensor, tensor } from "../src/math/tensor.ts";
import type { Parameters } from "../src/models/architecture.ts";
import type { TrainState } from "../src/models/opening/checkpoint.ts";
import { batchTrainer } from "../src/train/batch-trainer.ts";
import { sgd } from "../src/train/optimizer.ts";
import { awp, FREE, free, TRADES, trades } from "./fixtures/own-defenses.ts";
import { awpBothWays, batches, linearNetwork, trainingOf } from "./fixtures/own-training.ts";

const softmax = (z: readonly number[]) => {
  const total = z.reduce((all, v) => all + Math.exp(v), 0);
  return z.map((v) => Math.exp(v) / total);
};

/** TRADES of a linear network in closed form: the loss, and ∂loss/∂w [3, 64]. */
function closedForm(
  w: Tensor,
  b: Tensor,
  clean: Tensor,
  attacked: Tensor,
  labels: readonly number[],
) {
  const n = labels.length;
  const slopes = new Float64Array(3 * 64);
  let loss = 0;
  for (const [i, label] of labels.entries()) {
    const images = [clean, attacked].map(({ data }) => [...data.subarray(64 * i, 64 * i + 64)]);
    const [p, q] = images.map((x) =>
      softmax(
        [0, 1, 2].map((c) => b.data[c] + x.reduce((all, v, j) => all + v * w.data[64 * c + j], 0)),
      ),
    );
    const kl = p.reduce((all, v, c) => all + v * Math.log(v / q[c]), 0);
    loss += (TRADES.beta * kl - Math.log(p[label])) / n;
    for (const c of [0, 1, 2]) {
      const byClean =
        p[c] - Number(c === label) + TRADES.beta * p[c] * (Math.log(p[c] / q[c]) - kl);
      const byAttacked = TRADES.beta * (q[c] - p[c]);
      for (let j = 0; j < 64; j++)
        slopes[64 * c + j] += (byClean * images[0][j] + byAttacked * images[1][j]) / n;
    }
  }
  return { loss, slopes };
}

describe("several passes per loss:", () => {
  it("the loss and the gradient of TRADES are those of the closed form", async () => {
    let attacked: Tensor | undefined;
    const watched: LossObjective = Object.assign({}, trades, {
      async feeds(model: Victim, x: Tensor, labels: readonly number[], keys: readonly Key[]) {
        const feeds = await trades.feeds?.(model, x, labels, keys);
        attacked = feeds?.adversarial;
        return feeds;
      },
    });
    const { result, batch, initial, state } = await batches(watched, 1, {
      architecture: linearNetwork,
    });
    if (attacked === undefined) throw new Error("no attack");
    expect(attacked.data).not.toEqual(batch.x.data);
    const { w, b } = initial.parameters;
    const exact = closedForm(w, b, batch.x, attacked, batch.labels);
    expect(result.loss).toBeCloseTo(exact.loss, 5);
    state.parameters.w.data.forEach((v, k) => {
      expect((w.data[k] - v) / 0.1).toBeCloseTo(exact.slopes[k], 4);
    });
  });
});

describe("replaced parameters:", () => {
  it("AWP's gradient is that of other weights, and the weights come back to the bit", async () => {
    const seen: Parameters[] = [];
    const objective = awp(async (batch) => void seen.push(await batch.parameters()));
    const { initial } = await batches(objective, 1, { architecture: linearNetwork });
    const [moved, restored] = seen;
    for (const [name, { data }] of Object.entries(restored)) {
      expect(data, name).toEqual(initial.parameters[name].data);
      if (restored[name].shape.length > 1) expect(moved[name].data).not.toEqual(data);
    }
  });

  it("AWP around a defence takes the steps of AWP written as one procedure", async () => {
    const { defense, ours, written, without } = await awpBothWays(linearNetwork);
    expect(ours).toEqual(written);
    expect(ours).not.toEqual(without);
    expect(() =>
      withWeightPerturbation(Object.assign({}, defense, { objective: free() }), 0.005),
    ).toThrow("procedure of its own");
  });

  it("come back if the procedure throws, and refuse a step in between", async () => {
    let batch: TrainingBatch | undefined;
    const failing: LossObjective = {
      name: "failing",
      async train(one) {
        batch = one;
        const before = await one.parameters();
        const gradients = await one.gradients({ x: one.x });
        const zeros = Object.fromEntries(
          Object.entries(before).map(([name, { shape }]) => [name, tensor(shape)]),
        );
        const inside = one.withParameters(zeros, () => one.apply(gradients));
        await expect(inside).rejects.toMatchObject({ code: "bad-plugin" });
        expect(await one.parameters()).toEqual(before);
        throw new Error("no idea");
      },
    };
    await expect(batches(failing, 1, { architecture: linearNetwork })).rejects.toMatchObject({
      code: "bad-plugin",
      message: "defense failing threw in train: no idea",
    });
    expect(batch).toBeDefined();
  });
});

describe("several steps per batch:", () => {
  it("free adversarial training takes m steps, and starts where the batch before ended", async () => {
    const deltas: Tensor[] = [];
    const { state, initial } = await batches(
      free((delta) => deltas.push(delta)),
      2,
      { architecture: linearNetwork },
    );
    expect(deltas).toHaveLength(2 * FREE.repeats);
    expect(deltas[0].data.every((v) => v === 0)).toBe(true);
    for (const [i, delta] of deltas.slice(1).entries()) {
      expect(Math.max(...delta.data.map(Math.abs))).toBeCloseTo(FREE.epsilon, 6);
      if (i === FREE.repeats - 1) expect(delta.data.some((v) => v !== 0)).toBe(true);
    }
    expect(state.slots["objective/delta"].shape).toEqual([4, 1, 8, 8]);
    expect(state.parameters.w.data).not.toEqual(initial.parameters.w.data);
  });

  it("each of them moves the weights by its own gradient", async () => {
    const steps = (count: number): LossObjective => ({
      name: "again",
      async train(batch) {
        for (let i = 0; i < count; i++) await batch.apply(await batch.gradients({ x: batch.x }));
        return undefined;
      },
    });
    const given = { architecture: linearNetwork };
    const [once, thrice] = [await batches(steps(1), 3, given), await batches(steps(3), 1, given)];
    expect(thrice.state.parameters).toEqual(once.state.parameters);
  });
});

describe("a defence is refused", () => {
  it.each<[string, Partial<LossObjective>, string]>([
    ["that takes no step", { train: async () => undefined }, "ended train without a step"],
    ["without a procedure", {}, "needs feeds, examples or train"],
    [
      "whose loss is no scalar",
      {
        feeds: async (_, x) => ({ x }),
        loss: ({ oneHot }) => ({ loss: sum(oneHot, [1]), logits: oneHot }),
      },
      "must return a loss of shape []",
    ],
    [
      "that feeds another array",
      { feeds: async (_, x) => ({ x, y: x }) },
      "gives y to feeds, which takes x",
    ],
    [
      "that feeds another shape",
      { feeds: async () => ({ x: tensor([4, 64]) }) },
      "and must return float32 [4, 1, 8, 8]",
    ],
    [
      "that feeds NaN",
      {
        feeds: async (_, x) => ({
          x: tensor(
            x.shape,
            x.data.map(() => Number.NaN),
          ),
        }),
      },
      "returned NaN from feeds.x",
    ],
  ])("%s", async (_, part, message) => {
    const objective = Object.assign({ name: "broken" }, part);
    await expect(batches(objective, 1, { architecture: linearNetwork })).rejects.toMatchObject({
      code: "bad-plugin",
      message: expect.stringContaining(message),
    });
  });
});

describe("a resumed run", () => {
  const resumed = async (change: (state: TrainState) => TrainState) => {
    const objective = free();
    const { initial, architecture, state } = await batches(objective, 1, {
      architecture: linearNetwork,
    });
    const { runtime, defense } = await trainingOf(objective);
    const optimizer = sgd({ momentum: 0, weightDecay: 0 });
    expect(Object.keys(initial.slots)).not.toContain("objective/delta");
    return batchTrainer({ runtime, architecture, defense }, optimizer, {
      batchSize: 4,
      state: change(state),
      isResumed: true,
    });
  };

  it("goes on with the defence's memory", async () => {
    const trainer = await resumed((state) => state);
    await trainer.release();
  });

  it("is refused without the defence's memory", async () => {
    const without = ({ parameters }: TrainState) => ({ parameters, slots: {} });
    await expect(resumed(without)).rejects.toMatchObject({
      code: "misfit",
      message: expect.stringContaining("the checkpoint has no array delta of"),
    });
  });

  it("is refused if the memory has another shape", async () => {
    const other = ({ parameters, slots }: TrainState) => ({
      parameters,
      slots: Object.assign({}, slots, { "objective/delta": tensor([2]) }),
    });
    await expect(resumed(other)).rejects.toMatchObject({
      code: "misfit",
      message: expect.stringContaining("as [2], and the defence now asks for [4, "),
    });
  });
});
