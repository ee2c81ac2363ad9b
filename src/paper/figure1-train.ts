import type { Dataset } from "../data/dataset.ts";
import { defenseNamed } from "../defenses/table.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import { memoryFiles } from "../files/run/run-files.ts";
import { architecture } from "../models/architectures.ts";
import { type Classifier, classifier } from "../models/classifier.ts";
import { resolveOptions } from "../train/options.ts";
import { train } from "../train/train.ts";

/** Progress: the current stage, and the finished part of the whole work. */
export interface Progress {
  readonly stage: string;
  readonly done: number;
  readonly total: number;
}

/** Inputs that all classifiers of the figure share. */
export interface PlaneTraining {
  readonly runtime: Runtime;
  readonly dataset: Dataset;
  readonly seed: number;
  readonly epsilonLinf: number;
  readonly epsilonL2: number;
  readonly signal?: AbortSignal | undefined;
  /** Called after every step. */
  readonly onStep?: (step: number, steps: number) => void;
}

/** Training settings. The attack inside training has its default step size of ε / 5, so 5 steps reach the sphere. */
export const planeRecipe = { batch: 64, epochs: 2, rate: 0.3, attackSteps: 5 } as const;

/** Trains an `mlp-small` on points of the plane with a defence, in memory. The caller releases the classifier. */
export async function trainPlane(
  defense: string,
  { runtime, dataset, seed, epsilonLinf, epsilonL2, signal, onStep }: PlaneTraining,
): Promise<Classifier> {
  const { batch, epochs, rate, attackSteps: steps } = planeRecipe;
  const network = architecture("mlp-small", { ...dataset, classes: dataset.classes.length });
  // The options need a name; the data set itself is passed below.
  const data = `npz:${dataset.name}`;
  const options = resolveOptions({
    defense,
    data,
    model: network.name,
    recipe: "short",
    augment: "none",
    weightDecay: 0,
    batch,
    epochs,
    rate,
    steps,
    epsilonLinf,
    epsilonL2,
    seed,
    // Batch mode feeds the weights instead of compiling them in. Without batch norm both modes compute the same.
    attackMode: "batch",
  });
  let trained: Classifier | undefined;
  const events = train({
    runtime,
    architecture: network,
    dataset,
    options,
    files: memoryFiles(data),
    defense: defenseNamed(defense, { epsilonLinf, epsilonL2, steps }),
    signal,
    async finish({ state }) {
      trained = classifier(runtime, network, state.parameters);
    },
  });
  for await (const event of events) if (event.event === "step") onStep?.(event.step, event.steps);
  signal?.throwIfAborted();
  if (trained === undefined) throw new Error(`internal: training ${defense} did not finish`);
  return trained;
}
