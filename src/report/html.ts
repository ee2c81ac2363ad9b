/** Markup whose values are escaped. Only `html` and `trusted` create markup, so pages contain no unescaped values. */
export interface Markup {
  readonly markup: string;
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

// XML and HTML allow no control characters except tab and line ends.
// biome-ignore lint/suspicious/noControlCharactersInRegex: the expression must match control characters.
const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g;

/** Text escaped for an element or a quoted attribute. Characters that HTML does not allow become U+FFFD. */
export const escaped = (text: string): string =>
  text
    .replace(/\p{Surrogate}/gu, "\ufffd")
    .replace(forbidden, "\ufffd")
    .replace(/[&<>"']/g, (letter) => entities[letter]);

/** Marks text as well-formed, harmless markup. */
export const trusted = (markup: string): Markup => ({ markup });

type Part = Markup | string | number | null | readonly Part[];

const text = (part: Part): string => {
  if (part === null) return "";
  if (typeof part === "string") return escaped(part);
  if (typeof part === "number") return String(part);
  return "markup" in part ? part.markup : part.map(text).join("");
};

/** Markup from a template literal: values are escaped, lists are joined, null gives nothing. */
export const html = (literal: TemplateStringsArray, ...parts: readonly Part[]): Markup =>
  trusted(literal.map((markup, i) => markup + (i < parts.length ? text(parts[i]) : "")).join(""));
