import type { z } from "zod";
import type { EvaluateOptions } from "../evaluate/options.ts";
import type { TrainOptions } from "../train/options.ts";

/** The number of test images for each kind of measurement. */
export interface Counts {
  /** Natural accuracy of every model, and PGD and C&W on deterministic ones. */
  readonly deterministic: number;
  /** PGD under the sound protocol on randomised models. */
  readonly randomised: number;
  /** C&W under the sound protocol on randomised models. */
  readonly cw: number;
  /** PGD and C&W under the published protocol, EOT 80, on randomised models. */
  readonly published: number;
  /** The sweep over draws per step. */
  readonly sweep: number;
  /** The demonstration of C&W on a noisy classifier. */
  readonly artefact: number;
}

/** Settings that decide how long a reproduction takes. */
export interface Scale {
  readonly name: "smoke" | "small" | "paper";
  readonly training: TrainOptions;
  readonly counts: Counts;
  readonly attack: Partial<z.input<typeof EvaluateOptions>>;
  /** Draws per gradient step: under the sound protocol, under the published protocol, and in the sweep. */
  readonly eot: { readonly sound: number; readonly published: number; readonly sweep: number[] };
}

/** The names of all scales, the quickest first. */
export const scaleNames = ["smoke", "small", "paper"] as const;

/** The scales by name. On two cores, `smoke` takes seconds, `small` minutes to hours, and `paper` weeks. */
export const scales: Readonly<Record<Scale["name"], Scale>> = {
  /** Exercises the pipeline in tests; its numbers mean nothing. */
  smoke: {
    name: "smoke",
    training: {
      model: "cnn-small",
      data: "shapes",
      recipe: "short",
      epochs: 1,
      examples: 128,
      batch: 64,
      steps: 2,
    },
    counts: { deterministic: 16, randomised: 8, cw: 4, published: 4, sweep: 4, artefact: 4 },
    attack: { steps: 2, draws: 10, cwSteps: 4, cwSearches: 2, batch: 64 },
    eot: { sound: 2, published: 4, sweep: [1, 2] },
  },
  /** Real images and a small Wide ResNet, trained for minutes on two cores. */
  small: {
    name: "small",
    training: { model: "wrn-10-1", data: "cifar10", recipe: "short", rate: 0.1, epochs: 3 },
    counts: {
      deterministic: 1000,
      randomised: 1000,
      cw: 200,
      published: 50,
      sweep: 100,
      artefact: 100,
    },
    attack: {},
    eot: { sound: 16, published: 80, sweep: [1, 4, 16, 64] },
  },
  /** §4.4 of the paper: network and training of Zagoruyko & Komodakis 2016, arXiv:1605.07146, and all test images. */
  paper: {
    name: "paper",
    training: { model: "wrn-28-10", data: "cifar10", recipe: "zagoruyko", epochs: 200 },
    counts: {
      deterministic: 10_000,
      randomised: 10_000,
      cw: 10_000,
      published: 10_000,
      sweep: 1000,
      artefact: 1000,
    },
    attack: {},
    eot: { sound: 16, published: 80, sweep: [1, 4, 16, 64] },
  },
};
