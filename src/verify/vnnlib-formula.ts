import { nextDown64 } from "../math/neighbours.ts";
import { constantSum, type Fail, minus, plus, type Sum, type Variable } from "./vnnlib-sums.ts";

/** Σ coefficient · variable ≤ bound; never empty. */
export interface Atom {
  readonly terms: ReadonlyMap<Variable, number>;
  readonly bound: number;
}

/** A disjunction of conjunctions: no clause is false, an empty clause is true. */
export interface Formula {
  readonly kind: "formula";
  clauses: Atom[][];
}

/** Most cases that a property may have, and most conditions in all of them together. */
const MAX_CASES = 250_000;
const MAX_ATOMS = 8_000_000;

/** Counts conditions that are written, and fails where they are too many. */
export type Spend = (conditions: number) => void;

const single = (atom: Atom): Formula => ({ kind: "formula", clauses: [[atom]] });
const truth = (value: boolean): Formula => ({ kind: "formula", clauses: value ? [[]] : [] });

/** Fails for what is neither a bound of one input nor a condition on outputs alone. */
function requireReadable(terms: ReadonlyMap<Variable, number>, fail: Fail): void {
  const variables = [...terms.keys()];
  const input = variables.find(({ kind }) => kind === "input");
  const other = variables.find((one) => one !== input);
  if (input !== undefined && other !== undefined)
    fail(
      `a condition relates ${input.name} to ${other.name}; an input may only be bounded by numbers`,
    );
}

/** a ≤ b, or a < b: of doubles, those below a number are those up to its neighbour. */
function atMost(a: Sum, b: Sum, strict: boolean, fail: Fail): Formula {
  const { terms, constant } = minus(a, b);
  for (const [variable, coefficient] of terms) {
    if (coefficient === 0) terms.delete(variable);
    if (!Number.isFinite(coefficient))
      return fail(`${variable.name} has a coefficient beyond the range of doubles`);
  }
  const bound = 0 - constant;
  if (!Number.isFinite(bound)) return fail("a bound lies beyond the range of doubles");
  requireReadable(terms, fail);
  if (terms.size === 0) return truth(strict ? bound > 0 : bound >= 0);
  return single({ terms, bound: strict ? nextDown64(bound) : bound });
}

const relations: Readonly<Record<string, { readonly strict: boolean; readonly down: boolean }>> = {
  "<=": { strict: false, down: false },
  "<": { strict: true, down: false },
  ">=": { strict: false, down: true },
  ">": { strict: true, down: true },
};

export const isRelation = (symbol: string): boolean => Object.hasOwn(relations, symbol);

/** A sum like this one that may be changed on its own. */
const copied = (sum: Sum): Sum => plus(constantSum(0), { ...sum, terms: new Map(sum.terms) });

/** `(<= a b)` and its like; `(<= a b c)` says a ≤ b and b ≤ c, as in SMT-LIB. */
export function comparison(
  relation: string,
  sums: readonly Sum[],
  fail: Fail,
  spend: Spend,
): Formula {
  const { strict, down } = relations[relation];
  if (sums.length < 2)
    return fail(`(${relation} …) compares ${sums.length} terms; it needs at least two`);
  const parts = sums.slice(1).map((right, i) => {
    const left = i === 0 ? sums[0] : copied(sums[i]);
    const kept = i + 2 < sums.length ? copied(right) : right;
    return down ? atMost(kept, left, strict, fail) : atMost(left, kept, strict, fail);
  });
  return conjunction(parts, fail, spend);
}

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

/** All of the formulas, multiplied out; the first one's clauses vary slowest. */
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

/** One of the formulas at least. */
export function disjunction(formulas: readonly Formula[], fail: Fail): Formula {
  const clauses = formulas.length === 1 ? formulas[0].clauses : formulas.flatMap((f) => f.clauses);
  if (clauses.length > MAX_CASES)
    return fail(`"or" has ${clauses.length} cases, more than ${MAX_CASES}; split the property`);
  return { kind: "formula", clauses };
}
