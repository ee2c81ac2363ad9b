import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { Victim } from "../attacks/victim.ts";
import type { Dataset, Split } from "../data/dataset.ts";
import { ImageOptions, statedImageOptions } from "../data/image-options.ts";
import { isSameData, openImagesNode } from "../data/node.ts";
import { leaseWork } from "../files/lease/node.ts";
import { machine, makeFolder, version, writeWhole, writing } from "../files/node.ts";
import { readBytesIfThere, readTextIfThere } from "../files/read/node.ts";
import { rowLine } from "../files/row-lines.ts";
import { appendRows, readRowsText, requireUnpacked, truncateRows } from "../files/rows/node.ts";
import { sealedJson } from "../files/sealed.ts";
import type { OnNote } from "../math/note.ts";
import { sizeOf } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import { type Architecture, type Parameters, parameterCount } from "../models/architecture.ts";
import type { ModelMetadata } from "../models/export.ts";
import { noiseNamedNode } from "../noise/node.ts";
import { describeNoise } from "../noise/table.ts";
import { checkOptions } from "./check.ts";
import { evaluate, type Scored } from "./evaluate.ts";
import { type Locate, stoppable } from "./evaluated-model.ts";
import { keptImages } from "./kept-images.ts";
import { recordedTraining, weightsHash } from "./model-record/node.ts";
import { type EvaluateOptions, resolved } from "./options.ts";
import { resumedRows } from "./resumed.ts";
import type { Row } from "./row.ts";
import { type OwnAttacks, ownOptions, rowCount, rowName, runsOf } from "./runs.ts";
import { differences, type Settings, storedSettings, targetDifferences } from "./settings.ts";
import { brokenName, isBroken, skippedRuns } from "./survivors.ts";
import { type TestedData, testedData } from "./tested-data.ts";

/** A trained network, as opening a run directory or a file gives it. */
export interface Model extends ModelMetadata {
  readonly path: string;
  readonly name: string;
  readonly architecture: Architecture;
  readonly parameters: Parameters;
  /** Resolved options of its training, for the record. */
  readonly config: Readonly<Record<string, unknown>>;
  /** What tells its weights from others where they are no parameters. */
  readonly weights?: string;
  /** How a file that somebody else wrote is read. */
  readonly reading?: Readonly<Record<string, unknown>>;
}

/** What runs the network, where rows go, and what is recorded beside them. */
export interface NodeEvaluation {
  /** The model's network, without its noise. */
  readonly network: Victim;
  /** What it was compiled for; results are the same bits within one target. */
  readonly target: Settings["target"];
  /** The .jsonl file; without it rows are only returned. */
  readonly out?: string;
  readonly resume?: boolean;
  /** Examples per attack whose images are kept beside the rows. */
  readonly saveExamples?: number;
  /** Data set; by default the one that the model was trained on. */
  readonly data?: string | Dataset;
  readonly dataDir?: string | undefined;
  /** How images are read and sized; the defaults if absent. Of a data set that is open already only recorded. */
  readonly images?: ImageOptions | undefined;
  readonly signal?: AbortSignal;
  /** The command as typed, for the record. */
  readonly command?: string;
  /** Names the node of the network behind an answer that is not finite. */
  readonly locate?: Locate | undefined;
  /** Attacks of the caller's own, whose names are among `attacks`. */
  readonly own?: OwnAttacks;
  /** Told what a reader of the rows should know, such as a resumed file whose last bits may differ. */
  readonly note?: OnNote;
}

/** One finished row, and how far the evaluation is; rows that it spares under `onlyStanding` count as done. */
export interface EvaluateEvent {
  readonly row: Row;
  readonly done: number;
  readonly total: number;
}

