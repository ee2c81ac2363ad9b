// The result of an audit, computed from its rows and its probe.

import { normOfAttack } from "../attacks/table.ts";
import type { Row } from "../evaluate/row.ts";
import { attackRadiusKey, choosing8bit, groupBy, meanShare } from "../evaluate/row-statistics.ts";
import { isSpared } from "../evaluate/spared.ts";
import { isBroken } from "../evaluate/survivors.ts";
import type { Interval } from "../math/statistics.ts";
import type { AuditedSetup } from "./audited-setup.ts";
import { type Check, checksOf } from "./checks.ts";
import { type AuditClass, type Confusion, classesOf, confusionsOf } from "./classes.ts";
import type { Diagnostic, Facts, NotRun } from "./diagnostic.ts";
import { diagnose } from "./diagnostics.ts";
import { isContradicted, type ProofSummary } from "./prove/proof-summary.ts";
import { isUnsearched } from "./smallest/search-attack.ts";
import type { SmallestRadii } from "./smallest/smallest.ts";
import type { Convergence } from "./timed/convergence.ts";
import { weakest } from "./weakest.ts";

/** One attack in one ball. It runs on the survivors of the attacks before it. */
export interface AuditAttack {
  readonly attack: string;
  readonly steps: number;
  readonly restarts: number;
  /** Examples that the attack tried: survivors that are not proven, or all examples for a randomised classifier. */
  readonly tried: number;
  /** Tried examples that it broke; for a randomised classifier, those whose label is not the most frequent answer. */
  readonly broken: number;
  /** Accuracy over all examples after this attack and all earlier ones, with its 95 % interval. */
  readonly left: Interval;
  /** Passes through the network, and seconds, summed over all examples. */
  readonly queries: number;
  readonly seconds: number;
}

/** One norm at one radius. */
export interface AuditNorm {
  readonly norm: string;
  readonly epsilon: number;
  readonly attacks: readonly AuditAttack[];
  /** Accuracy under the worst of these attacks and of those at smaller radii, and of what other balls' attacks found inside. */
  readonly accuracy: Interval;
  /** The same under the strongest attack after rounding to 8 bits per channel. */
  readonly accuracy8bit: Interval;
}

/** All attacks in one ball, or in the balls of several norms. Unions with the same name may be compared across audits. */
export interface AuditUnion {
  /** `linf@0.031`, or `linf@0.031+l2@0.83` for the worst of several norms. */
  readonly name: string;
  readonly balls: readonly { readonly norm: string; readonly epsilon: number }[];
  /** Planned attacks in these balls, including those that had no survivors to run on. */
  readonly attacks: readonly string[];
  readonly accuracy: Interval;
  readonly accuracy8bit: Interval;
}

/** The result of an audit. `summary.json` holds it. */
export interface AuditResult {
  readonly model: string;
  /** The SHA-256 of the .onnx file, unpacked, and of its external data; null for a run directory or a checkpoint. */
  readonly sha256: string | null;
  /** The files of its external data: `sha256` is then that of `(cat model.onnx; sha256sum FILES) | sha256sum`. */
  readonly externalData: readonly string[];
  readonly data: string;
  readonly budget: string;
  readonly examples: number;
  /** How images reach the network, in one line. */
  readonly preprocessing: string;
  /** Sentences about operators that were removed from the file's output, and about a single score read as two classes. */
  readonly head: readonly string[];
  /** Noise that is added to pixels at every prediction; null for a deterministic classifier. */
  readonly noise: string | null;
  readonly clean: Interval;
  /** Accuracy under the strongest attack of any norm at its largest radius. */
  readonly union: Interval;
  /** The same under the strongest attack after rounding to 8 bits. */
  readonly union8bit: Interval;
  /** One union per norm and radius; then, for several norms, the union over all norms at their largest radii. */
  readonly unions: readonly AuditUnion[];
  /** By norm, each with its radii in ascending order: the curve of accuracy against ε. */
  readonly norms: readonly AuditNorm[];
  /** The attack that broke most examples in the weakest norm; null on a tie, and if nothing broke. */
  readonly breaksFirst: string | null;
  /** Norms with the lowest accuracy at their largest radius: several on a tie, none if nothing broke. */
  readonly weakestNorms: readonly string[];
  /** The attacks that broke most in the weakest norm: several on a tie, none if norms tie or nothing broke. */
  readonly strongestAttacks: readonly string[];
  /** By ascending accuracy under attack. */
  readonly classes: readonly AuditClass[];
  /** Images by label and the class predicted under the strongest attack; the most frequent first. */
  readonly confusions: readonly Confusion[];
  readonly diagnostics: readonly Diagnostic[];
  /** All checks with their outcomes, including checks that found nothing. */
  readonly checks: readonly Check[];
  /** Diagnostics that failed after the attacks. */
  readonly notRun: readonly NotRun[];
  /** False if a diagnostic is `invalid`, or an attack contradicts a proof. */
  readonly valid: boolean;
  /** The accuracy of --require; null without it. */
  readonly required: number | null;
  /** Whether the result is valid and the union at least `required`; null without --require. */
  readonly passed: boolean | null;
  /** The proofs or certificates in each ball, with --prove; null without it. */
  readonly proofs: ProofSummary | null;
  /** The smallest radii at which images break, by norm; null for a classifier under noise. */
  readonly smallest: readonly SmallestRadii[] | null;
  /** How far timed attacks have come, by ball; null without --minutes. */
  readonly convergence: readonly Convergence[] | null;
}

