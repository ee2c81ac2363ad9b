import { expect, it } from "vitest";
import { ce } from "../losses/ce.ts";
import { keyOf, keysFor } from "../math/random.ts";
import { tensor } from "../math/tensor.ts";
import { type Ascent, ascend } from "./ascent.ts";
import type { Victim } from "./victim.ts";

const keys = keysFor(keyOf(0), [0, 1]);

/** Images of one pixel, whose gradients at one step after the other are told; those above 0.65 are misclassified. */
function scripted(script: readonly (readonly number[])[]): Victim {
  const rest = [...script];
  const logits = (x: { data: Float32Array }) =>
    tensor(
      [x.data.length, 2],
      [...x.data].flatMap((v) => (v > 0.65 ? [0, 1] : [1, 0])),
    );
  return {
    logits: async (x) => logits(x),
    lossAndGradient: async (x) => ({
      losses: new Float32Array(x.data.length),
      logits: logits(x),
      gradient: tensor(x.shape, rest.shift() ?? []),
    }),
  };
}

const steps = { norm: "linf", epsilon: 0.4, length: (step: number) => 0.1 / step } as const;
const climb = (starts: readonly number[]) => {
  const x = tensor([starts.length, 1], starts);
  const labels = starts.map(() => 0);
  return { x, loss: ce(labels), labels, keys: keys.slice(0, starts.length) };
};

async function ends(ascent: Omit<Ascent, keyof typeof steps>, script: number[][], at: number[]) {
  const { x, ...rest } = climb(at);
  const reached = await ascend({ ...steps, ...ascent }, scripted(script), { x, ...rest }, x);
  return Array.from(reached.data, (v) => Number(v.toFixed(4)));
}

it("a step keeps as much of the directions before it as momentum says", async () => {
  const run = (momentum: number) =>
    ends({ steps: 2, momentum, stopWhenBroken: false }, [[1], [-0.5]], [0.5]);
  // 0.9 · 0.1 − 0.1 · 0.5 is still upward, 0.25 · 0.75 − 0.75 · 0.5 is not.
  expect(await run(0.9)).toEqual([0.65]);
  expect(await run(0.25)).toEqual([0.55]);
  expect(await run(0)).toEqual([0.55]);
});

it("who leaves the batch takes his direction along, and the others keep theirs", async () => {
  // The first is misclassified after one step; the second has gone down, and is told up.
  const script = [[1, -1], [1, 0.5], [1]];
  const ascent = { steps: 3, momentum: 0.9, stopWhenBroken: true };
  const third = 0.1 / 3;
  expect(await ends(ascent, script, [0.6, 0.5])).toEqual([
    0.7,
    Number((0.5 - 0.1 - 0.05 + third).toFixed(4)),
  ]);
});

it("the start is left as it was", async () => {
  const { x, ...rest } = climb([0.5]);
  const ascent = { ...steps, steps: 3, momentum: 0, stopWhenBroken: false };
  await ascend(ascent, scripted([[1], [1], [1]]), { x, ...rest }, x);
  expect(Array.from(x.data)).toEqual([0.5]);
});
