import { type Rational, rationalOf } from "../math/rational.ts";
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
  MAX_DIGITS,
  type Sum,
  type Variable,
  variableSum,
} from "./vnnlib-sums.ts";
import { refuse, shown, type Token, tokensOf } from "./vnnlib-tokens.ts";

type Item = Token | Sum | Formula;

/**
 * The items of an open parenthesis so far. The first one is looked up when the parenthesis closes, as its meaning
 * depends on the depth.
 */
interface OpenParenthesis {
  readonly line: number;
  readonly items: Item[];
}

/** Work per level is linear in the length of the text, so this limits all work but multiplying out. */
const MAX_DEPTH = 256;

/**
 * The maximum number of conditions created while alternatives are multiplied out, including those that are dropped
 * again.
 */
const MAX_CREATED = 16_000_000;

const number = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;
const variableName = /^([XY])_(0|[1-9]\d{0,8})$/;

/** Commands of SMT-LIB that do not change the property. */
const ignored = new Set(["set-logic", "set-info", "set-option", "check-sat", "get-model", "exit"]);

const isToken = (item: Item): item is Token => "symbol" in item;

/**
 * The property of a VNN-LIB text (https://www.vnnlib.org, version 1.0): real constants X_0 … and Y_0 …, bounds of
 * inputs, linear conditions on outputs, and any nesting of `and` and `or` over both, multiplied out into cases. `name`
 * is the text's name in messages. Throws a `UsageError` that names the line.
 */
export const parseVnnlib = (text: string, name = "property"): Property =>
  new VnnlibParser(name).parse(text);

class VnnlibParser {
  readonly #name: string;
  readonly #variables = new Map<string, Variable>();
  /** Asserted conditions that hold in every case. */
  readonly #common: Atom[] = [];
  /** Asserted formulas with several clauses. */
  readonly #alternatives: Formula[] = [];
  readonly #open: OpenParenthesis[] = [];
  /** The line that errors name. */
  #line = 1;
  #created = 0;

  constructor(name: string) {
    this.#name = name;
  }

