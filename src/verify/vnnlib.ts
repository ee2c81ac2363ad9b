import type { Property } from "./property.ts";
import { casesOf, type Declared } from "./vnnlib-cases.ts";
import {
  type Atom,
  comparison,
  conjunction,
  disjunction,
  type Formula,
  isRelation,
  type Spend,
} from "./vnnlib-formula.ts";
import {
  arithmetic,
  constantSum,
  type Fail,
  isOperator,
  type Sum,
  type Variable,
  variableSum,
} from "./vnnlib-sums.ts";
import { refuse, shown, type Token, tokensOf } from "./vnnlib-tokens.ts";

type Item = Token | Sum | Formula;

/** What stands inside of parentheses so far; a word means what its place says, so it is looked up when they close. */
interface Open {
  readonly line: number;
  readonly items: Item[];
}

/** Work at a level is at most the length of the text, so this bounds all of it but the multiplying out. */
const DEEPEST = 256;

/** Conditions that may be written while everything is multiplied out, what is dropped again included. */
const MAX_WRITTEN = 16_000_000;

const number = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;
const variableName = /^([XY])_(0|[1-9]\d{0,8})$/;

/** Commands of SMT-LIB that say nothing about the property. */
const ignored = new Set(["set-logic", "set-info", "set-option", "check-sat", "get-model", "exit"]);

const isToken = (item: Item): item is Token => "text" in item;

/**
 * The property of a VNN-LIB text (https://www.vnnlib.org, version 1.0): real constants X_0 … and Y_0 …, bounds of inputs,
 * linear conditions on outputs, and any arrangement of `and` and `or` over both, multiplied out into cases. `name`
 * stands in messages. Fails with a UsageError that names the line.
 */
export function parseVnnlib(text: string, name = "property"): Property {
  const variables = new Map<string, Variable>();
  const common: Atom[] = [];
  const alternatives: Formula[] = [];
  const open: Open[] = [];
  let line = 1;
  const fail: Fail = (why) => refuse(name, line, why);
  let written = 0;
  const spend: Spend = (conditions) => {
    written += conditions;
    if (written > MAX_WRITTEN)
      fail(
        `its alternatives multiply out to more than ${MAX_WRITTEN} conditions; split the property`,
      );
  };

  function declare(items: readonly Item[]): void {
    const [symbol, sort] = items.map((item) => (isToken(item) ? item.text : "(…)"));
    if (items.length !== 2)
      fail(`declare-const takes a name and a sort, got ${items.length} words`);
    const [, letter, index] = variableName.exec(symbol) ?? [];
    if (letter === undefined)
      fail(`"${shown(symbol)}" is declared; inputs are X_0, X_1 …, outputs Y_0, Y_1 …`);
    if (sort !== "Real") fail(`${symbol} is declared as "${shown(sort)}"; write Real`);
    if (variables.has(symbol)) fail(`${symbol} is declared twice`);
    const kind = letter === "X" ? "input" : "output";
    variables.set(symbol, { kind, index: Number(index), name: symbol, line });
  }

  function sumOf(item: Item): Sum {
    if (isToken(item)) line = item.line;
    else return item.kind === "sum" ? item : fail("a condition stands where a number is needed");
    const variable = variables.get(item.text);
    if (variable !== undefined) return variableSum(variable);
    if (number.test(item.text)) {
      const value = Number(item.text);
      return Number.isFinite(value)
        ? constantSum(value)
        : fail(`${shown(item.text)} lies beyond the range of doubles`);
    }
    return variableName.test(item.text)
      ? fail(`${item.text} is used and not declared; declare it above`)
      : fail(`unknown word "${shown(item.text)}" where a number or variable is needed`);
  }

  function formulaOf(item: Item): Formula {
    if (isToken(item)) line = item.line;
    if (!isToken(item) && item.kind === "formula") return item;
    const what = isToken(item) ? `"${shown(item.text)}"` : "a number";
    return fail(`${what} stands where a condition is needed, such as (<= Y_0 Y_1)`);
  }

  function assert(items: readonly Item[]): void {
    if (items.length !== 1) fail(`assert takes one condition, got ${items.length}`);
    const formula = formulaOf(items[0]);
    if (formula.clauses.length === 1) for (const atom of formula.clauses[0]) common.push(atom);
    else alternatives.push(formula);
  }

  /** What a closed pair of parentheses is worth; undefined for a command. */
  function close([head, ...items]: readonly Item[], depth: number): Sum | Formula | undefined {
    if (head === undefined || !isToken(head))
      return fail("parentheses must begin with a word, such as assert, and, <=");
    const word = head.text;
    const isCommand = word === "assert" || word === "declare-const" || ignored.has(word);
    if (isCommand !== (depth === 0))
      return isCommand
        ? fail(`${word} stands inside of another expression; close what is open before it`)
        : fail(`(${shown(word)} …) stands outside of an assert`);
    if (ignored.has(word)) return undefined;
    if (word === "assert") return void assert(items);
    if (isCommand) return void declare(items);
    if (isOperator(word)) return arithmetic(word, items.map(sumOf), fail);
    if (isRelation(word)) return comparison(word, items.map(sumOf), fail, spend);
    if (word !== "and" && word !== "or")
      return fail(`unknown word "${shown(word)}"; known are and, or, <=, <, >=, >, +, -, *, /`);
    if (items.length === 0) return fail(`(${word}) is empty; give it a condition`);
    return (word === "and" ? conjunction : disjunction)(items.map(formulaOf), fail, spend);
  }

  for (const token of tokensOf(text, name)) {
    line = token.line;
    const inner = open.at(-1);
    if (token.text === "(") {
      if (open.length === DEEPEST) fail(`parentheses are nested more than ${DEEPEST} deep`);
      open.push({ line, items: [] });
    } else if (inner === undefined)
      fail(
        token.text === ")"
          ? "a parenthesis closes that was never opened"
          : `"${shown(token.text)}" stands outside of parentheses`,
      );
    else if (token.text === ")") {
      open.pop();
      line = inner.line;
      const value = close(inner.items, open.length);
      if (value !== undefined) open.at(-1)?.items.push(value);
    } else inner.items.push(token);
  }
  line = 1;
  const unclosed = open.at(-1);
  if (unclosed !== undefined) refuse(name, unclosed.line, "a parenthesis is never closed");
  const all = declared(variables, (at, why) => refuse(name, at, why));
  const cases = casesOf(common, conjunction(alternatives, fail, spend), all);
  return { inputs: all.inputs.length, outputs: all.outputs.length, cases };
}

/** The declared variables by kind and index, each kind from 0 on without a gap. */
function declared(
  variables: ReadonlyMap<string, Variable>,
  refuseAt: Declared["refuse"],
): Declared {
  const ofKind = (kind: Variable["kind"], letter: string): Variable[] => {
    const all = [...variables.values()].filter((variable) => variable.kind === kind);
    if (all.length === 0) return refuseAt(1, `declares no ${letter}_0: a network has ${kind}s`);
    all.sort((a, b) => a.index - b.index);
    const after = all.find(({ index }, i) => index !== i);
    if (after !== undefined)
      refuseAt(after.line, `${after.name} is declared, but ${letter}_${all.indexOf(after)} is not`);
    return all;
  };
  return { inputs: ofKind("input", "X"), outputs: ofKind("output", "Y"), refuse: refuseAt };
}
