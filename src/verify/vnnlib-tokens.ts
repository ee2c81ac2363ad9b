import { UsageError } from "../math/usage-error.ts";

/** One parenthesis, symbol, number or string of an SMT-LIB text. */
export interface Token {
  readonly text: string;
  /** From 1. */
  readonly line: number;
}

/** Fails at a line of the text, in the form that editors jump to. */
export function refuse(name: string, line: number, why: string): never {
  throw new UsageError(`${name}:${line}: ${why}`);
}

/** At most 40 characters of a piece of the text, fit to be shown in a message. */
export const shown = (text: string): string => {
  const plain = text.replace(/[^\x20-\x7e]/g, "?");
  return plain.length > 40 ? `${plain.slice(0, 40)}…` : plain;
};

/** Blank space, a comment, or a token (SMT-LIB 2.6, §3.1). */
const piece = /[\t\n\r ]+|;[^\n]*|[()]|"[^"]*"|\|[^|]*\||[^\t\n\r ()";|]+/y;

const linesIn = (text: string): number => {
  let count = 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) count++;
  return count;
};

/** The tokens of a text; `name` stands in messages. */
export function* tokensOf(text: string, name: string): Generator<Token> {
  const pattern = new RegExp(piece);
  let line = 1;
  while (pattern.lastIndex < text.length) {
    const start = pattern.lastIndex;
    const found = pattern.exec(text)?.[0];
    if (found === undefined)
      refuse(name, line, `${text[start]} opens a text that is not closed; close it or remove it`);
    const first = found[0];
    if (first !== ";" && first !== " " && first !== "\n" && first !== "\t" && first !== "\r")
      yield { text: found, line };
    if (
      first === "\n" ||
      first === " " ||
      first === "\r" ||
      first === "\t" ||
      first === '"' ||
      first === "|"
    )
      line += linesIn(found);
  }
}
