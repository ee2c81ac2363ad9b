// What PyTorch must know to do the same work: settings, and the keys of the draws that a check makes on both sides.

import { CwOptions } from "../src/attacks/cw.ts";
import { AttackOptions } from "../src/attacks/table.ts";
import type { Task } from "../src/bench/task.ts";
import { trainingOf } from "../src/bench/training.ts";
import type { WorkName } from "../src/bench/works.ts";
import { fold, foldAll, type Key, keyOf, keysFor, nameToNumber } from "../src/math/random.ts";
import { noiseNamed } from "../src/noise/table.ts";
import { planOf } from "../src/train/plan.ts";
import { MOMENTUM } from "../src/train/recipes.ts";
import { exampleKeys } from "../src/train/streams.ts";

/** The images of the first step of training, its settings, and the keys of its attack. */
function ofTraining(task: Task, defense: string) {
  const training = trainingOf(task, defense);
  const { options, dataset } = training;
  const plan = planOf(options, dataset, training.defense);
  const first = plan.order(0).slice(0, task.batch);
  const [attack] = training.defense.attacks;
  return {
    first: first.map((index) => index % task.labels.length),
    keys: exampleKeys(task.seed, "objective", 0, first),
    rate: plan.rateAt(0),
    momentum: MOMENTUM,
    weightDecay: options.weightDecay,
    epsilon: options.epsilonLinf,
    ...attack?.options,
  };
}

const { epsilonLinf } = AttackOptions.parse({});

/** As `evaluate` has them: folded by what is done to an image, and then by what its draws are for. */
function ofEvaluation({ seed, labels, noise, effort }: Task) {
  const own = keysFor(fold(keyOf(seed), nameToNumber("evaluate")), [...labels.keys()]);
  const [attack, clean, score] = [0, 1, 2];
  const stream = (what: string, purpose: number): Key[] =>
    foldAll(foldAll(own, nameToNumber(what)), purpose);
  const under = `pgd-linf@${epsilonLinf}`;
  const keys = stream(under, attack);
  return {
    epsilon: epsilonLinf,
    stepSize: epsilonLinf / 5,
    ...effort,
    attack: noise === null ? keys : foldAll(foldAll(keys, nameToNumber("mean-loss")), 0),
    clean: stream("clean", clean),
    score: stream(under, score),
    noise: noise === null ? undefined : bound(noise),
  };
}

/** a of U[−a, a], the only noise that both sides draw. */
function bound(noise: string): number {
  const [, size] = /^uniform:([\d.]+)$/.exec(noiseNamed(noise).name) ?? [];
  if (size === undefined) throw new Error(`no PyTorch side for ${noise}; use uniform noise`);
  return Number(size);
}

/** Per kind of work. */
export const details: Readonly<Record<WorkName, (task: Task) => object>> = {
  gradient: () => ({}),
  train: (task) => ofTraining(task, "standard"),
  "at-train": (task) => ofTraining(task, "at-linf"),
  "fast-at-train": (task) => ofTraining(task, "fast-at-linf"),
  "pgd-accuracy": ofEvaluation,
  cw: ({ effort, network }) => ({
    ...CwOptions.parse({ steps: effort.steps, searches: effort.searches }),
    classes: network.classes,
    attack: [],
    clean: [],
    score: [],
  }),
  eot: ofEvaluation,
};
