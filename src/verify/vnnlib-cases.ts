import type { Case, Inequality } from "./property.ts";
import type { Atom, Formula } from "./vnnlib-formula.ts";
import type { Variable } from "./vnnlib-sums.ts";

/** Most numbers that boxes and coefficients may take together: 256 MiB. */
const MAX_NUMBERS = 2 ** 25;

interface Box {
  readonly lower: Float64Array;
  readonly upper: Float64Array;
}

/** What is declared, by index, and how to fail at a line. */
export interface Declared {
  readonly inputs: readonly Variable[];
  readonly outputs: readonly Variable[];
  readonly refuse: (line: number, why: string) => never;
}

const isBound = ({ terms }: Atom): boolean => {
  const [[variable]] = terms;
  return variable.kind === "input";
};

/** Moves one side of the box: coefficient · x ≤ bound. */
function narrow({ lower, upper }: Box, { terms, bound }: Atom): void {
  const [[{ index }, coefficient]] = terms;
  const at = bound / coefficient + 0; // −0 is 0
  if (coefficient > 0) upper[index] = Math.min(upper[index], at);
  else lower[index] = Math.max(lower[index], at);
}

/** The cases of `common` and one of the clauses, without those whose box is empty. */
export function casesOf(
  common: readonly Atom[],
  { clauses }: Formula,
  { inputs, outputs, refuse }: Declared,
): Case[] {
  const known = new Map<Atom, Inequality>();
  let numbers = 0;
  const count = (more: number): void => {
    numbers += more;
    if (numbers > MAX_NUMBERS)
      refuse(1, `its cases take more than ${MAX_NUMBERS} numbers; split the property`);
  };
  const inequalityOf = (atom: Atom): Inequality => {
    const seen = known.get(atom);
    if (seen !== undefined) return seen;
    count(outputs.length);
    const coefficients = new Float64Array(outputs.length);
    for (const [{ index }, coefficient] of atom.terms) coefficients[index] = coefficient;
    const made = { coefficients, bound: atom.bound };
    known.set(atom, made);
    return made;
  };
  const boxOf = (from: Box, bounds: readonly Atom[]): Box => {
    if (bounds.length === 0) return from;
    count(2 * inputs.length);
    const box = { lower: from.lower.slice(), upper: from.upper.slice() };
    for (const atom of bounds) narrow(box, atom);
    return box;
  };
  const isEmpty = ({ lower, upper }: Box) => lower.some((low, i) => low > upper[i]);
  const requireBounded = ({ lower, upper }: Box): void => {
    for (const { index, name, line } of inputs) {
      const missing = [
        ...(Number.isFinite(lower[index]) ? [] : ["lower"]),
        ...(Number.isFinite(upper[index]) ? [] : ["upper"]),
      ];
      if (missing.length > 0)
        refuse(line, `${name} has no ${missing.join(" and no ")} bound; assert one`);
    }
  };
  const whole = {
    lower: new Float64Array(inputs.length).fill(Number.NEGATIVE_INFINITY),
    upper: new Float64Array(inputs.length).fill(Number.POSITIVE_INFINITY),
  };
  const outer = boxOf(whole, common.filter(isBound));
  const everywhere = common.filter((atom) => !isBound(atom)).map(inequalityOf);
  count(everywhere.length * clauses.length);
  const checked = new Set<Box>();
  const cases: Case[] = [];
  for (const clause of clauses) {
    const box = boxOf(outer, clause.filter(isBound));
    if (isEmpty(box)) continue;
    if (!checked.has(box)) requireBounded(box);
    checked.add(box);
    const own = clause.filter((atom) => !isBound(atom)).map(inequalityOf);
    cases.push({ ...box, conditions: [...everywhere, ...own] });
  }
  return cases;
}