function checkFit(model: Model, { name, shape, classes }: Dataset): void {
  const { inputShape, classes: outputs } = model.architecture;
  const advice =
    model.data === ""
      ? "give --data that it was made for"
      : `evaluate it on data like ${model.data}`;
  if (shape.join() !== inputShape.join())
    throw new UsageError(
      `${name} has images of [${shape.join(", ")}], ${model.path} takes [${inputShape.join(", ")}]; ${advice}`,
    );
  if (classes.length !== outputs)
    throw new UsageError(
      `${name} has ${classes.length} classes, ${model.path} has ${outputs} outputs; ${advice}`,
    );
  const other = classes.findIndex((label, i) => label !== model.classNames[i]);
  if (model.classNames.length > 0 && other >= 0)
    throw new UsageError(
      `class ${other} is ${classes[other]} in ${name} and ${model.classNames[other]} in ${model.path}; the order of classes must agree`,
    );
}

/** The rows so far of a file that goes on, cut after the last whole line; none for a new file. */
async function begun(
  out: string,
  resume: boolean,
  settings: Settings,
  test: Split,
  note: OnNote,
): Promise<Row[]> {
  const settingsFile = beside(out, "settings.json");
  const stored = await readTextIfThere(settingsFile);
  const contents = await readRowsText(out);
  if (contents === null) return [];
  if (!resume)
    throw new UsageError(
      `${out} already holds rows; go on with them by --resume, or choose another --out`,
    );
  if (stored === null)
    throw new UsageError(
      `${out} has no settings beside it, so nobody knows what its rows are; choose another --out`,
    );
  const before = storedSettings(settingsFile, stored);
  const differ = differences(settings, before);
  if (differ.length > 0)
    throw new UsageError(`${out} was begun with other settings: ${differ.join(", ")}`, {
      code: "misfit",
      next: "resume with those, or choose another --out",
    });
  const target = targetDifferences(settings, before);
  if (target.length > 0)
    note({
      code: "other-target",
      text: `${out} was begun with ${target.join(", ")}: its other rows may differ from these in the last bits`,
    });
  const { rows, whole } = resumedRows(out, contents, test);
  if (whole.length < contents.length) await truncateRows(out, Buffer.byteLength(whole));
  return rows;
}

/** The name of a file beside the rows: `ROWS.jsonl` → `ROWS.settings.json`. */
export const beside = (out: string, what: string): string =>
  `${out.replace(/\.jsonl$/, "")}.${what}`;

/** The data set of that name as the model is tested on it; what its reader must know is noted. */
async function openTested(
  model: Model,
  name: string,
  note: OnNote,
  { images, dataDir }: Pick<NodeEvaluation, "images" | "dataDir">,
  takes = model.architecture.inputShape,
): Promise<TestedData> {
  const opened = await openImagesNode(name, images ?? ImageOptions.parse({}), { dataDir, takes });
  const tested = testedData(model, opened, await isSameData(model.data, opened.name));
  for (const one of tested.dataset.notes ?? []) note(one);
  if (tested.warning !== null) note({ code: "trained-on", text: `warning: ${tested.warning}` });
  return tested;
}

/**
 * Evaluates a model and yields each row as it is written; rows that a resumed file holds already are yielded
 * first. Ends early, with everything written, when `signal` aborts.
 */
