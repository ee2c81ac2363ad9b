import { z } from "zod";
import { unknownName } from "../math/nearest.ts";
import { UsageError } from "../math/usage-error.ts";
import { apgd } from "./apgd.ts";
import { type AutoAttackOptions, autoattack, autoattackRand } from "./autoattack.ts";
import { CwOptions, cw } from "./cw.ts";
import { ddn } from "./ddn.ts";
import { deepfool } from "./deepfool.ts";
import { fab } from "./fab.ts";
import { fgsm } from "./fgsm.ts";
import { fmn } from "./fmn.ts";
import { EpsilonL1, EpsilonL2, EpsilonLinf, resolve, StopWhenBroken } from "./options.ts";
import { pgd, pgdTargeted } from "./pgd.ts";
import { square } from "./square.ts";
import type { BoundedAttack, MinimalAttack, Norm } from "./victim.ts";

const fabSteps = z.int().positive().default(100).describe("steps of FAB towards each of 9 classes");

/** The options that attacks by name share; each attack takes those that concern it. */
export const AttackOptions = z.strictObject({
  epsilonLinf: EpsilonLinf.default(0.031).describe("radius in ℓ∞, for pixels in [0, 1]"),
  epsilonL2: EpsilonL2.default(0.83).describe("radius in ℓ2, for pixels in [0, 1]"),
  epsilonL1: EpsilonL1.default(12).describe("radius in ℓ1, for pixels in [0, 1]"),
  steps: z.int().positive().default(20).describe("gradient steps of PGD"),
  stepSize: z
    .number()
    .positive()
    .optional()
    .describe("of PGD; by default ε / 5, the authors' setting"),
  restarts: z
    .int()
    .positive()
    .default(1)
    .describe("starts of PGD, PGD-T and APGD; the most damaging end is kept"),
  randomStart: z.boolean().default(true).describe("start from a random point of the ball"),
  pgdTSteps: z.int().positive().default(100).describe("gradient steps of each start of PGD-T"),
  apgdSteps: z.int().positive().default(100).describe("gradient steps of each start of APGD"),
  squareQueries: z.int().positive().default(5000).describe("images that Square asks about"),
  fabSteps,
  stopWhenBroken: StopWhenBroken,
});
export type AttackOptions = z.output<typeof AttackOptions>;

/** Every norm. */
const norms: readonly Norm[] = ["linf", "l2", "l1"];
const paperNorms = ["linf", "l2"] as const;

/** A norm and a radius. */
type InBall<N extends Norm = Norm> = { readonly norm: N; readonly epsilon: number };

/** The radius of a norm. */
const epsilonOf = (norm: Norm, { epsilonLinf, epsilonL2, epsilonL1 }: AttackOptions): number =>
  ({ linf: epsilonLinf, l2: epsilonL2, l1: epsilonL1 })[norm];

type Entries = Readonly<Record<string, (options: AttackOptions) => BoundedAttack>>;

/** The attack's entry for each of some norms. */
const boundedIn = <N extends Norm>(
  some: readonly N[],
  name: string,
  make: (ball: InBall<N>, options: AttackOptions) => BoundedAttack,
): Entries =>
  Object.fromEntries(
    some.map((norm) => [
      `${name}-${norm}`,
      (options) => make({ norm, epsilon: epsilonOf(norm, options) }, options),
    ]),
  );

/** The attack's entry for each norm. */
const inEachNorm = (name: string, make: Parameters<typeof boundedIn<Norm>>[2]): Entries =>
  boundedIn(norms, name, make);

const ofPgd = (options: AttackOptions) => {
  const { steps, stepSize, restarts, randomStart, stopWhenBroken } = options;
  return {
    steps,
    restarts,
    randomStart,
    stopWhenBroken,
    ...(stepSize !== undefined && { stepSize }),
  };
};

const ofPgdTargeted = ({ pgdTSteps, restarts, randomStart, stopWhenBroken }: AttackOptions) => ({
  steps: pgdTSteps,
  restarts,
  randomStart,
  stopWhenBroken,
});

const ofApgd = ({ apgdSteps, restarts, randomStart, stopWhenBroken }: AttackOptions) => ({
  steps: apgdSteps,
  restarts,
  randomStart,
  stopWhenBroken,
});

const ofMembers = ({
  apgdSteps,
  fabSteps,
  squareQueries,
}: AttackOptions): Omit<AutoAttackOptions, keyof InBall> => ({
  apgdSteps,
  fabSteps,
  squareQueries,
});

