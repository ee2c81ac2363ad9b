// Benchmarks of accuracy under an attack, as `evaluate` measures it. Each measurement opens the network anew, like a command.

import type { z } from "zod";
import type { Runtime } from "../engine/runtime/runtime.ts";
import { scoreAttacks } from "../evaluate/evaluate.ts";
import { EvaluateOptions } from "../evaluate/options.ts";
import type { Row } from "../evaluate/row.ts";
import { UsageError } from "../math/usage-error.ts";
import { classifier } from "../models/classifier.ts";
import { flopsPerImage } from "../models/flops.ts";
import { noiseNamedInNode } from "../noise/node.ts";
import { splitOfTask, type Task } from "./task.ts";
import type { Numbers, Work } from "./work.ts";

/** The rows of one evaluation of the task's network, by index. */
async function rowsOf(
  runtime: Runtime,
  task: Task,
  options: z.input<typeof EvaluateOptions>,
): Promise<Row[]> {
  const network = classifier(runtime, task.network, task.parameters);
  const noise = task.noise === null ? null : noiseNamedInNode(task.noise);
  const { batch, seed, effort } = task;
  const evaluated = { model: "bench", defense: "bench", network, noise };
  const data = { name: "bench", test: splitOfTask(task) };
  const given = EvaluateOptions.parse({ batch, seed, examples: effort.images, ...options });
  const rows: Row[] = [];
  try {
    for await (const { row } of scoreAttacks(evaluated, data, given)) rows.push(row);
  } finally {
    await network.release();
  }
  return rows.sort((a, b) => a.index - b.index);
}

/** A benchmark that runs an evaluation with these options and reduces its rows to numbers. */
const evaluation = (
  work: Pick<Work, "title" | "effort"> & Partial<Work>,
  options: (task: Task) => z.input<typeof EvaluateOptions>,
  numbers: (rows: readonly Row[]) => Numbers,
): Work => {
  const run = async (runtime: Runtime, task: Task) =>
    numbers(await rowsOf(runtime, task, options(task)));
  return {
    // An attack that skips broken examples has no fixed number of operations.
    kind: "evaluation",
    flops: () => null,
    ...work,
    async open(runtime, task) {
      return { step: () => run(runtime, task), release: async () => undefined };
    },
    check: run,
  };
};

const shares = (rows: readonly Row[]): Numbers => ({
  clean: rows.map(({ clean }) => clean),
  correct: rows.map(({ correct }) => correct),
});

/** Accuracy under PGD-ℓ∞. */
export const pgdAccuracy = evaluation(
  {
    title: "accuracy under PGD-ℓ∞",
    effort: () => ({ images: 1000, steps: 20, searches: 1, eot: 1, draws: 1 }),
  },
  ({ effort: { steps }, noise }) => {
    if (noise !== null)
      throw new UsageError(`the model adds ${noise} to its inputs; use --work eot for it`, {
        code: "misfit",
      });
    return { attacks: ["pgd-linf"], steps };
  },
  shares,
);

/** C&W-ℓ2 with its searches: the unbounded distance of every image. */
export const carliniWagner = evaluation(
  {
    title: "C&W-ℓ2",
    effort: () => ({ images: 128, steps: 60, searches: 9, eot: 1, draws: 1 }),
  },
  ({ effort: { steps, searches } }) => ({
    attacks: ["cw-l2"],
    protocol: "published",
    cwSteps: steps,
    cwSearches: searches,
  }),
  (rows) => ({ ...shares(rows), l2: rows.map(({ l2 }) => l2) }),
);

/** PGD-ℓ∞ on a randomised model by the mean loss of several draws per step, scored on fresh draws. */
export const expectation = evaluation(
  {
    title: "accuracy under PGD-ℓ∞ with EOT",
    effort: () => ({ images: 128, steps: 20, searches: 1, eot: 16, draws: 16 }),
    flops({ network, effort: { images, steps, eot, draws } }) {
      const { forward, gradient } = flopsPerImage(network);
      return images * (steps * eot * gradient + 2 * draws * forward);
    },
  },
  ({ effort: { steps, eot, draws }, noise }) => ({
    attacks: ["pgd-linf"],
    objective: "mean-loss",
    steps,
    eot: [eot],
    draws,
    noise: noise ?? "uniform:0.2",
  }),
  shares,
);
