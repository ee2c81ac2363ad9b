import { UsageError } from "../math/usage-error.ts";

/** A parenthesis, symbol, number or string of an SMT-LIB text. */
export interface Token {
  readonly symbol: string;
  /** The line it begins on, from 1. */
  readonly line: number;
}

/** Throws the `UsageError` for a line of a text, as `name:line: why`, which editors can jump to. */
export function refuse(name: string, line: number, why: string): never {
  throw new UsageError(`${name}:${line}: ${why}`, { code: "bad-file" });
}

/** At most 40 characters of a text for a message, without control characters. */
export const shown = (text: string): string => {
  const plain = text.replace(/[^\x20-\x7e]/g, "?");
  return plain.length > 40 ? `${plain.slice(0, 40)}…` : plain;
};

/** White space, a comment, or a token (SMT-LIB 2.6, §3.1). */
const piece = /[\t\n\r ]+|;[^\n]*|[()]|"[^"]*"|\|[^|]*\||[^\t\n\r ()";|]+/y;

const linesIn = (text: string): number => {
  let count = 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) count++;
  return count;
};

/** The tokens of a text; `name` is its name in messages. Throws `UsageError` for a string that is not closed. */
export function* tokensOf(text: string, name: string): Generator<Token> {
  const pattern = new RegExp(piece);
  let line = 1;
  while (pattern.lastIndex < text.length) {
    const start = pattern.lastIndex;
    const found = pattern.exec(text)?.[0];
    if (found === undefined)
      refuse(name, line, `${text[start]} opens a text that is not closed; close it or remove it`);
    const first = found[0];
    const isSpace = first === " " || first === "\n" || first === "\t" || first === "\r";
    if (!isSpace && first !== ";") yield { symbol: found, line };
    if (isSpace || first === '"' || first === "|") line += linesIn(found);
  }
}
