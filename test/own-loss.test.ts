// A loss from outside, in the victims that attacks see: a compiled network, one of a fixed batch, and under EOT.
import { afterAll, describe, expect, it } from "vitest";
import type { Victim } from "../src/attacks/victim.ts";
import { withEot } from "../src/defenses/with-eot.ts";
import { withNoise } from "../src/defenses/with-noise.ts";
import { ce, crossEntropy } from "../src/losses/ce.ts";
import { defineLoss } from "../src/losses/define-loss.ts";
import { keyOf, keysFor } from "../src/math/random.ts";
import { classifier } from "../src/models/classifier.ts";
import { initialParameters } from "../src/models/initial.ts";
import { noiseNamed } from "../src/noise/table.ts";
import { toyTraining } from "./fixtures/toy-training.ts";

const again = defineLoss({ name: "again", source: "this test", graph: crossEntropy });
const { runtime, architecture, dataset } = await toyTraining();
const parameters = initialParameters(architecture);
const network = classifier(runtime, architecture, parameters);
const pairs = classifier(runtime, Object.assign({}, architecture, { fixedBatch: 2 }), parameters);
afterAll(() => Promise.all([network.release(), pairs.release()]));

const indices = [0, 1, 2];
const labels = indices.map((i) => dataset.train.labels[i]);
const x = dataset.train.images(indices);
const keys = keysFor(keyOf(3), indices);
const noisy = (victim: Victim) => withNoise(victim, noiseNamed("normal:0.1"));

describe.each<[string, Victim]>([
  ["a compiled network", network],
  ["a network that runs two images at a time", pairs],
  ["the mean of losses over draws", withEot(noisy(network), 4)],
  ["the loss of mean logits", withEot(noisy(network), 4, 256, "mean-logits")],
  ["the loss of mean logits in two passes", withEot(noisy(network), 4, 3, "mean-logits")],
  ["the loss of mean logits of a fixed batch", withEot(noisy(pairs), 4, 256, "mean-logits")],
])("in %s", (_, victim) => {
  it("a loss with the graph of cross-entropy gives the loss and the gradient of cross-entropy", async () => {
    const own = await victim.lossAndGradient(x, again({ labels }), keys);
    const ours = await victim.lossAndGradient(x, ce(labels), keys);
    own.losses.forEach((v, i) => {
      expect(v).toBeCloseTo(ours.losses[i], 5);
    });
    own.gradient.data.forEach((v, i) => {
      expect(v).toBeCloseTo(ours.gradient.data[i], 5);
    });
    expect(ours.gradient.data.some((v) => Math.abs(v) > 1e-3)).toBe(true);
  });
});
