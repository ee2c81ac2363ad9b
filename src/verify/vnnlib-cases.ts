import type { Case, Inequality } from "./property.ts";
import type { Atom, Formula } from "./vnnlib-formula.ts";
import type { Variable } from "./vnnlib-sums.ts";

/** The maximum number of doubles in boxes and coefficients: 256 MiB. */
const MAX_NUMBERS = 2 ** 25;

interface Box {
  readonly lower: Float64Array;
  readonly upper: Float64Array;
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

/** Moves one side of a box to satisfy coefficient · x ≤ bound. */
function narrow({ lower, upper }: Box, { terms, bound }: Atom): void {
  const [[{ index }, coefficient]] = terms;
  const limit = bound / coefficient + 0; // turns −0 into 0
  if (coefficient > 0) upper[index] = Math.min(upper[index], limit);
  else lower[index] = Math.max(lower[index], limit);
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
    if (isEmpty(box)) continue;
    if (!bounded.has(box)) requireBounded(box, declared);
    bounded.add(box);
    const conditions = [...everywhere, ...builder.inequalities(clause)];
    cases.push({ lower: box.lower, upper: box.upper, conditions });
  }
  return cases;
}

const isEmpty = ({ lower, upper }: Box): boolean => lower.some((low, i) => low > upper[i]);

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
    };
  }

  /** The part of a box within bounds; the same object without bounds. */
  box(from: Box, bounds: readonly Atom[]): Box {
    if (bounds.length === 0) return from;
    this.count(2 * this.#declared.inputs.length);
    const box = { lower: from.lower.slice(), upper: from.upper.slice() };
    for (const atom of bounds) narrow(box, atom);
    return box;
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
    const coefficients = new Float64Array(length);
    for (const [{ index }, coefficient] of atom.terms) coefficients[index] = coefficient;
    const inequality = { coefficients, bound: atom.bound };
    this.#inequalities.set(atom, inequality);
    return inequality;
  }
}