/** The worst row per example so far, by the exact pixels and by the pixels rounded to 8 bits. */
interface Worst {
  readonly exact: Map<number, Row>;
  readonly rounded: Map<number, Row>;
}

const nothingYet = (): Worst => ({ exact: new Map(), rounded: new Map() });

/** An example that is wrong when clean counts as wrong under every attack. */
function unattacked(row: Row): Row {
  if (row.draws > 1 || row.clean !== 0) return row;
  return Object.assign({}, row, { correct: 0, correctChoose: 0, correct8bit: 0 });
}

function keepWorse(worst: Map<number, Row>, row: Row, share: (row: Row) => number): void {
  const before = worst.get(row.index);
  if (before === undefined || share(row) < share(before)) worst.set(row.index, row);
}

/** Updates the worst rows. The worst exact row need not be the worst rounded row, so both are tracked. */
function update(worst: Worst, rows: readonly Row[]): void {
  for (const row of rows.map(unattacked)) {
    keepWorse(worst.exact, row, ({ correctChoose }) => correctChoose);
    keepWorse(worst.rounded, row, choosing8bit);
  }
}

const accuracyOf = ({ exact }: Worst) =>
  meanShare([...exact.values()], ({ correct }) => correct, "half");
const accuracy8bitOf = ({ rounded }: Worst) =>
  meanShare([...rounded.values()], ({ correct8bit }) => correct8bit, "half");

function attackOf(rows: readonly Row[], worst: Worst): AuditAttack {
  const [{ attack, steps, restarts, draws }] = rows;
  const tried =
    draws === 1
      ? rows.filter((row) => row.clean === 1 && !isSpared(row) && !isUnsearched(row))
      : rows;
  update(worst, rows);
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

/** An attack without survivors to run on. */
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

/** `rows` have one norm and radius; `below` are the rows of that norm at smaller radii. */
function normOf(
  rows: readonly Row[],
  below: readonly Row[],
  planned: readonly string[],
): AuditNorm {
  const worst = nothingYet();
  const attacks = [...groupBy(rows, attackRadiusKey).values()].map((own) => attackOf(own, worst));
  const ran = new Set(attacks.map(({ attack }) => attack));
  const last = attacks[attacks.length - 1];
  for (const attack of planned)
    if (normOfAttack(attack) === rows[0].norm && !ran.has(attack))
      attacks.push(unneeded(attack, last));
  update(worst, below);
  return {
    norm: String(rows[0].norm),
    epsilon: Number(rows[0].epsilon),
    attacks,
    accuracy: accuracyOf(worst),
    accuracy8bit: accuracy8bitOf(worst),
  };
}

/** The norms in the order of their attacks, each with its radii in ascending order. */
const normsOf = (rows: readonly Row[], planned: readonly string[]): AuditNorm[] =>
  [...groupBy(rows, ({ norm }) => norm).values()].flatMap((ofNorm) =>
    [...groupBy(ofNorm, ({ epsilon }) => Number(epsilon))]
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
  [...groupBy(norms, ({ norm }) => norm).values()].map((own) => own[own.length - 1]);

const ballName = ({ norm, epsilon }: AuditUnion["balls"][number]): string => `${norm}@${epsilon}`;

/** The union of all attacks in the balls of these norms and radii. */
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

/** A union per norm and radius, then the one over norms. */
function unionsOf(norms: readonly AuditNorm[], worst: Worst): AuditUnion[] {
  const unions = norms.map((norm) => unionOf([norm], norm.accuracy, norm.accuracy8bit));
  const largest = atLargest(norms);
  if (largest.length > 1) unions.push(unionOf(largest, accuracyOf(worst), accuracy8bitOf(worst)));
  return unions;
}

/** Above the rounding error of a mean of shares: ten shares of 0.1 sum up to less than 1. */
const SUM_ROUNDING = 1e-12;

/** The result of a finished audit. */
export function auditResult(facts: Facts, setup: AuditedSetup): AuditResult {
  const { rows, failures = [] } = facts;
  const {
    budget,
    noise,
    preprocessing,
    head,
    classNames,
    attacks,
    required,
    proofs = null,
    smallest = null,
    convergence = null,
    sha256 = null,
    externalData = [],
  } = setup;
  const [{ model, data }] = rows;
  const worst = nothingYet();
  update(worst, rows);
  const norms = normsOf(rows, attacks);
  const { breaksFirst, weakestNorms, strongestAttacks } = weakest(atLargest(norms));
  const union = accuracyOf(worst);
  const diagnostics = diagnose(facts);
  const valid =
    !isContradicted(proofs) && diagnostics.every(({ severity }) => severity !== "invalid");
  return {
    model,
    sha256,
    externalData,
    data,
    budget,
    preprocessing,
    head,
    noise,
    examples: worst.exact.size,
    clean: meanShare([...worst.exact.values()], ({ clean }) => clean, "all"),
    union,
    union8bit: accuracy8bitOf(worst),
    unions: unionsOf(norms, worst),
    norms,
    breaksFirst,
    weakestNorms,
    strongestAttacks,
    classes: classesOf([...worst.exact.values()], classNames),
    confusions: confusionsOf([...worst.exact.values()], classNames),
    diagnostics,
    checks: checksOf(facts, diagnostics),
    notRun: failures,
    valid,
    required,
    passed: required === null ? null : valid && union.mean >= required - SUM_ROUNDING,
    proofs,
    smallest,
    convergence,
  };
}