export async function* evaluateNode(
  model: Model,
  given: EvaluateOptions,
  { out, resume = false, saveExamples = 8, signal, network, target, ...where }: NodeEvaluation,
): AsyncGenerator<EvaluateEvent, void, void> {
  const { data = model.data, dataDir, images, command, own, note = () => undefined } = where;
  if (data === "")
    throw new UsageError(
      `${model.path} does not say what it was trained on; choose the test images by --data`,
    );
  const { dataset, warning }: TestedData =
    typeof data === "string"
      ? await openTested(model, data, note, { images, dataDir })
      : { dataset: data, warning: null };
  checkFit(model, dataset);
  const options = resolved(given);
  const noiseText = options.noise ?? model.noise;
  const noise = noiseText === null ? null : noiseNamedNode(noiseText);
  checkOptions(options, { randomised: noise !== null, pixels: sizeOf(dataset.shape), own });
  const settings: Settings = {
    model: {
      name: model.name,
      path: model.path,
      defense: model.defense,
      data: model.data,
      architecture: model.architecture.name,
      weights: model.weights ?? weightsHash(model.parameters),
      reading: { ...model.reading, ...(images === undefined ? {} : statedImageOptions(images)) },
      parameters: parameterCount(model.architecture),
      noise: noise?.name ?? null,
      noiseText: noise === null ? null : describeNoise(noise.name),
      classNames: model.classNames,
      training: await recordedTraining(model.path, note),
      config: model.config,
    },
    data: dataset.name,
    warnings: warning === null ? undefined : [warning],
    options: { ...options, noise: noise?.name ?? null, ...ownOptions(own) },
    versions: { rampart: version, engine: String(target.engine) },
    machine: machine(),
    target,
    command: command ?? null,
    started: new Date().toISOString(),
  };
  if (out !== undefined) requireUnpacked(out);
  const lease =
    out === undefined
      ? null
      : await leaseWork({
          prefix: `${out}.lease`,
          owned: out,
          remedy: "choose another --out",
          note,
          signal,
        });
  try {
    const rows = out === undefined ? [] : await begun(out, resume, settings, dataset.test, note);
    const total = rowCount(options, dataset.test, noise !== null, own);
    const wanted = rows.filter(({ index }) => index < options.examples);
    const runs = runsOf(options, noise !== null, own);
    let done = 0;
    const counted = (row: Row): EvaluateEvent => {
      done += 1 + (options.onlyStanding ? skippedRuns(row, runs) : 0);
      return { row, done, total };
    };
    for (const row of wanted) yield counted(row);

    const examplesFile = out === undefined ? null : beside(out, "examples.npz");
    const before =
      examplesFile === null || rows.length === 0
        ? undefined
        : ((await readBytesIfThere(examplesFile)) ?? undefined);
    const kept = keptImages(saveExamples, before);
    if (out !== undefined) {
      await writing(out, makeFolder(dirname(out)));
      if (rows.length === 0) {
        await rm(beside(out, "examples.npz"), { force: true }); // of rows that are no longer there
        await writeWhole(beside(out, "settings.json"), sealedJson(settings));
      }
    }
    const evaluated = {
      model: model.name,
      defense: model.defense,
      noise,
      locate: where.locate,
      network: stoppable(network, signal),
    };
    const finished = new Set(rows.map(rowName));
    const broken = new Set(rows.filter(isBroken).map(brokenName));
    // Of attacks with several numbers of draws, the images of the strongest.
    const most = Math.max(...options.eot);
    const mostDraws = ({ attack, eot }: Row) => noise === null || attack === "none" || eot === most;
    // Where attacks meet only what stands, those that it broke; else of each attack the same images.
    const shows = ({ index, clean, majority }: Row) =>
      options.onlyStanding ? clean >= 0.5 && majority === 0 : index < saveExamples;
    const ready: Scored[] = [];
    try {
      for await (const scored of evaluate(evaluated, dataset, options, finished, broken, own)) {
        ready.push(scored);
        if (!scored.last) continue;
        await lease?.check();
        // Images first: a row that stands in the file is not computed again.
        const imaged = ready.filter(({ row }) => shows(row) && mostDraws(row)).filter(kept.add);
        if (examplesFile !== null && imaged.length > 0)
          await writeWhole(examplesFile, kept.bytes());
        for (const { row } of ready.splice(0)) {
          if (out !== undefined) await appendRows(out, rowLine(row));
          yield counted(row);
        }
        if (signal?.aborted) break;
      }
    } catch (error) {
      if (!signal?.aborted || error !== signal.reason) throw error;
    }
  } finally {
    await lease?.release();
  }
}
