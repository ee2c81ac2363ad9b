/** Finished markup; only `html` and `trusted` make it, so nothing reaches a page without being escaped. */
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

// XML and HTML allow no control characters but tab and line ends.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed.
const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g;

/** Text as it may stand in an element or in a quoted attribute; what HTML cannot hold becomes U+FFFD. */
export const escaped = (text: string): string =>
  text
    .replace(/\p{Surrogate}/gu, "\ufffd")
    .replace(forbidden, "\ufffd")
    .replace(/[&<>"']/g, (letter) => entities[letter]);

/** Markup that is known to be well-formed and harmless. */
export const trusted = (markup: string): Markup => ({ markup });

type Part = Markup | string | number | null | readonly Part[];

const text = (part: Part): string => {
  if (part === null) return "";
  if (typeof part === "string") return escaped(part);
  if (typeof part === "number") return String(part);
  return "markup" in part ? part.markup : part.map(text).join("");
};

/** Markup from a template: literal parts are kept, values are escaped, lists are joined, null is nothing. */
export const html = (literal: TemplateStringsArray, ...parts: readonly Part[]): Markup =>
  trusted(literal.map((markup, i) => markup + (i < parts.length ? text(parts[i]) : "")).join(""));
