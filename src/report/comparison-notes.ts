// The differences between two evaluations, as notes.
import { present } from "../math/defined.ts";
import type { Note } from "../math/note.ts";
import type { ComparedAccuracy, ComparedResult } from "./compared.ts";
import { type Evaluation, isDerived } from "./evaluation.ts";
import { counted, listed, normName, radiusText } from "./format.ts";
import { outcomesOf } from "./outcomes.ts";
import { timedNote } from "./timed-note.ts";
import { unfinishedText } from "./unfinished.ts";

/** Options that do not change how an image is attacked, or that other notes cover. */
const NOT_COMPARED = [
  "attacks",
  "examples",
  "batch",
  "skipBroken",
  "onlyStanding",
  "epsilonLinf",
  "epsilonL2",
  "epsilonL1",
  "epsilonL0",
  "noise",
  "rule",
  "seed",
];

/** Options that only attacks on randomised classifiers use. */
const RANDOMISED_ONLY = ["eot", "draws", "objective"];

const other = (text: string): Note => ({ code: "other-attacks", text });

/** The requested attacks; without settings, the attacks that have rows. */
function attacksOf({ settings, summary }: Evaluation): string[] {
  const asked = settings?.options.attacks;
  const names = Array.isArray(asked)
    ? asked.map(String)
    : summary.attacks.map(({ attack }) => attack).filter((attack) => !isDerived(attack));
  return [...new Set(names)].sort();
}

/** Steps and restarts of each attack, which rows state. */
const efforts = ({ rows }: Evaluation): ReadonlyMap<string, string> =>
  new Map(rows.map(({ attack, steps, restarts }) => [attack, `${steps} steps × ${restarts}`]));

function attackNotes(before: Evaluation, after: Evaluation): Note[] {
  const [a, b] = [attacksOf(before), attacksOf(after)];
  const only = (own: readonly string[], others: readonly string[]) =>
    own.filter((name) => !others.includes(name));
  const notes: Note[] = [];
  const missing = [
    { when: "before", names: only(a, b) },
    { when: "after", names: only(b, a) },
  ].filter(({ names }) => names.length > 0);
  if (missing.length > 0)
    notes.push(
      other(
        `The attacks differ: ${missing.map(({ when, names }) => `${listed(names)} only ${when}`).join("; ")}. More attacks break more images, so the difference is not the models' alone.`,
      ),
    );
  const effortsAfter = efforts(after);
  const changed = [...efforts(before)].flatMap(([attack, effort]) => {
    const now = effortsAfter.get(attack);
    return now === undefined || now === effort
      ? []
      : [`${attack} (${effort} before, ${now} after)`];
  });
  if (changed.length > 0) notes.push(other(`Attacks ran with another effort: ${listed(changed)}.`));
  return notes;
}

/** Whether searches count in one result alone: they break further images inside its balls. */
function searchNote(before: Evaluation, after: Evaluation): Note | undefined {
  const [a, b] = [before.searched === true, after.searched === true];
  if (a === b) return undefined;
  return other(
    `Only the result ${a ? "before" : "after"} counts what an audit's search for smallest radii found, which breaks more images, so the difference is not the models' alone.`,
  );
}

/** Options that differ; options of randomised classifiers only if both are randomised. */
function optionNote(before: Evaluation, after: Evaluation): Note | undefined {
  const [a, b] = [before.settings?.options, after.settings?.options];
  if (a === undefined || b === undefined) return undefined;
  const randomised = before.summary.randomised && after.summary.randomised;
  const ignored = randomised ? NOT_COMPARED : [...NOT_COMPARED, ...RANDOMISED_ONLY];
  const names = Object.keys(a).filter(
    // If one of the files lacks an option, the option did not exist when the file was written.
    (name) =>
      name in b && !ignored.includes(name) && JSON.stringify(a[name]) !== JSON.stringify(b[name]),
  );
  if (names.length === 0) return undefined;
  const texts = names.map(
    (name) => `${name} (${JSON.stringify(a[name])} before, ${JSON.stringify(b[name])} after)`,
  );
  return other(`Options differ: ${listed(texts)}.`);
}

function budgetNote(before: ComparedResult, after: ComparedResult): Note | undefined {
  const [a, b] = [before.audit?.budget, after.audit?.budget];
  if (a === undefined || b === undefined || a === b) return undefined;
  return other(
    `The budgets differ: ${a} before, ${b} after. A larger budget finds more adversarial examples, so the difference is not the models' alone. Audit both with the same --budget.`,
  );
}

