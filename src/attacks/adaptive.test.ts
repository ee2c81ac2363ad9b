import { describe, expect, it } from "vitest";
import { linearVictim } from "../../test/fixtures/linear-victim.ts";
import {
  CLASSES,
  IMAGES,
  indices,
  keys,
  PIXELS,
  victim,
  weights,
  x,
} from "../../test/fixtures/ten-images.ts";
import { marginsOf } from "../losses/margin.ts";
import { argmaxRows, takeRows, tensor } from "../math/tensor.ts";
import { adaptive } from "./adaptive.ts";
import { scaleFor } from "./adaptive-search.ts";
import { counted, runBounded } from "./harness.ts";
import type { Norm, Victim } from "./victim.ts";

/** The smallest radius at which the linear victim errs on each image: min over j of margin / ‖w_label − w_j‖ in the dual norm. */
async function radii(norm: Norm, labels: readonly number[]): Promise<number[]> {
  const logits = await victim.logits(x, keys);
  const dual = {
    linf: (v: number[]) => v.reduce((sum, one) => sum + Math.abs(one), 0),
    l2: (v: number[]) => Math.hypot(...v),
    l1: (v: number[]) => Math.max(...v.map(Math.abs)),
  }[norm];
  return labels.map((label, i) => {
    const all = indices(CLASSES).filter((j) => j !== label);
    return Math.min(
      ...all.map((j) => {
        const difference = indices(PIXELS).map(
          (p) => weights.data[label * PIXELS + p] - weights.data[j * PIXELS + p],
        );
        const gap = logits.data[i * CLASSES + label] - logits.data[i * CLASSES + j];
        return gap / dual(difference);
      }),
    );
  });
}

const some = { apgdSteps: 40, squareQueries: 100 };
const labelsOf = async (of: Victim) => argmaxRows(await of.logits(x, keys));
/** The same victim with its logits changed. */
const mapped = (of: Victim, change: (logit: number) => number, slope: number): Victim => ({
  async logits(...call) {
    const logits = await of.logits(...call);
    return tensor(logits.shape, logits.data.map(change));
  },
  async lossAndGradient(at, loss, some, hints) {
    const plain = await of.lossAndGradient(at, loss, some, hints);
    const logits = tensor(plain.logits.shape, plain.logits.data.map(change));
    return {
      losses: plain.losses,
      logits,
      gradient: tensor(
        at.shape,
        plain.gradient.data.map((v) => v * slope),
      ),
    };
  },
});

