// What an audit has found, from its rows and its probe.

import type { Row } from "../evaluate/row.ts";
import { cellOf, grouped, interval } from "../evaluate/shares.ts";
import { isBroken } from "../evaluate/standing.ts";
import { summarize } from "../evaluate/summary.ts";
import type { Interval } from "../math/statistics.ts";
import { type Diagnostic, diagnose, type Facts } from "./audit-diagnostics.ts";

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

/** One norm at its radius. */
export interface AuditNorm {
  readonly norm: string;
  readonly epsilon: number;
  readonly attacks: readonly AuditAttack[];
  /** Accuracy where each example meets the worst of them, and the same pictures rounded to 8 bits per channel. */
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
  /** What is added to pixels at every prediction; null for a deterministic classifier. */
  readonly noise: string | null;
  readonly clean: Interval;
  /** Accuracy where each example meets the worst attack of any norm. */
  readonly union: Interval;
  readonly union8bit: Interval;
  readonly norms: readonly AuditNorm[];
  /** The attack that broke most examples. */
  readonly breaksFirst: string | null;
  /** The class that suffers most first. */
  readonly classes: readonly AuditClass[];
  readonly diagnostics: readonly Diagnostic[];
  /** Whether no diagnostic says that the numbers mean nothing. */
  readonly valid: boolean;
  /** What was asked for by --require, and whether the union is at least that; null if nothing was. */
  readonly required: number | null;
  readonly passed: boolean | null;
}

/** What a result is made of. */
export interface AuditFacts extends Facts {
  readonly budget: string;
  /** Attacks that were to run, in their order: one that nothing was left for has no rows. */
  readonly attacks: readonly string[];
  readonly noise: string | null;
  readonly classNames: readonly string[];
  readonly required: number | null;
}

/** Per example the worst row so far; an example that is wrong when clean needs no attack, and stays so. */
type Worst = Map<number, Row>;

const unattacked = (row: Row): Row => ({
  ...row,
  ...(row.draws === 1 && row.clean === 0 && { correct: 0, correctChoose: 0, correct8bit: 0 }),
});

function take(worst: Worst, rows: readonly Row[]): void {
  for (const row of rows.map(unattacked)) {
    const before = worst.get(row.index);
    if (before === undefined || row.correctChoose < before.correctChoose) worst.set(row.index, row);
  }
}

const accuracyOf = (worst: Worst) =>
  interval([...worst.values()], ({ correct }) => correct, "half");
const accuracy8bitOf = (worst: Worst) =>
  interval([...worst.values()], ({ correct8bit }) => correct8bit, "half");

function attackOf(rows: readonly Row[], worst: Worst): AuditAttack {
  const [{ attack, steps, restarts, draws }] = rows;
  const tried = draws === 1 ? rows.filter(({ clean }) => clean === 1) : rows;
  take(worst, rows);
  return {
    ...{ attack, steps, restarts, tried: tried.length },
    broken: tried.filter((row) => (draws === 1 ? isBroken(row) : row.majority === 0)).length,
    left: accuracyOf(worst),
    queries: rows.reduce((sum, row) => sum + row.queries, 0),
    seconds: rows.reduce((sum, row) => sum + row.seconds, 0),
  };
}

/** An attack for which the ones before it left nothing. */
const unneeded = (attack: string, { left }: AuditAttack): AuditAttack => ({
  ...{ attack, steps: 0, restarts: 0, tried: 0, broken: 0, left, queries: 0, seconds: 0 },
});

function normOf(rows: readonly Row[], planned: readonly string[]): AuditNorm {
  const worst: Worst = new Map();
  const attacks = [...grouped(rows, cellOf).values()].map((own) => attackOf(own, worst));
  const ran = new Set(attacks.map(({ attack }) => attack));
  const last = attacks[attacks.length - 1];
  for (const attack of planned)
    if (attack.endsWith(`-${rows[0].norm}`) && !ran.has(attack))
      attacks.push(unneeded(attack, last));
  return {
    ...{ norm: String(rows[0].norm), epsilon: Number(rows[0].epsilon), attacks },
    ...{ accuracy: accuracyOf(worst), accuracy8bit: accuracy8bitOf(worst) },
  };
}

/** The result of a finished audit. */
export function auditResult(facts: AuditFacts): AuditResult {
  const { rows, budget, noise, classNames, required } = facts;
  const summary = summarize(rows, { onlyStanding: true });
  const worst: Worst = new Map();
  take(worst, rows);
  const norms = [...grouped(rows, ({ norm, epsilon }) => `${norm} ${epsilon}`).values()].map(
    (own) => normOf(own, facts.attacks),
  );
  const most = norms
    .flatMap(({ attacks }) => attacks)
    .reduce<AuditAttack | null>((a, b) => (b.broken > (a?.broken ?? 0) ? b : a), null);
  const union = accuracyOf(worst);
  const diagnostics = diagnose(facts);
  return {
    ...{ model: summary.model, data: summary.data, budget, noise, examples: summary.examples },
    ...{ clean: summary.clean, union, union8bit: accuracy8bitOf(worst), norms },
    breaksFirst: most?.attack ?? null,
    classes: summary.classes.map(({ label, examples, clean, union: left }) => ({
      ...{ label, name: classNames[label] ?? String(label), examples, clean },
      union: left ?? clean,
    })),
    ...{ diagnostics, valid: diagnostics.every(({ severity }) => severity !== "invalid") },
    ...{ required, passed: required === null ? null : union.mean >= required },
  };
}
