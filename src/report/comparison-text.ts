// A comparison as text: for a terminal and in Markdown.

import type { Comparison } from "./comparison.ts";
import {
  dropSentence,
  evidence,
  headlineSentence,
  METHOD,
  nameOf,
  points,
  pointsRange,
  pText,
  titleOf,
} from "./comparison-words.ts";
import { counted, percent } from "./format.ts";
import { textTable } from "./text-table.ts";

/** The column heads of the table of accuracies. */
const HEADS = ["", "before", "after", "change", "95 % interval", "lost", "gained", "p"] as const;

const linesOf = ({ accuracies }: Comparison): string[][] =>
  accuracies.map((one) => [
    nameOf(one),
    percent(one.before),
    percent(one.after),
    points(one.difference.mean),
    pointsRange(one.difference),
    String(one.lost),
    String(one.gained),
    pText(one.p),
  ]);

/** The name of a side beside `before` and `after`, which may be its label. */
const nameBeside = ({ label, model }: Comparison["before"], place: string): string =>
  label === place ? model : label;

/** The comparison as lines for a terminal. */
export function comparisonLines(comparison: Comparison): string[] {
  const { before, after, examples } = comparison;
  const lines = [
    `before: ${nameBeside(before, "before")} on ${before.data}`,
    `after:  ${nameBeside(after, "after")} on ${after.data}`,
    `${counted(examples, "image")}, paired`,
    "",
    `${headlineSentence(comparison)} ${evidence(comparison)}`,
    "",
    ...textTable([[...HEADS], ...linesOf(comparison)]).split("\n"),
  ];
  const sentence = dropSentence(comparison);
  return sentence === "" ? lines : [...lines, "", sentence];
}

/** Text on one line, with all Markdown syntax escaped. */
const plain = (text: string): string =>
  text.replace(/\s+/g, " ").replace(/[\\`*_{}[\]()<>#|~&!]/g, (letter) => `\\${letter}`);

const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

/** The comparison in Markdown. */
export function comparisonMarkdown(comparison: Comparison): string {
  const { before, examples, notes } = comparison;
  const sentence = dropSentence(comparison);
  const drop = sentence === "" ? [] : ["", plain(sentence)];
  const remarks = notes.map(({ text }) => `- ${plain(text)}`);
  if (remarks.length > 0) remarks.unshift("");
  return [
    `## ${plain(titleOf(comparison))}`,
    "",
    plain(`${headlineSentence(comparison)} ${evidence(comparison)}`),
    "",
    row(HEADS),
    row(HEADS.map((_, i) => (i === 0 ? "---" : "---:"))),
    ...linesOf(comparison).map((cells) => row(cells.map(plain))),
    "",
    plain(`${counted(examples, "image")} of ${before.data}. ${METHOD}`),
    ...drop,
    ...remarks,
    "",
  ].join("\n");
}
