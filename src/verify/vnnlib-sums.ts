/** An input X_i or output Y_j of the network. Each declared name has one object, so that it can be a key. */
export interface Variable {
  readonly kind: "input" | "output";
  readonly index: number;
  readonly name: string;
  /** The line of its declaration. */
  readonly line: number;
}

/**
 * Σ coefficient · variable + constant. Functions that take a sum may change it, since each sum occurs once in the text.
 */
export interface Sum {
  readonly kind: "sum";
  terms: Map<Variable, number>;
  constant: number;
}

/** Throws the error `why` at the current line. */
export type Fail = (why: string) => never;

/** A sum without variables. */
export const constantSum = (constant: number): Sum => ({ kind: "sum", terms: new Map(), constant });

/** A sum of one variable. */
export const variableSum = (variable: Variable): Sum => ({
  kind: "sum",
  terms: new Map([[variable, 1]]),
  constant: 0,
});

function scale(sum: Sum, factor: number): Sum {
  if (factor !== 1) {
    sum.constant *= factor;
    for (const [variable, coefficient] of sum.terms) sum.terms.set(variable, coefficient * factor);
  }
  return sum;
}

/** a + b, in time proportional to the shorter one. */
export function plus(a: Sum, b: Sum): Sum {
  const [into, from] = a.terms.size >= b.terms.size ? [a, b] : [b, a];
  into.constant += from.constant;
  for (const [variable, coefficient] of from.terms)
    into.terms.set(variable, (into.terms.get(variable) ?? 0) + coefficient);
  return into;
}

/** a − b. */
export const minus = (a: Sum, b: Sum): Sum => plus(a, scale(b, -1));

function times(a: Sum, b: Sum, fail: Fail): Sum {
  if (a.terms.size > 0 && b.terms.size > 0)
    return fail("* multiplies two variables; only linear conditions are read");
  return a.terms.size > 0 ? scale(a, b.constant) : scale(b, a.constant);
}

function over(a: Sum, b: Sum, fail: Fail): Sum {
  if (b.terms.size > 0) return fail("/ divides by a variable; only linear conditions are read");
  if (b.constant === 0) return fail("/ divides by zero");
  a.constant /= b.constant;
  for (const [variable, coefficient] of a.terms) a.terms.set(variable, coefficient / b.constant);
  return a;
}

const operators: Readonly<Record<string, (a: Sum, b: Sum, fail: Fail) => Sum>> = {
  "+": plus,
  "-": minus,
  "*": times,
  "/": over,
};

/** Whether a symbol is +, -, * or /. */
export const isOperator = (symbol: string): boolean => Object.hasOwn(operators, symbol);

/** The sum of `(+ a b …)`, `(- a)`, `(- a b …)`, `(* a b …)` or `(/ a b …)`, evaluated from the left. */
export function arithmetic(operator: string, sums: readonly Sum[], fail: Fail): Sum {
  const [first, ...rest] = sums;
  if (first === undefined) return fail(`(${operator}) has no arguments`);
  const isNegation = operator === "-" && rest.length === 0;
  const result = isNegation
    ? scale(first, -1)
    : rest.reduce((sum, next) => operators[operator](sum, next, fail), first);
  if (!Number.isFinite(result.constant))
    return fail(`(${operator} …) gives a number beyond the range of doubles`);
  return result;
}
