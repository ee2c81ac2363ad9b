import type { Dataset } from "../data/dataset.ts";
import { defenseNamed } from "../defenses/table.ts";
import { memoryFiles } from "../files/run/run-files.ts";
import { architecture } from "../models/architectures.ts";
import { type Classifier, classifier } from "../models/classifier.ts";
import { resolveOptions } from "../train/options.ts";
import { type Training, train } from "../train/train.ts";

/** Where graphs run: whatever training runs on. */
export type Runtime = Training["runtime"];

/** What is being done, and how much of all the work is done. */
export interface Progress {
  readonly stage: string;
  readonly done: number;
  readonly total: number;
}

/** What every classifier of the figure shares. */
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

/** Settings of the training; the attack within takes its default step of ε / 5, so that 5 steps cross the ball. */
export const planeRecipe = { batch: 64, epochs: 2, rate: 0.3, attackSteps: 5 } as const;

/** Trains a small network of the plane with a defence of the project, in memory, and returns it ready to be attacked. */
export async function trainPlane(
  defense: string,
  { runtime, dataset, seed, epsilonLinf, epsilonL2, signal, onStep }: PlaneTraining,
): Promise<Classifier> {
  const { batch, epochs, rate, attackSteps: steps } = planeRecipe;
  const network = architecture("mlp-small", { ...dataset, classes: dataset.classes.length });
  // No file has this name; the data set is handed over as it is.
  const data = `npz:${dataset.name}`;
  const options = resolveOptions({
    defense,
    data,
    model: network.name,
    recipe: "short",
    augment: "none",
    weightDecay: 0,
    // In batch mode weights are fed rather than compiled in; without batch norm the two are the same network.
    batch,
    epochs,
    rate,
    steps,
    epsilonLinf,
    epsilonL2,
    seed,
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
    ...(signal && { signal }),
    async finish({ state }) {
      trained = classifier(runtime, network, state.parameters);
    },
  });
  for await (const event of events) if (event.event === "step") onStep?.(event.step, event.steps);
  signal?.throwIfAborted();
  if (trained === undefined) throw new Error(`internal: training ${defense} did not finish`);
  return trained;
}
