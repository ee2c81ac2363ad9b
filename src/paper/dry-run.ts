// A quick check before a long run: one training step and two gradients of every defence.
import type { Dataset } from "../data/dataset.ts";
import { requireExamples } from "../defenses/objective.ts";
import { defenseNamed } from "../defenses/table.ts";
import { withNoise } from "../defenses/with-noise.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import { ce } from "../losses/ce.ts";
import { margin } from "../losses/margin.ts";
import { foldAll, keyOf, keysFor } from "../math/random.ts";
import { initialParameters } from "../models/initial.ts";
import { trainableClassifier } from "../models/trainable-classifier.ts";
import { sgd } from "../train/optimizer.ts";
import { compileStep, initialState } from "../train/train-step.ts";
import type { Plan } from "./plan.ts";

/** The outcome of the check for one defence. */
export interface Trial {
  readonly defense: string;
  readonly batch: number;
  /** Mean cross-entropy of the training step; finite. */
  readonly loss: number;
  /** Seconds of one training step, including the attacks inside it. */
  readonly trainSeconds: number;
  /** Seconds of one cross-entropy gradient under one draw of the noise, as PGD needs it. */
  readonly pgdSeconds: number;
  /** Seconds of one margin gradient under one draw of the noise, as C&W needs it. */
  readonly cwSeconds: number;
}

const timed = async <T>(action: () => Promise<T>): Promise<readonly [T, number]> => {
  const start = performance.now();
  const value = await action();
  return [value, (performance.now() - start) / 1000];
};

/** Runs one training step and one gradient of each attack per defence, on the first `batch` training images. */
export async function* trials(
  { defenses, network, options }: Plan,
  { train }: Dataset,
  runtime: Runtime,
  batch: number,
): AsyncGenerator<Trial, void, void> {
  const indices = Array.from({ length: batch }, (_, i) => i);
  const x = train.images(indices);
  const labels = indices.map((index) => Number(train.labels[index]));
  const keys = keysFor(keyOf(0), indices);
  const parameters = initialParameters(network, keyOf(0));
  const optimizer = sgd({ momentum: 0.9, weightDecay: 5e-4 });
  const step = await compileStep(runtime, network, optimizer, batch);
  const victim = trainableClassifier(runtime, network, () => parameters, "frozen");
  try {
    for (const name of defenses) {
      const { objective, noise } = defenseNamed(name, { steps: options(name).steps });
      const [{ loss }, trainSeconds] = await timed(async () => {
        const examples = await requireExamples(objective).examples(
          victim,
          x,
          labels,
          foldAll(keys, 0),
        );
        const state = initialState(network, optimizer, parameters);
        return step.run(state, { x: examples, labels, keys: foldAll(keys, 1) }, 0.01);
      });
      if (!Number.isFinite(loss))
        throw new Error(`${name} gave a loss of ${loss} at its first step`);
      const attacked = noise === null ? victim : withNoise(victim, noise);
      const gradientOf = async (kind: typeof ce | typeof margin) => {
        const noiseKeys = foldAll(keys, 2);
        await attacked.lossAndGradient(x, kind(labels), noiseKeys); // compiles
        return (await timed(() => attacked.lossAndGradient(x, kind(labels), noiseKeys)))[1];
      };
      const [pgdSeconds, cwSeconds] = [await gradientOf(ce), await gradientOf(margin)];
      yield { defense: name, batch, loss, trainSeconds, pgdSeconds, cwSeconds };
    }
  } finally {
    await Promise.all([step.release(), victim.release()]);
  }
}
