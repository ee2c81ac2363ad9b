import { z } from "zod";
import { unknownName } from "../math/nearest.ts";
import { UsageError } from "../math/usage-error.ts";
import { type ApgdSettings, apgd } from "./apgd.ts";
import { autoattack, autoattackRand } from "./autoattack.ts";
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

/**
 * The options of all bounded attacks; `families` below says which attack uses which. Radii are for pixels in [0, 1], and defaults
 * are those of Araujo et al. 2019, arXiv:1903.10219, and of the attacks' authors.
 */
export const AttackOptions = z.strictObject({
  epsilonLinf: EpsilonLinf.default(0.031).describe("radius in ℓ∞, for pixels in [0, 1]"),
  epsilonL2: EpsilonL2.default(0.83).describe("radius in ℓ2, for pixels in [0, 1]"),
  epsilonL1: EpsilonL1.default(12).describe("radius in ℓ1, for pixels in [0, 1]"),
  steps: z.int().positive().default(20).describe("gradient steps of PGD"),
  stepSize: z
    .number()
    .positive()
    .optional()
    .describe("step size of PGD; ε / 5 by default, the authors' setting"),
  restarts: z
    .int()
    .positive()
    .default(1)
    .describe("starts of PGD, PGD-T and APGD; the most damaging result is kept"),
  randomStart: z.boolean().default(true).describe("start from a random point of the ball"),
  pgdTSteps: z.int().positive().default(100).describe("gradient steps of each start of PGD-T"),
  apgdSteps: z.int().positive().default(100).describe("gradient steps of each start of APGD"),
  squareQueries: z.int().positive().default(5000).describe("queries of Square per image"),
  fabSteps,
  stopWhenBroken: StopWhenBroken,
});
/** Resolved options of all bounded attacks. */
export type AttackOptions = z.output<typeof AttackOptions>;

const norms: readonly Norm[] = ["linf", "l2", "l1"];
const paperNorms = ["linf", "l2"] as const;

/** The option that holds the radius of each norm. */
export const epsilonOption = {
  linf: "epsilonLinf",
  l2: "epsilonL2",
  l1: "epsilonL1",
} as const satisfies { readonly [N in Norm]: keyof AttackOptions };

/** A ball of one norm. */
interface InBall<N extends Norm> {
  readonly norm: N;
  readonly epsilon: number;
}

/** For options of an attack, the shared option of the same type that sets it; the attack's default holds for the others. */
type Settings<Own, Shared> = {
  readonly [K in keyof Own]?: {
    [S in keyof Shared]: Shared[S] extends Own[K] ? S & string : never;
  }[keyof Shared];
};

/** Reads an attack's options from the shared ones. */
function settingsFrom<Own, Shared>(settings: Settings<Own, Shared>, shared: Shared): Partial<Own> {
  const own: { [K in keyof Own]?: unknown } = {};
  for (const option of Object.keys(settings) as (keyof Own)[]) {
    const from = settings[option];
    if (from !== undefined) own[option] = shared[from];
  }
  return own as Partial<Own>;
}

/** Attacks by name, made from the shared options. */
type Named<Shared, A> = Readonly<Record<string, (shared: Shared) => A>>;

/** A bounded attack by name in each of some norms; `suffix` follows the norm. */
const bounded = <N extends Norm, Own extends InBall<N>>(
  name: string,
  norms: readonly N[],
  make: (options: Own) => BoundedAttack,
  settings: Settings<Omit<Own, keyof InBall<N>>, AttackOptions>,
  suffix = "",
): Named<AttackOptions, BoundedAttack> =>
  Object.fromEntries(
    norms.map((norm) => [
      `${name}-${norm}${suffix}`,
      (shared) => {
        const ball: InBall<N> = { norm, epsilon: shared[epsilonOption[norm]] };
        return make({ ...ball, ...settingsFrom(settings, shared) } as Own);
      },
    ]),
  );

const starts = {
  restarts: "restarts",
  randomStart: "randomStart",
  stopWhenBroken: "stopWhenBroken",
} as const;
const ofPgd = { ...starts, steps: "steps", stepSize: "stepSize" } as const;
const ofPgdTargeted = { ...starts, steps: "pgdTSteps" } as const;
const ofApgd = { ...starts, steps: "apgdSteps" } as const;
const ofSquare = { queries: "squareQueries", stopWhenBroken: "stopWhenBroken" } as const;
const ofAutoAttack = {
  apgdSteps: "apgdSteps",
  fabSteps: "fabSteps",
  squareQueries: "squareQueries",
} as const;

/** APGD with a given loss. */
const apgdWith = (loss: "ce" | "dlr" | "t") => (options: Omit<ApgdSettings, "loss">) =>
  apgd({ ...options, loss });

