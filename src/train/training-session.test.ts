import { expect, it } from "vitest";
import { toyTraining, wide } from "../../test/fixtures/toy-training.ts";
import { keyOf, keysFor } from "../math/random.ts";
import { initialParameters } from "../models/initial.ts";
import type { TrainState } from "../models/opening/checkpoint.ts";
import { sgd } from "./optimizer.ts";
import { compileStep, initialState } from "./train-step.ts";
import { trainingSession } from "./training-session.ts";

const { runtime, architecture, dataset } = await toyTraining(wide);
const optimizer = sgd({ momentum: 0.9, weightDecay: 5e-4 });
const initial = initialState(architecture, optimizer, initialParameters(architecture));

const batchOf = (first: number) => {
  const indices = [0, 1, 2, 3].map((i) => first + i);
  const labels = indices.map((i) => dataset.train.labels[i]);
  return { x: dataset.train.images(indices), labels, keys: keysFor(keyOf(first), indices) };
};

/** The bits of all arrays as text, which compares faster than numbers. */
const numbers = ({ parameters, slots }: TrainState) =>
  Object.entries({ ...parameters, ...slots }).map(([name, { data }]) => [
    name,
    Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64"),
  ]);

it("alternating between two sets of arrays gives the same results as new arrays, and never changes a state that was handed out", async () => {
  const session = await trainingSession(runtime, architecture, optimizer, 4, initial);
  const step = await compileStep(runtime, architecture, optimizer, 4);
  const before = numbers(initial);
  let expected = initial;
  const handedOut: { readonly state: TrainState; readonly numbers: unknown }[] = [];
  for (let i = 0; i < 6; i++) {
    const { state, loss } = await step.run(expected, batchOf(i), 0.1);
    expect(await session.run(batchOf(i), 0.1)).toMatchObject({ loss });
    expect(
      numbers({ ...state, parameters: session.parameters() as TrainState["parameters"] }),
    ).toEqual(numbers(state));
    if (i % 2 === 1) handedOut.push({ state: await session.state(), numbers: numbers(state) });
    expected = state;
  }
  expect(numbers(await session.state())).toEqual(numbers(expected));
  expect(numbers(initial)).toEqual(before);
  for (const { state, numbers: then } of handedOut) expect(numbers(state)).toEqual(then);
  await session.release();
  await step.release();
});
