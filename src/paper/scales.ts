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

/** The numbers of test images of a scale that gives every defence the same ones, by kind of evaluation. */
export interface EqualCounts {
  /** Natural accuracy and PGD, sound protocol. */
  readonly pgd: number;
  /** AutoAttack: standard, or `rand` on a randomised model. */
  readonly autoattack: number;
  /** C&W within the ℓ2 radius, one objective. */
  readonly cw: number;
  /** All attacks under the published protocol. */
  readonly published: number;
  /** Proofs of deterministic models, and certificates of those whose noise is normal. */
  readonly proven: number;
}

/** A training of a defence, or everything that is asked of its model. */
export type Stage = `${"train" | "evaluate"} ${string}`;

/** Settings that decide how long a reproduction takes. */
export interface Scale {
  readonly name: "smoke" | "small" | "medium" | "paper";
  readonly training: TrainOptions;
  readonly counts: Counts;
  /** Replaces `counts` in Table 4; every defence then has the same images. */
  readonly equal?: EqualCounts;
  /** What a sweep does first, so that a sweep that is stopped has whole columns. By default the order of the table. */
  readonly order?: readonly Stage[];
  /** Test images per cell of a sweep (default: 128). */
  readonly images?: number;
  readonly attack: Partial<z.input<typeof EvaluateOptions>>;
  /** Draws per gradient step: under the sound protocol, under the published protocol, and in the sweep. */
  readonly eot: { readonly sound: number; readonly published: number; readonly sweep: number[] };
}

/** The names of all scales, the quickest first. */
export const scaleNames = ["smoke", "small", "medium", "paper"] as const;

/** The scales by name. On two cores, `smoke` takes seconds, `small` hours, `medium` days, and `paper` years. */
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
  /** The largest scale for two cores: every column of Table 4 has the same images. */
  medium: {
    name: "medium",
    training: { model: "wrn-16-2", data: "cifar10", recipe: "short", rate: 0.1, epochs: 4 },
    counts: {
      deterministic: 500,
      randomised: 500,
      cw: 100,
      published: 50,
      sweep: 100,
      artefact: 100,
    },
    equal: { pgd: 500, autoattack: 200, cw: 100, published: 50, proven: 100 },
    order: [
      "train standard",
      "evaluate standard",
      "train ni-normal",
      "train at-linf",
      "evaluate at-linf",
      "train mat-rand",
      "evaluate mat-rand",
      "train rat-linf-uniform",
      "evaluate rat-linf-uniform",
      "evaluate ni-normal",
      "train mat-max",
      "evaluate mat-max",
      "train rat-linf-normal",
      "evaluate rat-linf-normal",
      "train at-l2",
      "evaluate at-l2",
      "train ni-uniform",
      "evaluate ni-uniform",
      "train mni-mix",
      "evaluate mni-mix",
      "train mni-conv",
      "evaluate mni-conv",
      "train rat-l2-normal",
      "evaluate rat-l2-normal",
      "train rat-l2-uniform",
      "evaluate rat-l2-uniform",
    ],
    images: 50,
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