/** The bounded attacks by name. Names are stable. */
const families: Named<AttackOptions, BoundedAttack> = {
  ...bounded("pgd", paperNorms, pgd, ofPgd),
  ...bounded("pgd-t", paperNorms, pgdTargeted, ofPgdTargeted),
  ...bounded("apgd-ce", norms, apgdWith("ce"), ofApgd),
  ...bounded("apgd-dlr", norms, apgdWith("dlr"), ofApgd),
  ...bounded("apgd-t", norms, apgdWith("t"), ofApgd),
  ...bounded("square", norms, square, ofSquare),
  ...bounded("fgsm", norms, fgsm, {}),
  ...bounded("autoattack", norms, autoattack, ofAutoAttack),
  ...bounded("autoattack", norms, autoattackRand, { apgdSteps: "apgdSteps" }, "-rand"),
};

/** Whether the attack stops at the first wrong answer, which proves nothing about a randomised model. */
export const isForDeterministic = (name: string): boolean => /^autoattack-[^-]+$/.test(name);

/** The names of all bounded attacks. */
export const attackNames: readonly string[] = Object.keys(families);

/**
 * The bounded attack of this name, with the settings of the paper or of the attack's authors as defaults. Throws `UsageError` for
 * an unknown name or a wrong option.
 */
export function attackNamed(
  name: string,
  options: z.input<typeof AttackOptions> = {},
): BoundedAttack {
  if (!Object.hasOwn(families, name))
    throw new UsageError(unknownName("attack", name, attackNames), { code: "unknown-name" });
  return families[name](resolve(AttackOptions, options));
}

const { steps, searches, learningRate, initialConstant, confidence, abortEarly } = CwOptions.shape;

/** The options of all minimum-norm attacks; an option of a single attack bears its name. */
export const MinimalAttackOptions = z.strictObject({
  cwSteps: steps.describe("gradient steps of each search of C&W"),
  cwSearches: searches.describe("searches of C&W: values of the constant c tried per image"),
  cwLearningRate: learningRate.describe("Adam's learning rate in C&W"),
  cwInitialConstant: initialConstant.describe("first value of the constant c of C&W"),
  cwConfidence: confidence.describe("margin κ of C&W, in logits"),
  cwAbortEarly: abortEarly.describe("end a search of C&W once its loss stops falling"),
  fabSteps,
  ddnSteps: z.int().positive().default(100).describe("gradient steps of DDN"),
  fmnSteps: z.int().positive().default(100).describe("gradient steps of FMN"),
  deepfoolSteps: z.int().positive().default(50).describe("largest number of steps of DeepFool"),
});
/** Resolved options of all minimum-norm attacks. */
export type MinimalAttackOptions = z.output<typeof MinimalAttackOptions>;

/** A minimum-norm attack by name in each of some norms. */
const minimal = <N extends Norm, Own extends { readonly norm: N }>(
  name: string,
  norms: readonly N[],
  make: (options: Own) => MinimalAttack,
  settings: Settings<Omit<Own, "norm">, MinimalAttackOptions>,
): Named<MinimalAttackOptions, MinimalAttack> =>
  Object.fromEntries(
    norms.map((norm) => [
      `${name}-${norm}`,
      (shared) => make({ norm, ...settingsFrom(settings, shared) } as unknown as Own),
    ]),
  );

/** A minimum-norm attack that exists in ℓ2 only, and so has no option `norm`. */
const minimalL2 = <Own>(
  name: string,
  make: (options: Own) => MinimalAttack,
  settings: Settings<Own, MinimalAttackOptions>,
): Named<MinimalAttackOptions, MinimalAttack> => ({
  [`${name}-l2`]: (shared) => make(settingsFrom(settings, shared) as Own),
});

const ofCw = {
  steps: "cwSteps",
  searches: "cwSearches",
  learningRate: "cwLearningRate",
  initialConstant: "cwInitialConstant",
  confidence: "cwConfidence",
  abortEarly: "cwAbortEarly",
} as const;

/** The minimum-norm attacks by name. Names are stable. */
const minimalFamilies: Named<MinimalAttackOptions, MinimalAttack> = {
  ...minimalL2("cw", cw, ofCw),
  ...minimalL2("ddn", ddn, { steps: "ddnSteps" }),
  ...minimal("fmn", norms, fmn, { steps: "fmnSteps" }),
  ...minimal("deepfool", paperNorms, deepfool, { steps: "deepfoolSteps" }),
  ...minimal("fab-t", norms, fab, { steps: "fabSteps" }),
};

/** The names of all minimum-norm attacks. */
export const minimalAttackNames: readonly string[] = Object.keys(minimalFamilies);

/** The minimum-norm attack of this name, with its authors' settings as defaults. Throws `UsageError` as `attackNamed` does. */
export function minimalAttackNamed(
  name: string,
  options: z.input<typeof MinimalAttackOptions> = {},
): MinimalAttack {
  if (!Object.hasOwn(minimalFamilies, name))
    throw new UsageError(unknownName("attack", name, minimalAttackNames), { code: "unknown-name" });
  return minimalFamilies[name](resolve(MinimalAttackOptions, options));
}
