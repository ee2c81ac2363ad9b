import { nextDown64, nextUp64 } from "../math/neighbours.ts";
import {
  compare,
  isZero,
  negated,
  ONE,
  productOf,
  quotientOf,
  type Rational,
  rationalOf,
  sumOf,
  toDouble,
} from "../math/rational.ts";
import type { Case, Inequality } from "./property.ts";
import type { Atom, Formula } from "./vnnlib-formula.ts";
import type { Variable } from "./vnnlib-sums.ts";

/** The maximum number of doubles in boxes and coefficients: 256 MiB. */
const MAX_NUMBERS = 2 ** 25;

/** One side of a box: x ≤ value or x ≥ value, without equality if `strict`. */
interface Limit {
  readonly value: Rational;
  readonly strict: boolean;
}

/** The exact sides of a box by input; an input may lack one. */
interface Sides {
  readonly lower: Map<number, Limit>;
  readonly upper: Map<number, Limit>;
}

/** A box as doubles and exactly: its sides, or those that differ from the box around it. */
interface Box {
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  readonly sides: Sides;
  /** Whether it contains no real point. */
  readonly isEmpty: boolean;
}

/** The declared variables by index, and a function that throws at a line. */
export interface Declared {
  readonly inputs: readonly Variable[];
  readonly outputs: readonly Variable[];
  readonly refuse: (line: number, why: string) => never;
}

const isBound = ({ terms }: Atom): boolean => {
  const [[variable]] = terms;
  return variable.kind === "input";
};

/** Moves one side of a box to satisfy coefficient · x ≤ bound. `outer` are sides that hold too. */
function narrow(sides: Sides, outer: Sides, { terms, bound, strict }: Atom): void {
  const [[{ index }, coefficient]] = terms;
  const isUpper = coefficient.numerator > 0n;
  const side = isUpper ? "upper" : "lower";
  const limit: Limit = { value: quotientOf(bound, coefficient), strict };
  const before = sides[side].get(index) ?? outer[side].get(index);
  if (before === undefined || isTighter(limit, before, isUpper)) sides[side].set(index, limit);
}

function isTighter(limit: Limit, before: Limit, isUpper: boolean): boolean {
  const sign = compare(limit.value, before.value);
  return sign === 0 ? limit.strict : sign < 0 === isUpper;
}

/** Whether no real number lies between two sides. */
function isApart(lower: Limit | undefined, upper: Limit | undefined): boolean {
  if (lower === undefined || upper === undefined) return false;
  const sign = compare(lower.value, upper.value);
  return sign > 0 || (sign === 0 && (lower.strict || upper.strict));
}

/** The double nearest to a side, or its neighbour inside if the side is strict. */
function nearest({ value, strict }: Limit, inside: (x: number) => number): number {
  const near = toDouble(value) + 0; // turns −0 into 0
  return strict ? inside(near) : near;
}

/**
 * The cases of a property: `common` and one of the clauses each, without those whose box is empty. Throws for open
 * boxes.
 */
export function casesOf(common: readonly Atom[], { clauses }: Formula, declared: Declared): Case[] {
  const builder = new CaseBuilder(declared);
  const outer = builder.box(builder.everything(), common.filter(isBound));
  const everywhere = builder.inequalities(common);
  builder.count(everywhere.length * clauses.length);
  const bounded = new Set<Box>();
  const cases: Case[] = [];
  for (const clause of clauses) {
    const box = builder.box(outer, clause.filter(isBound));
    if (box.isEmpty) continue;
    if (!bounded.has(box)) requireBounded(box, declared);
    bounded.add(box);
    const conditions = [...everywhere, ...builder.inequalities(clause)];
    cases.push({ lower: box.lower, upper: box.upper, conditions });
  }
  return cases;
}

function requireBounded({ lower, upper }: Box, { inputs, refuse }: Declared): void {
  for (const { index, name, line } of inputs) {
    const missing: string[] = [];
    if (!Number.isFinite(lower[index])) missing.push("lower");
    if (!Number.isFinite(upper[index])) missing.push("upper");
    if (missing.length > 0)
      refuse(line, `${name} has no ${missing.join(" and no ")} bound; assert one`);
  }
}

/**
 * Builds boxes and inequalities, and limits how many numbers they take. An atom that occurs again shares its inequality.
 */
