// What an audit has found, from its rows and its probe.

import type { Row } from "../evaluate/row.ts";
import { cellOf, choosing8bit, grouped, interval } from "../evaluate/shares.ts";
import { isBroken } from "../evaluate/survivors.ts";
import { type Interval, mean } from "../math/statistics.ts";
import type { Diagnostic, Facts } from "./diagnostic.ts";
import { diagnose } from "./diagnostics.ts";
import type { NotRun } from "./run-diagnostics.ts";

/** One attack of a norm, on what the ones before it left standing. */
export interface AuditAttack {
  readonly attack: string;
  readonly steps: number;
  readonly restarts: number;
  /** Examples that were right when clean and met it; of a randomised classifier all. */
  readonly tried: number;
  /** Those of them that it broke; of a randomised classifier those that most draws get wrong. */
  readonly broken: number;
  /** Accuracy over all examples after it and those before it, with its 95 % interval. */
  readonly left: Interval;
  /** Passes through the network and seconds that it took for all examples. */
  readonly queries: number;
  readonly seconds: number;
}

/** One norm at one radius. */
export interface AuditNorm {
  readonly norm: string;
  readonly epsilon: number;
  readonly attacks: readonly AuditAttack[];
  /**
   * Accuracy where each example meets the worst of them and of those at smaller radii, which this ball holds too; and of the
   * same images rounded to 8 bits per channel.
   */
  readonly accuracy: Interval;
  readonly accuracy8bit: Interval;
}

/** One ball, or the balls of several norms: all attacks in it together. Unions of one name may be compared. */
export interface AuditUnion {
  /** `linf@0.031`, or `linf@0.031+l2@0.83` for the worst of several norms. */
  readonly name: string;
  readonly balls: readonly { readonly norm: string; readonly epsilon: number }[];
  /** Attacks of these norms that were to run, whether the ones before them left anything or not. */
  readonly attacks: readonly string[];
  readonly accuracy: Interval;
  readonly accuracy8bit: Interval;
}

/** A class over its examples. */
export interface AuditClass {
  readonly label: number;
  readonly name: string;
  readonly examples: number;
  readonly clean: number;
  readonly union: number;
}

/** All that an audit says; `summary.json` holds it. */
export interface AuditResult {
  readonly model: string;
  readonly data: string;
  readonly budget: string;
  readonly examples: number;
  /** What happens to an image on its way to the network, in one line. */
  readonly preprocessing: string;
  /** What was taken off the file's output, and how one score became two classes, in sentences; empty for neither. */
  readonly head: readonly string[];
  /** What is added to pixels at every prediction; null for a deterministic classifier. */
  readonly noise: string | null;
  readonly clean: Interval;
  /** Accuracy where each example meets the worst attack of any norm, at the largest radii. */
  readonly union: Interval;
  /** The same where adversarial pixels are rounded to 8 bits: the worst attack of each example after rounding. */
  readonly union8bit: Interval;
  /** One per norm and radius, then the one over all norms at their largest radii, if there are several norms. */
  readonly unions: readonly AuditUnion[];
  /** By norm, and each norm's radii in ascending order: its curve of accuracy against ε. */
  readonly norms: readonly AuditNorm[];
  /** In the norm that leaves least at its largest radius, the attack that broke most examples; null if none did, and on a tie. */
  readonly breaksFirst: string | null;
  /** Norms that leave least at their largest radius: several on a tie, none where no attack broke anything. */
  readonly weakestNorms: readonly string[];
  /** The attacks that broke most in the one weakest norm: several on a tie, none where norms tie or nothing broke. */
  readonly strongestAttacks: readonly string[];
  /** The class that suffers most first. */
  readonly classes: readonly AuditClass[];
  readonly diagnostics: readonly Diagnostic[];
  /** Diagnostics that failed after the attacks. */
  readonly notRun: readonly NotRun[];
  /** Whether no diagnostic says that the numbers mean nothing. */
  readonly valid: boolean;
  /** What was asked for by --require, and whether the union is valid and at least that; null if nothing was. */
  readonly required: number | null;
  readonly passed: boolean | null;
}

