import { beforeAll, expect, it } from "vitest";
import { quarterPixels, quarters } from "../../../test/fixtures/lab-files.ts";
import { withNoise } from "../../defenses/with-noise.ts";
import { importModel, keyOf, keysFor, nodeRuntime, noiseNamed, tensor } from "../../node.ts";
import type { Answer, AttackSettings, Frame, Picture } from "../protocol.ts";
import { AttackRun } from "./attack-run.ts";
import { Network, probabilitiesOf } from "./network.ts";

let network: Network;
const picture: Picture = {
  name: "3.png",
  pixels: Float32Array.from(quarterPixels(3), (level) => level / 255),
  shape: [1, 8, 8],
  label: 3,
};
const settings: AttackSettings = {
  attack: "pgd",
  norm: "linf",
  epsilon: 0.1,
  steps: 4,
  eot: 1,
  seed: 0,
  label: 3,
};

beforeAll(async () => {
  const device = await nodeRuntime({ threads: 1 });
  const model = await importModel(quarters({ isPlain: true }), { device });
  network = new Network({ device, model, beside: {}, noise: null });
});

const runOf = (own: Partial<AttackSettings> = {}, opened = network) =>
  new AttackRun(() => opened, Object.assign({}, settings, own), picture);

function frameIn(answer: Answer<Frame>): Frame {
  if ("value" in answer) return answer.value;
  throw new Error(answer.problem.message);
}

async function frames(run: AttackRun): Promise<Frame[]> {
  const found: Frame[] = [];
  do found.push(frameIn(await run.next()));
  while (!found[found.length - 1].done);
  return found;
}

it("shows PGD from the clean image on, in steps of 2ε / steps, until it stands at the radius", async () => {
  const shown = await frames(runOf());
  expect(shown.map(({ queries }) => queries)).toEqual([1, 2, 3, 4, 4]);
  const sizes = shown.map(({ sizes: { linf } }) => linf);
  for (const [i, size] of [0, 0.05, 0.1, 0.1, 0.1].entries()) expect(sizes[i]).toBeCloseTo(size, 6);
});

it("shows with each frame what the network says about that very image", async () => {
  for (const { pixels, answer } of await frames(runOf())) {
    const own = await network.predict(network.imagesOf(Object.assign({}, picture, { pixels })));
    expect(answer.prediction).toBe(own.prediction);
    for (const [c, logit] of answer.logits.entries()) expect(logit).toBeCloseTo(own.logits[c], 4);
    expect(answer.probabilities.reduce((a, b) => a + b)).toBeCloseTo(1, 6);
  }
});

it("comes to the same image whether one watches or goes straight to the end", async () => {
  const shown = await frames(runOf());
  const last = frameIn(await runOf().finish());
  expect(last.queries).toBe(4);
  expect(last.done).toBe(true);
  expect(last.pixels).toEqual(shown[shown.length - 1].pixels);
});

it("goes to the end from the middle, and is a problem once it was stopped", async () => {
  const run = runOf();
  await run.next();
  expect(frameIn(await run.finish()).done).toBe(true);
  const other = runOf();
  await other.next();
  other.stop();
  expect(await other.next()).toMatchObject({ problem: { message: expect.any(String) } });
});

it("shows the mean of 32 draws that no attack sees on a network with noise", async () => {
  const noisy = network.withNoise("normal:0.5");
  const [first] = await frames(runOf({ eot: 2, steps: 1 }, noisy));
  expect(first.answer.draws).toHaveLength(32);
  const clean = await noisy.predict(noisy.imagesOf(picture));
  expect(first.answer.probabilities).toEqual(clean.probabilities);
  // An attack with the seed 0 folds its keys from this one.
  const places = Array.from({ length: 32 }, (_, i) => i);
  const rows = tensor([32, 1, 8, 8]);
  for (const i of places) rows.data.set(picture.pixels, i * picture.pixels.length);
  const drawn = withNoise(noisy.base, noiseNamed("normal:0.5"));
  const seen = probabilitiesOf(await drawn.logits(rows, keysFor(keyOf(settings.seed), places)));
  expect(clean.draws).not.toEqual(seen);
});

it("refuses an image of another size", async () => {
  const wrong = Object.assign({}, picture, { shape: [1, 4, 16] });
  const answer = await new AttackRun(() => network, settings, wrong).next();
  expect(answer).toMatchObject({
    problem: { usage: true, message: expect.stringMatching(/1×4×16/) },
  });
});