/** One entry per attack; its position is of no meaning, its name is a contract. */
const attacks: Entries = {
  ...boundedIn(paperNorms, "pgd", (ball, options) => pgd({ ...ball, ...ofPgd(options) })),
  ...boundedIn(paperNorms, "pgd-t", (ball, options) =>
    pgdTargeted({ ...ball, ...ofPgdTargeted(options) }),
  ),
  ...inEachNorm("apgd-ce", (ball, options) => apgd({ ...ball, loss: "ce", ...ofApgd(options) })),
  ...inEachNorm("apgd-dlr", (ball, options) => apgd({ ...ball, loss: "dlr", ...ofApgd(options) })),
  ...inEachNorm("apgd-t", (ball, options) => apgd({ ...ball, loss: "t", ...ofApgd(options) })),
  ...inEachNorm("square", (ball, { squareQueries, stopWhenBroken }) =>
    square({ ...ball, queries: squareQueries, stopWhenBroken }),
  ),
  ...inEachNorm("fgsm", (ball) => fgsm(ball)),
  ...inEachNorm("autoattack", (ball, options) => autoattack({ ...ball, ...ofMembers(options) })),
  ...Object.fromEntries(
    norms.map((norm) => [
      `autoattack-${norm}-rand`,
      (options) =>
        autoattackRand({ norm, epsilon: epsilonOf(norm, options), ...ofMembers(options) }),
    ]),
  ),
};

/** Whether the attack stops at the first wrong answer, which says nothing about a randomised model. */
export const isForDeterministic = (name: string): boolean => /^autoattack-[^-]+$/.test(name);

/** Every bounded attack that the command line knows. */
export const attackNames: readonly string[] = Object.keys(attacks);

/** The bounded attack of this name, with the paper's settings where options are left out. */
export function attackNamed(
  name: string,
  options: z.input<typeof AttackOptions> = {},
): BoundedAttack {
  if (!Object.hasOwn(attacks, name)) throw new UsageError(unknownName("attack", name, attackNames));
  return attacks[name](resolve(AttackOptions, options));
}

const { steps, searches, learningRate, initialConstant, confidence, abortEarly } = CwOptions.shape;

/** The options of minimum-norm attacks by name; those of one attack alone bear its name. */
export const MinimalAttackOptions = z.strictObject({
  cwSteps: steps.describe("gradient steps of each search of C&W"),
  cwSearches: searches.describe("searches of C&W: constants c that each image is tried with"),
  cwLearningRate: learningRate.describe("Adam's learning rate in C&W"),
  cwInitialConstant: initialConstant.describe("the first constant c of C&W"),
  cwConfidence: confidence.describe("margin, in logits, by which C&W must be misclassified"),
  cwAbortEarly: abortEarly.describe("C&W ends a search whose loss no longer falls"),
  fabSteps,
  ddnSteps: z.int().positive().default(100).describe("gradient steps of DDN"),
  fmnSteps: z.int().positive().default(100).describe("gradient steps of FMN"),
  deepfoolSteps: z.int().positive().default(50).describe("steps of DeepFool at most"),
});
export type MinimalAttackOptions = z.output<typeof MinimalAttackOptions>;

type MinimalEntries = Readonly<Record<string, (options: MinimalAttackOptions) => MinimalAttack>>;

/** A minimum-norm attack's entry for some norms. */
const minimalIn = <N extends Norm>(
  norms: readonly N[],
  name: string,
  make: (norm: N, options: MinimalAttackOptions) => MinimalAttack,
): MinimalEntries =>
  Object.fromEntries(norms.map((norm) => [`${name}-${norm}`, (options) => make(norm, options)]));

const minimalAttacks: MinimalEntries = {
  "cw-l2": (options) =>
    cw({
      steps: options.cwSteps,
      searches: options.cwSearches,
      learningRate: options.cwLearningRate,
      initialConstant: options.cwInitialConstant,
      confidence: options.cwConfidence,
      abortEarly: options.cwAbortEarly,
    }),
  "ddn-l2": ({ ddnSteps }) => ddn({ steps: ddnSteps }),
  ...minimalIn(norms, "fmn", (norm, { fmnSteps }) => fmn({ norm, steps: fmnSteps })),
  ...minimalIn(paperNorms, "deepfool", (norm, { deepfoolSteps }) =>
    deepfool({ norm, steps: deepfoolSteps }),
  ),
  ...minimalIn(norms, "fab-t", (norm, { fabSteps }) => fab({ norm, steps: fabSteps })),
};

/** Every minimum-norm attack that the command line knows. */
export const minimalAttackNames: readonly string[] = Object.keys(minimalAttacks);

/** The minimum-norm attack of this name, with its authors' settings where options are left out. */
export function minimalAttackNamed(
  name: string,
  options: z.input<typeof MinimalAttackOptions> = {},
): MinimalAttack {
  if (!Object.hasOwn(minimalAttacks, name))
    throw new UsageError(unknownName("attack", name, minimalAttackNames));
  return minimalAttacks[name](resolve(MinimalAttackOptions, options));
}
