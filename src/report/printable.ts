/** Characters that control a terminal or hide text: C0, C1, line breaks, marks of direction. */
const unprintable = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\ufeff]/gu;

const short: ReadonlyMap<string, string> = new Map([
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

/**
 * Text made safe for one line of a terminal. Control characters (C0 and C1), line breaks and marks that change the text
 * direction are shown as `\n` or `\u001b`, so a name in a file cannot forge a line or move the cursor.
 */
export const printable = (line: string): string =>
  line.replace(
    unprintable,
    (letter) => short.get(letter) ?? `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