class CaseBuilder {
  readonly #declared: Declared;
  readonly #inequalities = new Map<Atom, Inequality>();
  #numbers = 0;

  constructor(declared: Declared) {
    this.#declared = declared;
  }

  /** Counts numbers before they are allocated. */
  count(numbers: number): void {
    this.#numbers += numbers;
    if (this.#numbers > MAX_NUMBERS)
      this.#declared.refuse(
        1,
        `its cases take more than ${MAX_NUMBERS} numbers; split the property`,
      );
  }

  /** The box without bounds. */
  everything(): Box {
    const { length } = this.#declared.inputs;
    return {
      lower: new Float64Array(length).fill(Number.NEGATIVE_INFINITY),
      upper: new Float64Array(length).fill(Number.POSITIVE_INFINITY),
      sides: { lower: new Map(), upper: new Map() },
      isEmpty: false,
    };
  }

  /** The part of a box within bounds; the same object without bounds. */
  box(from: Box, bounds: readonly Atom[]): Box {
    if (bounds.length === 0) return from;
    this.count(2 * this.#declared.inputs.length);
    const sides: Sides = { lower: new Map(), upper: new Map() };
    for (const atom of bounds) narrow(sides, from.sides, atom);
    const [lower, upper] = [from.lower.slice(), from.upper.slice()];
    for (const [i, limit] of sides.lower) lower[i] = nearest(limit, nextUp64);
    for (const [i, limit] of sides.upper) upper[i] = nearest(limit, nextDown64);
    const of = (side: keyof Sides, i: number) => sides[side].get(i) ?? from.sides[side].get(i);
    const moved = [...sides.lower.keys(), ...sides.upper.keys()];
    const isEmpty = from.isEmpty || moved.some((i) => isApart(of("lower", i), of("upper", i)));
    return { lower, upper, sides, isEmpty };
  }

  /** The conditions on outputs among atoms. */
  inequalities(atoms: readonly Atom[]): Inequality[] {
    return atoms.filter((atom) => !isBound(atom)).map((atom) => this.#inequality(atom));
  }

  #inequality(atom: Atom): Inequality {
    const cached = this.#inequalities.get(atom);
    if (cached !== undefined) return cached;
    const { length } = this.#declared.outputs;
    this.count(length);
    const inequality = inequalityOf(atom, length, this.#declared);
    this.#inequalities.set(atom, inequality);
    return inequality;
  }
}

/** Below this, the coefficients of a condition are scaled up before they are rounded to doubles. */
const SMALL = 1e-250;

/**
 * A condition as doubles, after multiplication by a power of ten if all coefficients are small. Each number is less than
 * one unit in the last place from its exact value, or two for the bound of a strict condition. No coefficient becomes 0.
 */
function inequalityOf(
  { terms, bound, strict }: Atom,
  outputs: number,
  { refuse }: Declared,
): Inequality {
  const [[first]] = terms;
  const scale = scaleOf([...terms.values()]);
  const coefficients = new Float64Array(outputs);
  for (const [{ index }, exact] of terms) {
    const value = toDouble(productOf(exact, scale));
    coefficients[index] = value === 0 ? tiny(exact) : value;
  }
  const near = toDouble(productOf(bound, scale));
  if (!Number.isFinite(near))
    refuse(first.line, `a bound of ${first.name} lies beyond the range of doubles`);
  const total = [...terms.values()].reduce(sumOf);
  const isOrder = terms.size === 2 && isZero(total) && isZero(bound);
  return { coefficients, bound: strict ? nextDown64(near) : near, isOrder };
}

const tiny = ({ numerator }: Rational): number =>
  numerator < 0n ? -Number.MIN_VALUE : Number.MIN_VALUE;

/** A power of ten that makes the largest of some numbers about 1, if all are small; else 1. */
function scaleOf(values: readonly Rational[]): Rational {
  let largest = values[0];
  for (const value of values) if (compare(absolute(value), absolute(largest)) > 0) largest = value;
  if (Math.abs(toDouble(largest)) >= SMALL) return ONE;
  const { numerator, exponent, denominator } = absolute(largest);
  const digits = numerator.toString().length + exponent - denominator.toString().length;
  return rationalOf(`1e${-digits}`);
}

const absolute = (value: Rational): Rational => (value.numerator < 0n ? negated(value) : value);
