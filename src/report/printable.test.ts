import { expect, it } from "vitest";
import { printable } from "./printable.ts";
import { textTable } from "./text-table.ts";

it.each([
  ["\u001b[2K\u001b[1Gok", "\\u001b[2K\\u001b[1Gok"],
  ["a\nwrote b", "a\\nwrote b"],
  ["a\r\tb", "a\\r\\tb"],
  ["\u009b31mred", "\\u009b31mred"],
  ["abc\u007f\u0008", "abc\\u007f\\u0008"],
  ["gpj\u202e.exe", "gpj\\u202e.exe"],
  ["a\u2066b\u2069c\u200fd", "a\\u2066b\\u2069c\\u200fd"],
  ["a\u2028b\u2029c\u0085d", "a\\u2028b\\u2029c\\u0085d"],
])("%j is shown as %j, and that as itself", (text, shown) => {
  expect(printable(text)).toBe(shown);
  expect(printable(shown)).toBe(shown);
});

it("leaves letters of every script, joined emojis and combining marks alone", () => {
  for (const text of ["Köln", "Köln", "日本語", "שלום", "👩‍🔬", "می‌خواهم", "ℓ∞ 0.031 ≤ ε"])
    expect(printable(text)).toBe(text);
});

it("keeps a cell of a table on its line", () => {
  expect(textTable([["a\nb", "1"]])).toBe("a\\nb  1");
});
