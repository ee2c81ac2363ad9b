import type { Row } from "../evaluate/row.ts";
import { present } from "../math/defined.ts";
import type { Note } from "../math/note.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Evaluation, ImageSet, RowsFile, Tools } from "./evaluation.ts";
import { listed } from "./format.ts";
import { readImages } from "./read-images.ts";
import { readSettings } from "./read-settings.ts";
import { missingAttacks } from "./unfinished.ts";

/** Rows with equal identities may be averaged: same model, data set and protocol. */
const identity = ({ model, defense, data, protocol, rule, draws, seed }: Row): string =>
  JSON.stringify([model, defense, data, protocol, rule, draws, seed]);

/** Throws `UsageError` if rows under one name come from attacks of different effort, or count an example twice. */
function checkCells(file: string, rows: readonly Row[]): void {
  const seen = new Set<string>();
  const spent = new Map<string, string>();
  for (const { attack, epsilon, index, steps, restarts, eot } of rows) {
    const cell = `${attack}${epsilon === null ? "" : ` at ε ${epsilon}`}`;
    const effort = `${steps} steps, ${restarts} restarts`;
    const before = spent.get(cell) ?? effort;
    if (before !== effort)
      throw new UsageError(
        `${file} mixes two kinds of ${cell}: ${before}, and ${effort}; keep evaluations with other settings in separate files`,
        { code: "bad-file" },
      );
    const name = `${index} ${cell} ${eot}`;
    if (seen.has(name))
      throw new UsageError(
        `${file} holds test image ${index} under ${cell} twice, so it would count twice; keep one evaluation per file`,
        { code: "bad-file" },
      );
    spent.set(cell, effort);
    seen.add(name);
  }
}

/** A note on an unfinished evaluation; null for a finished one. */
function unfinished(
  name: string,
  { rows, summary, settings }: Pick<Evaluation, "rows" | "summary" | "settings">,
): Note | null {
  const asked = Number(settings?.options.examples ?? summary.examples);
  const counts = new Set(summary.attacks.map(({ examples }) => examples));
  if (counts.size > 1 || summary.attacks.some(({ examples }) => examples < summary.examples))
    return {
      code: "unfinished",
      text: `${name} is not finished: its attacks have tried ${[...counts].join(", ")} of ${summary.examples} images. Unions use the images that all attacks have tried.`,
    };
  const missing = missingAttacks({ rows, settings });
  if (missing.length > 0)
    return {
      code: "unfinished",
      text: `${name} is not finished: images have not been tried by ${listed(missing)}.`,
    };
  if (summary.examples >= (settings?.images ?? asked)) return null;
  return {
    code: "unfinished",
    text: `${name} has ${summary.examples} of the ${asked} images asked for: the evaluation was interrupted, or the data set has no more.`,
  };
}

type Unlabelled = Omit<Evaluation, "label">;

function evaluationsOfFile(source: RowsFile, tools: Tools): Unlabelled[] {
  const { file } = source;
  const groups = new Map<string, Row[]>();
  for (const row of source.rows) {
    const group = groups.get(identity(row)) ?? [];
    groups.set(identity(row), group);
    group.push(row);
  }
  const settings = source.settings === null ? null : readSettings(source.settings);
  const notes: Note[] = [...source.notes];
  const only = groups.size === 1;
  if (source.settings === null)
    notes.push({
      code: "no-settings",
      text: `${file} has no settings beside it: its command and the model's training are unknown.`,
    });
  else if (settings === null)
    notes.push({
      code: "bad-settings",
      text: `The settings beside ${file} cannot be read and are left out.`,
    });
  const images = imagesOf(source, only, tools, notes);
  return [...groups.values()].map((own, i) => {
    const rows = only ? withOthers(own, source, tools) : own;
    checkCells(file, rows);
    const fitting = settings?.model.name === rows[0].model ? settings : null;
    if (settings !== null && fitting === null)
      notes.push({
        code: "other-settings",
        text: `The settings beside ${file} are those of ${settings.model.name}, not of ${rows[0].model}.`,
      });
    for (const warning of fitting?.warnings ?? [])
      notes.push({ code: "warning", text: `${rows[0].model} on ${rows[0].data}: ${warning}.` });
    const summary = tools.summarize(rows, fitting?.options);
    // Proofs beside rows of several evaluations do not state which evaluation they belong to.
    const { proofs, certificates } = only ? source : {};
    const searched = only && rows[0].draws === 1 && (source.searches?.text ?? null) !== null;
    const parts = { images, proofs, certificates, searched };
    const evaluation = { file, rows, summary, settings: fitting, ...parts };
    const ownNotes = present([unfinished(rows[0].model, evaluation) ?? undefined]);
    return { ...evaluation, notes: i === groups.size - 1 ? [...notes, ...ownNotes] : ownNotes };
  });
}

/** Whether an attack broke an example that was right before: only then is there an adversarial image. */
const breaksAny = (rows: readonly Row[]): boolean =>
  rows.some(
    ({ attack, prediction, label, majority }) =>
      attack !== "none" && prediction === label && majority === 0,
  );

/** The rows of an audit with all that it counts; those of anything else as they are. */
function withOthers(rows: readonly Row[], { searches }: RowsFile, { inBalls }: Tools): Row[] {
  if (searches === undefined) return [...rows];
  if (inBalls === undefined) throw new Error("internal: rows of an audit without what reads them");
  return [...rows, ...inBalls(rows, searches)];
}

function imagesOf(
  { file, rows, examples }: RowsFile,
  only: boolean,
  { parseNpz }: Tools,
  notes: Note[],
): ImageSet[] {
  if (examples === null) {
    if (!breaksAny(rows)) return [];
    notes.push({
      code: "no-images",
      text: `${file} has no images beside it (--save-examples keeps some).`,
    });
    return [];
  }
  if (!only) {
    notes.push({
      code: "no-images",
      text: `${file} holds rows of several evaluations, and the images beside it do not state which evaluation they belong to.`,
    });
    return [];
  }
  try {
    const images = readImages(parseNpz(`the images of ${file}`, examples));
    if (images.length === 0)
      notes.push({ code: "no-images", text: `The file of images beside ${file} holds none.` });
    return images;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    notes.push({
      code: "bad-images",
      text: `The images beside ${file} cannot be read and are left out (${error.message}).`,
    });
    return [];
  }
}

/** Unique labels: the model's name, followed if necessary by its protocol, its file, or a number. */
function labelled(all: readonly Unlabelled[]): Evaluation[] {
  const forms: readonly ((one: Unlabelled, i: number) => string)[] = [
    ({ summary }) => summary.model,
    ({ summary: { model, protocol, rule, draws } }) =>
      `${model} (${protocol}${draws === 1 ? "" : `, ${rule}, ${draws} draws`})`,
    ({ summary, file }) => `${summary.model} (${file})`,
    ({ summary, file }, i) => `${summary.model} (${file}, ${i + 1})`,
  ];
  const names = forms.map((form) => all.map(form));
  return all.map((evaluation, i) => {
    const unique = names.find((list) => list.filter((name) => name === list[i]).length === 1);
    return { ...evaluation, label: (unique ?? names[names.length - 1])[i] };
  });
}

/** One evaluation per model and protocol, in the order of the files. Throws `UsageError` for rows that do not belong together. */
export const evaluationsOf = (files: readonly RowsFile[], tools: Tools): Evaluation[] =>
  labelled(files.flatMap((file) => evaluationsOfFile(file, tools)));