  parse(text: string): Property {
    for (const token of tokensOf(text, this.#name)) this.#read(token);
    this.#line = 1;
    const unclosed = this.#open.at(-1);
    if (unclosed !== undefined) refuse(this.#name, unclosed.line, "a parenthesis is never closed");
    const declared = declaredVariables(this.#variables, (line, why) =>
      refuse(this.#name, line, why),
    );
    const alternatives = conjunction(this.#alternatives, this.#fail, this.#spend);
    return {
      inputs: declared.inputs.length,
      outputs: declared.outputs.length,
      cases: casesOf(this.#common, alternatives, declared),
    };
  }

  readonly #fail: Fail = (why) => refuse(this.#name, this.#line, why);

  readonly #spend: Spend = (conditions) => {
    this.#created += conditions;
    if (this.#created > MAX_CREATED)
      this.#fail(
        `its alternatives multiply out to more than ${MAX_CREATED} conditions; split the property`,
      );
  };

  #read(token: Token): void {
    const { symbol, line } = token;
    this.#line = line;
    const inner = this.#open.at(-1);
    if (symbol === "(") {
      if (this.#open.length === MAX_DEPTH)
        this.#fail(`parentheses are nested more than ${MAX_DEPTH} deep`);
      this.#open.push({ line, items: [] });
    } else if (inner === undefined)
      this.#fail(
        symbol === ")"
          ? "a parenthesis closes that was never opened"
          : `"${shown(symbol)}" stands outside of parentheses`,
      );
    else if (symbol === ")") {
      this.#open.pop();
      this.#line = inner.line;
      const value = this.#evaluate(inner.items, this.#open.length);
      if (value !== undefined) this.#open.at(-1)?.items.push(value);
    } else inner.items.push(token);
  }

  /** The value of a closed parenthesis; undefined for a command. */
  #evaluate([head, ...items]: readonly Item[], depth: number): Sum | Formula | undefined {
    if (head === undefined || !isToken(head))
      return this.#fail("parentheses must begin with a word, such as assert, and, <=");
    const word = head.symbol;
    const isCommand = word === "assert" || word === "declare-const" || ignored.has(word);
    if (isCommand && depth > 0)
      this.#fail(`${word} stands inside of another expression; close what is open before it`);
    if (!isCommand && depth === 0) this.#fail(`(${shown(word)} …) stands outside of an assert`);
    if (isCommand) {
      if (word === "assert") this.#assert(items);
      if (word === "declare-const") this.#declare(items);
      return undefined;
    }
    if (isOperator(word)) return arithmetic(word, this.#sums(items), this.#fail);
    if (isRelation(word)) return comparison(word, this.#sums(items), this.#fail, this.#spend);
    if (word !== "and" && word !== "or")
      return this.#fail(
        `unknown word "${shown(word)}"; known are and, or, <=, <, >=, >, +, -, *, /`,
      );
    if (items.length === 0) return this.#fail(`(${word}) is empty; give it a condition`);
    const formulas = items.map((item) => this.#formula(item));
    return word === "and"
      ? conjunction(formulas, this.#fail, this.#spend)
      : disjunction(formulas, this.#fail);
  }

  #declare(items: readonly Item[]): void {
    const [name, sort] = items.map((item) => (isToken(item) ? item.symbol : "(…)"));
    if (items.length !== 2)
      this.#fail(`declare-const takes a name and a sort, got ${items.length} words`);
    const [, letter, index] = variableName.exec(name) ?? [];
    if (letter === undefined)
      this.#fail(`"${shown(name)}" is declared; inputs are X_0, X_1 …, outputs Y_0, Y_1 …`);
    if (sort !== "Real") this.#fail(`${name} is declared as "${shown(sort)}"; write Real`);
    if (this.#variables.has(name)) this.#fail(`${name} is declared twice`);
    const kind = letter === "X" ? "input" : "output";
    this.#variables.set(name, { kind, index: Number(index), name, line: this.#line });
  }

  #assert(items: readonly Item[]): void {
    if (items.length !== 1) this.#fail(`assert takes one condition, got ${items.length}`);
    const formula = this.#formula(items[0]);
    if (formula.clauses.length === 1)
      for (const atom of formula.clauses[0]) this.#common.push(atom);
    else this.#alternatives.push(formula);
  }

  #sums(items: readonly Item[]): Sum[] {
    return items.map((item) => this.#sum(item));
  }

  #sum(item: Item): Sum {
    if (!isToken(item)) {
      if (item.kind === "sum") return item;
      return this.#fail("a condition stands where a number is needed");
    }
    const { symbol, line } = item;
    this.#line = line;
    const variable = this.#variables.get(symbol);
    if (variable !== undefined) return variableSum(variable);
    if (number.test(symbol)) return constantSum(this.#number(symbol));
    if (variableName.test(symbol))
      return this.#fail(`${symbol} is used and not declared; declare it above`);
    return this.#fail(`unknown word "${shown(symbol)}" where a number or variable is needed`);
  }

  #number(symbol: string): Rational {
    if (!Number.isFinite(Number(symbol)))
      this.#fail(`${shown(symbol)} lies beyond the range of doubles`);
    const [, exponent = "0"] = symbol.toLowerCase().split("e");
    if (symbol.length > MAX_DIGITS || Math.abs(Number(exponent)) > MAX_DIGITS)
      this.#fail(
        `${shown(symbol)} has more than ${MAX_DIGITS} digits, or an exponent beyond ±${MAX_DIGITS}; round it`,
      );
    return rationalOf(symbol);
  }

  #formula(item: Item): Formula {
    if (!isToken(item) && item.kind === "formula") return item;
    if (isToken(item)) this.#line = item.line;
    const found = isToken(item) ? `"${shown(item.symbol)}"` : "a number";
    return this.#fail(`${found} stands where a condition is needed, such as (<= Y_0 Y_1)`);
  }
}

/** The declared variables by kind and index. Throws unless the indices of both kinds are 0, 1, 2, … */
function declaredVariables(
  variables: ReadonlyMap<string, Variable>,
  refuseAt: Declared["refuse"],
): Declared {
  const ofKind = (kind: Variable["kind"], letter: string): Variable[] => {
    const all = [...variables.values()].filter((variable) => variable.kind === kind);
    if (all.length === 0) return refuseAt(1, `declares no ${letter}_0: a network has ${kind}s`);
    all.sort((a, b) => a.index - b.index);
    const afterGap = all.find(({ index }, i) => index !== i);
    if (afterGap !== undefined)
      refuseAt(
        afterGap.line,
        `${afterGap.name} is declared, but ${letter}_${all.indexOf(afterGap)} is not`,
      );
    return all;
  };
  return { inputs: ofKind("input", "X"), outputs: ofKind("output", "Y"), refuse: refuseAt };
}