describe("the adaptive attack", () => {
  it.each([
    ["linf", 0.01],
    ["l2", 0.05],
    ["l1", 0.1],
  ] as const)(
    "breaks in %s the images of a linear classifier that can be broken, and no other",
    async (norm, epsilon) => {
      const labels = await labelsOf(victim);
      const { adversarial, members } = await runBounded(
        adaptive(Object.assign({ norm, epsilon }, some)),
        victim,
        x,
        labels,
        keys,
      );
      const exact = await radii(norm, labels);
      // Away from the boundary of the ball, where rounding decides.
      const clear = indices(IMAGES).filter((i) => Math.abs(exact[i] / epsilon - 1) > 0.02);
      const found = argmaxRows(await victim.logits(adversarial, keys));
      expect(clear.map((i) => found[i] !== labels[i])).toEqual(
        clear.map((i) => exact[i] < epsilon),
      );
      expect(clear.some((i) => exact[i] < epsilon) && clear.some((i) => exact[i] > epsilon)).toBe(
        true,
      );
      expect(clear.map((i) => members[i] !== null)).toEqual(clear.map((i) => exact[i] < epsilon));
    },
  );

  it.each([1, 0])(
    "gives an image the same result alone as among others, with gradients times %d",
    async (slope) => {
      const labels = await labelsOf(victim);
      const own = mapped(victim, (logit) => logit, slope);
      const attack = adaptive(Object.assign({ norm: "linf", epsilon: 0.01 } as const, some));
      const all = await runBounded(attack, own, x, labels, keys);
      for (const i of [3, 7]) {
        const one = await runBounded(attack, own, takeRows(x, [i]), [labels[i]], [keys[i]]);
        expect([...one.adversarial.data]).toEqual([...takeRows(all.adversarial, [i]).data]);
        expect(one.members[0]).toBe(all.members[i]);
      }
    },
  );

  it("leaves random search early where the ascents came closer", async () => {
    const labels = await labelsOf(victim);
    const [first] = await radii("linf", labels);
    const attack = adaptive(Object.assign({ norm: "linf", epsilon: 0.95 * first } as const, some));
    const image = takeRows(x, [0]);
    const { queries, adversarial } = await runBounded(
      attack,
      victim,
      image,
      [labels[0]],
      [keys[0]],
    );
    expect(queries.gradients).toBeGreaterThan(100); // all three rounds
    expect(queries.forwards - queries.gradients).toBe(4); // 4 % of 100 queries
    const [before, after] = [
      await victim.logits(image, []),
      await victim.logits(adversarial, []),
    ].map((logits) => marginsOf(logits, [labels[0]])[0]);
    expect(after / before).toBeLessThan(0.1);
  });

  it("gives up an image far from the boundary after its first round and a few queries", async () => {
    const labels = await labelsOf(victim);
    const attack = adaptive(Object.assign({ norm: "linf", epsilon: 1e-4 } as const, some));
    const { queries } = await runBounded(attack, victim, takeRows(x, [0]), [labels[0]], [keys[0]]);
    expect(queries.gradients).toBe(1 + 12); // the clean image, and 0.3 of 40 steps
    expect(queries.forwards - queries.gradients).toBe(4); // 4 % of 100 queries
  });

  it("starts from the gradient at the clean image: one pass more breaks what one step can break", async () => {
    const labels = await labelsOf(victim);
    const attack = adaptive(Object.assign({ norm: "linf", epsilon: 0.3 } as const, some));
    const { queries, members } = await runBounded(attack, victim, x, labels, keys);
    expect(members).toEqual(labels.map(() => "apgd-pm-linf"));
    expect(queries).toEqual({ forwards: 2 * IMAGES, gradients: 2 * IMAGES });
  });

  it("names random search where gradients are zero, and it breaks the image", async () => {
    const labels = await labelsOf(victim);
    const flat = mapped(victim, (logit) => logit, 0);
    const attack = adaptive({ norm: "linf", epsilon: 0.1, apgdSteps: 40, squareQueries: 2000 });
    const { members } = await runBounded(attack, flat, x, labels, keys);
    expect(members).toEqual(labels.map(() => "square-linf"));
  });

  it("breaks the same images of a network whose softmax is saturated or flat", async () => {
    const labels = await labelsOf(victim);
    const attack = adaptive(Object.assign({ norm: "linf", epsilon: 0.01 } as const, some));
    const membersAt = async (factor: number) => {
      const scaled = linearVictim(
        tensor(
          weights.shape,
          weights.data.map((v) => v * factor),
        ),
        Array(CLASSES).fill(0),
      );
      return (await runBounded(attack, scaled, x, labels, keys)).members;
    };
    const usual = (await membersAt(1)).map((member) => member !== null);
    for (const factor of [1e4, 1e-4])
      expect((await membersAt(factor)).map((member) => member !== null)).toEqual(usual);
  });

  it("leaves an image that is wrong when clean alone", async () => {
    const labels = await labelsOf(victim);
    const counting = counted(victim);
    const wrong = labels.map((label) => (label + 1) % CLASSES);
    const attack = adaptive({ norm: "l2", epsilon: 0.1 });
    const { members, adversarial } = await runBounded(attack, counting, x, wrong, keys);
    expect(members).toEqual(wrong.map(() => "clean"));
    expect(adversarial.data).toEqual(x.data);
    expect(counting.queries().forwards).toBe(IMAGES);
  });
});

it("logits go into the softmax as they are, unless they saturate it or are all but equal", () => {
  const of = (logits: readonly number[], margin: number) =>
    scaleFor(Float32Array.from(logits), margin);
  expect(of([3, 1, 0], -2)).toBe(1);
  expect(of([3000, 1000, 0], -2000)).toBeCloseTo(8 / 2000, 8);
  expect(of([0.02, 0.01, 0], -0.01)).toBeCloseTo(50, 3);
  expect(of([1, 1, 1], 0)).toBe(1);
  expect(of([4, 1, Number.NEGATIVE_INFINITY], -3)).toBe(1);
});