/** Balls in which only one of the two was attacked. */
function ballNotes(before: Evaluation, after: Evaluation): Note[] {
  const [a, b] = [outcomesOf(before.rows).balls, outcomesOf(after.rows).balls];
  const namesOf = (balls: typeof a) => balls.map(({ name }) => name);
  const onlyIn = (own: typeof a, others: typeof a, when: string): Note[] => {
    const missing = own.filter(({ name }) => !namesOf(others).includes(name));
    if (missing.length === 0) return [];
    const texts = missing.map(
      ({ norm, epsilon }) =>
        `${norm === null ? "attacks without a norm" : normName(norm)} ${epsilon === null ? "without bound" : radiusText(norm, epsilon)}`,
    );
    return [
      {
        code: "other-balls",
        text: `Only the result ${when} has attacks in ${listed(texts)}, which ${texts.length === 1 ? "is" : "are"} left out.`,
      },
    ];
  };
  return [...onlyIn(a, b, "before"), ...onlyIn(b, a, "after")];
}

/** Images that only one of the two has. */
function imageNote(before: Evaluation, after: Evaluation, both: number): Note | undefined {
  const [a, b] = [before.summary.examples, after.summary.examples];
  if (a === both && b === both) return undefined;
  return {
    code: "other-images",
    text: `The images differ: ${counted(a, "image")} before, ${b.toLocaleString("en")} after. Only the ${both.toLocaleString("en")} that are in both are compared.`,
  };
}

function untriedNote(accuracies: readonly ComparedAccuracy[], both: number): Note | undefined {
  const fewer = accuracies.filter(({ examples }) => examples < both);
  if (fewer.length === 0) return undefined;
  const texts = fewer.map(({ name, examples }) => `${name} (${counted(examples, "image")})`);
  return {
    code: "unfinished",
    text: `Attacks have not tried all ${both} images in both results: ${listed(texts)}. Finish them with --resume.`,
  };
}

function dataNote(before: Evaluation, after: Evaluation): Note | undefined {
  const [a, b] = [before.summary.data, after.summary.data];
  if (a === b) return undefined;
  return {
    code: "other-data",
    text: `The data sets have different names (${a} before, ${b} after). Labels agree on every image that is in both, but check that the images are the same.`,
  };
}

/** Other facts for the reader: scoring of randomised classifiers, different machines. */
function judgingNotes(before: Evaluation, after: Evaluation): Note[] {
  const pairs = [
    { name: "seed", a: before.rows[0].seed, b: after.rows[0].seed },
    { name: "prediction rule", a: before.summary.rule, b: after.summary.rule },
    {
      name: "runtime",
      a: before.settings?.target.lowering,
      b: after.settings?.target.lowering,
    },
  ];
  return pairs
    .filter(({ a, b }) => a !== undefined && b !== undefined && a !== b)
    .map(({ name, a, b }) => ({
      code: "other-judging",
      text: `The ${name} differs: ${a} before, ${b} after.`,
    }));
}

const invalidNotes = (results: readonly (readonly [ComparedResult, string])[]): Note[] =>
  results
    .filter(([{ audit }]) => audit?.valid === false)
    .map(([{ evaluation }, when]) => ({
      code: "invalid",
      text: `The audit ${when} (${evaluation.file}) is invalid: its numbers are meaningless until its diagnostics are resolved.`,
    }));

function unfinishedNote(result: ComparedResult, when: string): Note | undefined {
  const text = unfinishedText(result, when);
  return text === null
    ? undefined
    : { code: "unfinished", text: `${text} Continue it with --resume.` };
}

/** The differences of two results. Differences of attacks come first and have the code `other-attacks`. */
export function differencesOf(
  before: ComparedResult,
  after: ComparedResult,
  accuracies: readonly ComparedAccuracy[],
  both: number,
): Note[] {
  const [a, b] = [before.evaluation, after.evaluation];
  const budget = budgetNote(before, after);
  const unfinished = [unfinishedNote(before, "before"), unfinishedNote(after, "after")];
  return [
    ...invalidNotes([
      [before, "before"],
      [after, "after"],
    ]),
    ...present([budget, timedNote(before, after)]),
    ...attackNotes(a, b),
    ...present([
      searchNote(a, b),
      optionNote(a, b),
      ...unfinished,
      imageNote(a, b, both),
      dataNote(a, b),
      untriedNote(accuracies, both),
    ]),
    ...ballNotes(a, b),
    ...judgingNotes(a, b),
  ];
}
