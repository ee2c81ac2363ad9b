import {
  isLong,
  isZero,
  negated,
  ONE,
  productOf,
  quotientOf,
  type Rational,
  sumOf,
  toDouble,
  ZERO,
} from "../math/rational.ts";

/** An input X_i or output Y_j of the network. Each declared name has one object, so that it can be a key. */
export interface Variable {
  readonly kind: "input" | "output";
  readonly index: number;
  readonly name: string;
  /** The line of its declaration. */
  readonly line: number;
}

/**
 * Σ coefficient · variable + constant, exactly. Functions that take a sum may change it, since each sum occurs once in the
 * text.
 */
export interface Sum {
  readonly kind: "sum";
  terms: Map<Variable, Rational>;
  constant: Rational;
}

/** Throws the error `why` at the current line. */
export type Fail = (why: string) => never;

/** The maximum number of digits of an exact number, and of its exponent. */
export const MAX_DIGITS = 5000;

/** A number with a limited number of digits. */
function limited(value: Rational, fail: Fail): Rational {
  if (isLong(value, MAX_DIGITS))
    fail(`a number takes more than ${MAX_DIGITS} digits to write exactly; round it`);
  return value;
}

/** A sum without variables. */
export const constantSum = (constant: Rational): Sum => ({
  kind: "sum",
  terms: new Map(),
  constant,
});

/** A sum of one variable. */
export const variableSum = (variable: Variable): Sum => ({
  kind: "sum",
  terms: new Map([[variable, ONE]]),
  constant: ZERO,
});

/** Replaces every coefficient and the constant. */
function mapped(sum: Sum, f: (value: Rational) => Rational): Sum {
  sum.constant = f(sum.constant);
  for (const [variable, coefficient] of sum.terms) sum.terms.set(variable, f(coefficient));
  return sum;
}

/** a + b, in time proportional to the shorter one. */
export function plus(a: Sum, b: Sum, fail: Fail): Sum {
  const [into, from] = a.terms.size >= b.terms.size ? [a, b] : [b, a];
  into.constant = limited(sumOf(into.constant, from.constant), fail);
  for (const [variable, coefficient] of from.terms) {
    const other = into.terms.get(variable);
    const total = other === undefined ? coefficient : limited(sumOf(other, coefficient), fail);
    into.terms.set(variable, total);
  }
  return into;
}

/** a − b. */
export const minus = (a: Sum, b: Sum, fail: Fail): Sum => plus(a, mapped(b, negated), fail);

function times(a: Sum, b: Sum, fail: Fail): Sum {
  if (a.terms.size > 0 && b.terms.size > 0)
    return fail("* multiplies two variables; only linear conditions are read");
  const [sum, { constant }] = a.terms.size > 0 ? [a, b] : [b, a];
  return mapped(sum, (value) => limited(productOf(value, constant), fail));
}

function over(a: Sum, b: Sum, fail: Fail): Sum {
  if (b.terms.size > 0) return fail("/ divides by a variable; only linear conditions are read");
  if (isZero(b.constant)) return fail("/ divides by zero");
  return mapped(a, (value) => limited(quotientOf(value, b.constant), fail));
}

const operators: Readonly<Record<string, (a: Sum, b: Sum, fail: Fail) => Sum>> = {
  "+": plus,
  "-": minus,
  "*": times,
  "/": over,
};

/** Whether a symbol is +, -, * or /. */
export const isOperator = (symbol: string): boolean => Object.hasOwn(operators, symbol);

/** Whether a number is within the range of doubles. */
export const isInRange = (value: Rational): boolean =>
  (value.exponent <= 0 && !isLong(value, 300)) || Number.isFinite(toDouble(value));

/** The sum of `(+ a b …)`, `(- a)`, `(- a b …)`, `(* a b …)` or `(/ a b …)`, evaluated from the left. */
export function arithmetic(operator: string, sums: readonly Sum[], fail: Fail): Sum {
  const [first, ...rest] = sums;
  if (first === undefined) return fail(`(${operator}) has no arguments`);
  const isNegation = operator === "-" && rest.length === 0;
  const result = isNegation
    ? mapped(first, negated)
    : rest.reduce((sum, next) => operators[operator](sum, next, fail), first);
  if (!isInRange(result.constant))
    return fail(`(${operator} …) gives a number beyond the range of doubles`);
  return result;
}
