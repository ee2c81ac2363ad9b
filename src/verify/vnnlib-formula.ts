import { compare, isZero, negated, type Rational, ZERO } from "../math/rational.ts";
import {
  constantSum,
  type Fail,
  isInRange,
  minus,
  plus,
  type Sum,
  type Variable,
} from "./vnnlib-sums.ts";

/** Σ coefficient · variable ≤ bound, or < bound if `strict`, exactly; with at least one variable. */
export interface Atom {
  readonly terms: ReadonlyMap<Variable, Rational>;
  readonly bound: Rational;
  readonly strict: boolean;
}

/** A disjunction of conjunctions. Without clauses it is false; an empty clause is true. */
export interface Formula {
  readonly kind: "formula";
  clauses: Atom[][];
}

/** The maximum number of cases of a property, and of conditions in all of them. */
const MAX_CASES = 250_000;
const MAX_ATOMS = 8_000_000;

/** Counts the conditions that are created; throws if there are too many. */
export type Spend = (conditions: number) => void;

const single = (atom: Atom): Formula => ({ kind: "formula", clauses: [[atom]] });
const truth = (value: boolean): Formula => ({ kind: "formula", clauses: value ? [[]] : [] });

/** Throws unless a condition is a bound of one input, or about outputs only. */
function requireReadable(terms: ReadonlyMap<Variable, Rational>, fail: Fail): void {
  const variables = [...terms.keys()];
  const input = variables.find(({ kind }) => kind === "input");
  const other = variables.find((one) => one !== input);
  if (input !== undefined && other !== undefined)
    fail(
      `a condition relates ${input.name} to ${other.name}; an input may only be bounded by numbers`,
    );
}

/** a ≤ b, or a < b if `strict`. */
function atMost(a: Sum, b: Sum, strict: boolean, fail: Fail): Formula {
  const { terms, constant } = minus(a, b, fail);
  for (const [variable, coefficient] of terms) {
    if (isZero(coefficient)) terms.delete(variable);
    if (!isInRange(coefficient))
      return fail(`${variable.name} has a coefficient beyond the range of doubles`);
  }
  const bound = negated(constant);
  if (!isInRange(bound)) return fail("a bound lies beyond the range of doubles");
  requireReadable(terms, fail);
  if (terms.size > 0) return single({ terms, bound, strict });
  const sign = compare(bound, ZERO);
  return truth(strict ? sign > 0 : sign >= 0);
}

const relations: Readonly<
  Record<string, { readonly strict: boolean; readonly descending: boolean }>
> = {
  "<=": { strict: false, descending: false },
  "<": { strict: true, descending: false },
  ">=": { strict: false, descending: true },
  ">": { strict: true, descending: true },
};

/** Whether a symbol is <=, <, >= or >. */
export const isRelation = (symbol: string): boolean => Object.hasOwn(relations, symbol);

/** A copy of a sum that can be changed. */
const copied = (sum: Sum, fail: Fail): Sum =>
  plus(constantSum(ZERO), { kind: "sum", terms: new Map(sum.terms), constant: sum.constant }, fail);

/** The formula of a comparison such as `(<= a b)`; `(<= a b c)` means a ≤ b and b ≤ c, as in SMT-LIB. */
export function comparison(
  relation: string,
  sums: readonly Sum[],
  fail: Fail,
  spend: Spend,
): Formula {
  const { strict, descending } = relations[relation];
  if (sums.length < 2)
    return fail(`(${relation} …) compares ${sums.length} terms; it needs at least two`);
  const parts = sums.slice(1).map((right, i) => {
    const left = i === 0 ? sums[0] : copied(sums[i], fail);
    const isShared = i + 2 < sums.length;
    const other = isShared ? copied(right, fail) : right;
    return descending ? atMost(other, left, strict, fail) : atMost(left, other, strict, fail);
  });
  return conjunction(parts, fail, spend);
}

/** a and b, multiplied out. Changes and returns the longer one if both are single clauses. */
function both(a: Formula, b: Formula, fail: Fail, spend: Spend): Formula {
  if (a.clauses.length === 1 && b.clauses.length === 1) {
    const [into, from] = [a, b].sort((x, y) => y.clauses[0].length - x.clauses[0].length);
    for (const atom of from.clauses[0]) into.clauses[0].push(atom);
    return into;
  }
  const atoms = ({ clauses }: Formula) => clauses.reduce((sum, { length }) => sum + length, 0);
  const total = atoms(a) * b.clauses.length + atoms(b) * a.clauses.length;
  if (total > MAX_ATOMS)
    fail(`"and" multiplies out to ${total} conditions, more than ${MAX_ATOMS}; split the property`);
  spend(total);
  const clauses = a.clauses.flatMap((left) => b.clauses.map((right) => left.concat(right)));
  return { kind: "formula", clauses };
}

/** The conjunction of formulas, multiplied out; the clauses of the first formula vary slowest. */
export function conjunction(formulas: readonly Formula[], fail: Fail, spend: Spend): Formula {
  const cases = formulas.reduce((product, { clauses }) => product * clauses.length, 1);
  if (cases > MAX_CASES)
    return fail(
      `alternatives multiply out to ${cases} cases, more than ${MAX_CASES}; split the property`,
    );
  if (formulas.length === 0) return truth(true);
  if (formulas.some(({ clauses }) => clauses.length === 0)) return truth(false);
  return formulas.reduce((all, next) => both(all, next, fail, spend));
}

/** The disjunction of formulas. */
export function disjunction(formulas: readonly Formula[], fail: Fail): Formula {
  const clauses = formulas.length === 1 ? formulas[0].clauses : formulas.flatMap((f) => f.clauses);
  if (clauses.length > MAX_CASES)
    return fail(`"or" has ${clauses.length} cases, more than ${MAX_CASES}; split the property`);
  return { kind: "formula", clauses };
}