/** What a result is made of. */
export interface AuditFacts extends Facts {
  readonly preprocessing: string;
  readonly head: readonly string[];
  readonly budget: string;
  /** Attacks that were to run, in their order: one that nothing was left for has no rows. */
  readonly attacks: readonly string[];
  readonly noise: string | null;
  readonly classNames: readonly string[];
  readonly required: number | null;
}

/** Per example its worst row so far: of the pixels as the attack left them, and of the same pixels rounded to 8 bits. */
interface Worst {
  readonly exact: Map<number, Row>;
  readonly rounded: Map<number, Row>;
}

const nothingYet = (): Worst => ({ exact: new Map(), rounded: new Map() });

/** An example that is wrong when clean needs no attack, and stays so. */
function unattacked(row: Row): Row {
  if (row.draws > 1 || row.clean !== 0) return row;
  return Object.assign({}, row, { correct: 0, correctChoose: 0, correct8bit: 0 });
}

function keepWorse(worst: Map<number, Row>, row: Row, share: (row: Row) => number): void {
  const before = worst.get(row.index);
  if (before === undefined || share(row) < share(before)) worst.set(row.index, row);
}

/** The row that is worst as it stands need not be the one that is worst once rounded, so each is looked for by itself. */
function take(worst: Worst, rows: readonly Row[]): void {
  for (const row of rows.map(unattacked)) {
    keepWorse(worst.exact, row, ({ correctChoose }) => correctChoose);
    keepWorse(worst.rounded, row, choosing8bit);
  }
}

const accuracyOf = ({ exact }: Worst) =>
  interval([...exact.values()], ({ correct }) => correct, "half");
const accuracy8bitOf = ({ rounded }: Worst) =>
  interval([...rounded.values()], ({ correct8bit }) => correct8bit, "half");

function attackOf(rows: readonly Row[], worst: Worst): AuditAttack {
  const [{ attack, steps, restarts, draws }] = rows;
  const tried = draws === 1 ? rows.filter(({ clean }) => clean === 1) : rows;
  take(worst, rows);
  return {
    attack,
    steps,
    restarts,
    tried: tried.length,
    broken: tried.filter((row) => (draws === 1 ? isBroken(row) : row.majority === 0)).length,
    left: accuracyOf(worst),
    queries: rows.reduce((sum, row) => sum + row.queries, 0),
    seconds: rows.reduce((sum, row) => sum + row.seconds, 0),
  };
}

/** An attack for which the ones before it left nothing. */
const unneeded = (attack: string, { left }: AuditAttack): AuditAttack => ({
  attack,
  steps: 0,
  restarts: 0,
  tried: 0,
  broken: 0,
  left,
  queries: 0,
  seconds: 0,
});

/** `rows` are of one norm and radius, `below` of that norm at smaller radii. */
function normOf(
  rows: readonly Row[],
  below: readonly Row[],
  planned: readonly string[],
): AuditNorm {
  const worst = nothingYet();
  const attacks = [...grouped(rows, cellOf).values()].map((own) => attackOf(own, worst));
  const ran = new Set(attacks.map(({ attack }) => attack));
  const last = attacks[attacks.length - 1];
  for (const attack of planned)
    if (attack.endsWith(`-${rows[0].norm}`) && !ran.has(attack))
      attacks.push(unneeded(attack, last));
  take(worst, below);
  return {
    norm: String(rows[0].norm),
    epsilon: Number(rows[0].epsilon),
    attacks,
    accuracy: accuracyOf(worst),
    accuracy8bit: accuracy8bitOf(worst),
  };
}

/** The norms in the order in which they ran, each at its radii in ascending order. */
const normsOf = (rows: readonly Row[], planned: readonly string[]): AuditNorm[] =>
  [...grouped(rows, ({ norm }) => norm).values()].flatMap((ofNorm) =>
    [...grouped(ofNorm, ({ epsilon }) => Number(epsilon))]
      .sort(([a], [b]) => a - b)
      .map(([radius, own]) =>
        normOf(
          own,
          ofNorm.filter(({ epsilon }) => Number(epsilon) < radius),
          planned,
        ),
      ),
  );

/** Each norm at its largest radius. */
export const atLargest = (norms: readonly AuditNorm[]): AuditNorm[] =>
  [...grouped(norms, ({ norm }) => norm).values()].map((own) => own[own.length - 1]);

/** Whether two accuracies are the same, up to the order of additions. */
const ties = (a: Interval, b: Interval): boolean => Math.abs(a.mean - b.mean) < 1e-12;

/** What gives way first: nothing where norms tie, or where no attack broke anything. */
function weakest(norms: readonly AuditNorm[]) {
  const none = { weakestNorms: [], strongestAttacks: [], breaksFirst: null };
  const largest = atLargest(norms);
  if (largest.every(({ attacks }) => attacks.every(({ broken }) => broken === 0))) return none;
  const least = largest.reduce((a, b) => (b.accuracy.mean < a.accuracy.mean ? b : a));
  const tied = largest.filter(({ accuracy }) => ties(accuracy, least.accuracy));
  const weakestNorms = tied.map(({ norm }) => norm);
  if (tied.length > 1) return { weakestNorms, strongestAttacks: [], breaksFirst: null };
  const most = Math.max(...least.attacks.map(({ broken }) => broken));
  const strongestAttacks = least.attacks
    .filter(({ broken }) => broken === most && broken > 0)
    .map(({ attack }) => attack);
  const breaksFirst = strongestAttacks.length === 1 ? strongestAttacks[0] : null;
  return { weakestNorms, strongestAttacks, breaksFirst };
}

const ballName = ({ norm, epsilon }: AuditUnion["balls"][number]): string => `${norm}@${epsilon}`;

/** All attacks in the balls of these norms and radii. */
const unionOf = (
  norms: readonly AuditNorm[],
  accuracy: Interval,
  accuracy8bit: Interval,
): AuditUnion => ({
  name: norms.map(ballName).join("+"),
  balls: norms.map(({ norm, epsilon }) => ({ norm, epsilon })),
  attacks: norms.flatMap(({ attacks }) => attacks.map(({ attack }) => attack)),
  accuracy,
  accuracy8bit,
});

/** A union per norm and radius, and the one over norms. */
function unionsOf(norms: readonly AuditNorm[], worst: Worst): AuditUnion[] {
  const unions = norms.map((norm) => unionOf([norm], norm.accuracy, norm.accuracy8bit));
  const largest = atLargest(norms);
  if (largest.length > 1) unions.push(unionOf(largest, accuracyOf(worst), accuracy8bitOf(worst)));
  return unions;
}

const classesOf = ({ exact }: Worst, names: readonly string[]): AuditClass[] =>
  [...grouped([...exact.values()], ({ label }) => label)]
    .map(([label, rows]) => ({
      label,
      name: names[label] ?? String(label),
      examples: rows.length,
      clean: mean(rows.map(({ clean }) => clean)),
      union: mean(rows.map(({ correct }) => correct)),
    }))
    .sort((a, b) => a.union - b.union || a.clean - b.clean || a.label - b.label);

/** The result of a finished audit. */
export function auditResult(facts: AuditFacts): AuditResult {
  const { rows, budget, noise, preprocessing, head, classNames, required } = facts;
  const [{ model, data }] = rows;
  const worst = nothingYet();
  take(worst, rows);
  const norms = normsOf(rows, facts.attacks);
  const { breaksFirst, weakestNorms, strongestAttacks } = weakest(norms);
  const union = accuracyOf(worst);
  const diagnostics = diagnose(facts);
  const valid = diagnostics.every(({ severity }) => severity !== "invalid");
  return {
    model,
    data,
    budget,
    preprocessing,
    head,
    noise,
    examples: worst.exact.size,
    clean: interval([...worst.exact.values()], ({ clean }) => clean, "all"),
    union,
    union8bit: accuracy8bitOf(worst),
    unions: unionsOf(norms, worst),
    norms,
    breaksFirst,
    weakestNorms,
    strongestAttacks,
    classes: classesOf(worst, classNames),
    diagnostics,
    notRun: facts.failures ?? [],
    valid,
    required,
    passed: required === null ? null : valid && union.mean >= required,
  };
}
