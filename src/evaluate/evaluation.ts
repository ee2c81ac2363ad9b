import type { Victim } from "../attacks/victim.ts";
import { StatedImages } from "../data/image-checksum.ts";
import type { ImageOptions } from "../data/image-options.ts";
import type { Host } from "../files/host/host.ts";
import { RowsFile } from "../files/rows/rows-file.ts";
import { sealedJson } from "../files/sealed.ts";
import type { Storage } from "../files/storage/storage.ts";
import { InternalError } from "../math/internal-error.ts";
import type { OnNote } from "../math/note.ts";
import type { Noise } from "../noise/noise.ts";
import { noiseNamed as plainNoise } from "../noise/table.ts";
import { checkOptions } from "./check.ts";
import { type Scored, scoreAttacks } from "./evaluate.ts";
import { type Locate, stoppable } from "./evaluated-model.ts";
import { evaluationRowsFormat } from "./evaluation-rows.ts";
import { checkFit } from "./fit.ts";
import { EVERY_IMAGE, type ImageRange } from "./image-range.ts";
import { type KeptImages, keptImages } from "./kept-images.ts";
import type { Model } from "./model.ts";
import type { ReadText } from "./model-record.ts";
import { type EvaluateOptions, resolved } from "./options.ts";
import { settingsOf } from "./recording.ts";
import type { Row } from "./row.ts";
import { type CustomAttacks, rowCount, rowName, runsOf } from "./runs.ts";
import type { Settings } from "./settings.ts";
import { shownRows } from "./shown-rows.ts";
import type { Spares } from "./spared.ts";
import { brokenBy, CountedRows } from "./survivors.ts";
import type { TestedData } from "./tested-data.ts";

/** The runtime of the network, and how an evaluation is observed, stopped and recorded. */
export interface EvaluationContext {
  /** The model's network, without its noise. */
  readonly network: Victim;
  /** The runtime target that the network was compiled for; results have the same bits within one target. */
  readonly target: Settings["target"];
  readonly resume?: boolean;
  /** Examples per attack whose images are kept beside the rows. */
  readonly saveExamples?: number;
  readonly signal?: AbortSignal;
  /** The command as typed, for the record. */
  readonly command?: string;
  /** `audit` if the rows are those of an audit, for the record. */
  readonly kind?: Settings["kind"];
  /** Names the node of the network behind an answer that is not finite. */
  readonly locate?: Locate | undefined;
  /** Attacks made by the caller, whose names are among `attacks`. */
  readonly customAttacks?: CustomAttacks;
  /** How images were read and sized, for the record. */
  readonly images?: ImageOptions | undefined;
  /** The file with the names of the outputs, for the record. */
  readonly classes?: string | undefined;
  /** Called with notes for the user, for example that the last bits of a resumed file may differ. */
  readonly note?: OnNote;
}

/** An evaluation on any platform. */
export interface Evaluation extends EvaluationContext {
  /** The test images, and a warning about them. */
  readonly tested: TestedData;
  /** Where rows go, and the name of their file, which ends in `.jsonl`; undefined if rows are only returned. */
  readonly out?: { readonly storage: Storage; readonly name: string } | undefined;
  /** Test images to attack, in whole groups (see `groupSize`); by default all of the options. */
  readonly range?: ImageRange | undefined;
  /** Whether rows record their time, as they do by default; otherwise the time is 0. */
  readonly timed?: boolean | undefined;
  readonly host: Host;
  /** Reads the record of the model's training beside it; undefined on a platform without files. */
  readonly readText?: ReadText | undefined;
  /** Whether an attack skips an example because it is proven that the attack cannot break it. */
  readonly spares?: Spares | undefined;
  /** Called with every result before its row is written. */
  readonly inspect?: ((scored: Scored) => Promise<void>) | undefined;
  /** Whether a stored row's image is needed again. The attack is then repeated, and only `inspect` gets the result. */
  readonly needsImage?: ((row: Row) => boolean) | undefined;
  /** Makes a noise by its name; a platform may draw in threads. */
  readonly noiseNamed?: ((name: string) => Noise) | undefined;
  /** Attacks images in other processes. Their rows come first; missing rows are then computed in this process. */
  readonly attackElsewhere?: AttackElsewhere | undefined;
  /** Called with the stored contents after the last row is stored. */
  readonly finish?: ((stored: StoredEvaluation) => void) | undefined;
}

/** The rows that another process computed for a range of images, in order, and the images that it kept. */
export interface ComputedRows {
  readonly rows: readonly Row[];
  /** Bytes of an .npz like `ROWS.examples.npz`; null if none are kept. */
  readonly images: Uint8Array | null;
}

/** Attacks the images of an evaluation in other processes, except for stored rows. Yields ranges in order. */
export type AttackElsewhere = (stored: readonly Row[]) => AsyncGenerator<ComputedRows, void, void>;

/** The contents of a file of rows and of the files beside it. */
export interface StoredEvaluation {
  readonly rows: readonly Row[];
  /** Text of the settings. */
  readonly settings: string;
  /** Bytes of the .npz of images; null if there are none. */
  readonly examples: Uint8Array | null;
}

/** One finished row, and how far the evaluation is; under `skipBroken`, rows that are skipped count as done. */
export interface EvaluateEvent {
  readonly row: Row;
  readonly done: number;
  readonly total: number;
}

/** A prepared evaluation: its resolved options, its record, and its output file, if any. */
async function prepared(model: Model, given: EvaluateOptions, evaluation: Evaluation) {
  const { out, resume = false, signal, customAttacks } = evaluation;
  const { target, images, command, note = () => undefined, host, readText } = evaluation;
  const { noiseNamed = plainNoise, classes } = evaluation;
  const { dataset, warning } = evaluation.tested;
  checkFit(model, dataset);
  const options = resolved(given);
  const noiseText = options.noise ?? model.noise;
  const noise = noiseText === null ? null : noiseNamed(noiseText);
  const context = { randomised: noise !== null, customAttacks };
  checkOptions(options, { ...context, shape: dataset.shape });
  const settings = await settingsOf({
    model,
    dataset,
    options,
    noise,
    warning,
    images,
    classes,
    customAttacks,
    target,
    command,
    kind: evaluation.kind,
    note,
    host,
    readText,
  });
  const format = evaluationRowsFormat(settings, dataset.test, note);
  const file =
    out === undefined ? null : await RowsFile.open({ ...out, format, resume, note, signal });
  return { options, noise, context, settings, file };
}

type Prepared = Awaited<ReturnType<typeof prepared>>;

/**
 * Evaluates a model and yields each row once it is written. The existing rows of a resumed file come first. Ends early, with
 * everything written, when `signal` aborts. Throws `UsageError` for data, options or files that do not fit.
 */
export async function* evaluateModel(
  model: Model,
  given: EvaluateOptions,
  evaluation: Evaluation,
): AsyncGenerator<EvaluateEvent, void, void> {
  const begun = await prepared(model, given, evaluation);
  const { options, context, settings, file } = begun;
  const { test } = evaluation.tested.dataset;
  try {
    const stored = file?.rows ?? [];
    const rows = [...stored];
    const total = rowCount(options, test, context, evaluation.range ?? EVERY_IMAGE);
    const count = new CountedRows(runsOf(options, context), options.skipBroken);
    let done = 0;
    const counted = (row: Row): EvaluateEvent => {
      done = count.add(row);
      return { row, done, total };
    };
    for (const row of stored) if (row.index < options.examples) yield counted(row);

    const storedImages = await file?.images();
    const kept = keptImages(evaluation.saveExamples ?? 8, storedImages);
    await file?.prepare();
    for await (const row of computedRows(evaluation, begun, kept)) {
      rows.push(row);
      yield counted(row);
    }
    if (!evaluation.signal?.aborted)
      for await (const row of newRows(model, evaluation, begun, kept, [...rows])) {
        rows.push(row);
        yield counted(row);
      }
    if (done < total && !evaluation.signal?.aborted)
      throw new InternalError(
        `${total - done} of ${total} rows are missing after the last attack; the others are kept`,
      );
    const examples = kept.size === 0 ? null : kept.bytes();
    if (examples !== null && !isSame(examples, storedImages)) await file?.writeImages(examples);
    evaluation.finish?.({ rows, settings: file?.settings ?? sealedJson(settings), examples });
  } finally {
    await file?.close();
  }
}

const isSame = (a: Uint8Array, b: Uint8Array | undefined): boolean =>
  a.length === b?.length && a.every((byte, i) => byte === b[i]);

/** The rows of other processes that are not in the file yet, each once it is written. */
async function* computedRows(
  { attackElsewhere, tested }: Evaluation,
  { options, file }: Prepared,
  kept: KeptImages,
): AsyncGenerator<Row, void, void> {
  if (attackElsewhere === undefined) return;
  const stored = (file?.rows ?? []).filter(({ index }) => index < options.examples);
  const known = new Set(stored.map(rowName));
  const here = new StatedImages(tested.dataset.test);
  for await (const { rows, images } of attackElsewhere(stored)) {
    for (const row of rows)
      here.require(row, "attacks elsewhere saw other images than this process");
    await file?.check();
    if (images !== null && kept.addStored(images)) await file?.writeImages(kept.growingBytes());
    const fresh = rows.filter((row) => !known.has(rowName(row)));
    await file?.append(fresh);
    yield* fresh;
  }
}

/** The rows that are not computed yet, each once it is written; ends after a run when the signal aborts. */
async function* newRows(
  { name, defense }: Model,
  evaluation: Evaluation,
  { options, noise, context, file }: Prepared,
  kept: KeptImages,
  stored: readonly Row[],
): AsyncGenerator<Row, void, void> {
  const {
    saveExamples = 8,
    signal,
    locate,
    spares,
    customAttacks,
    range = EVERY_IMAGE,
  } = evaluation;
  const network = stoppable(evaluation.network, signal);
  const evaluated = { model: name, defense, noise, locate, network };
  const repeated = repeatedRows(evaluation, stored);
  const finished = new Set(stored.map(rowName).filter((one) => !repeated.has(one)));
  const broken = brokenBy(stored, runsOf(options, context));
  const isShown = shownRows(options, context.randomised, saveExamples);
  const run: Scored[] = [];
  const { dataset } = evaluation.tested;
  try {
    for await (const scored of scoreAttacks(
      evaluated,
      dataset,
      options,
      finished,
      broken,
      customAttacks,
      spares,
      range,
    )) {
      await evaluation.inspect?.(scored);
      if (!repeated.delete(rowName(scored.row)))
        run.push(evaluation.timed === false ? untimed(scored) : scored);
      // This result may make it unnecessary to repeat other attacks on the image.
      for (const [one, row] of repeated)
        if (evaluation.needsImage?.(row) === false) {
          repeated.delete(one);
          finished.add(one);
        }
      if (!scored.last) continue;
      await file?.check();
      yield* written(run.splice(0), file, kept, isShown);
      if (signal?.aborted) break;
    }
  } catch (error) {
    if (!signal?.aborted || error !== signal.reason) throw error;
  }
}

/** The stored rows whose attack is repeated for the image, by name. */
const repeatedRows = (
  { needsImage = () => false }: Evaluation,
  stored: readonly Row[],
): Map<string, Row> => new Map(stored.filter(needsImage).map((row) => [rowName(row), row]));

/** A result whose row states no time. */
const untimed = (scored: Scored): Scored => ({ ...scored, row: { ...scored.row, seconds: 0 } });

/** Writes the rows of one run and yields each. Images come first, since a stored row is not computed again. */
async function* written(
  run: readonly Scored[],
  file: RowsFile<Row> | null,
  kept: KeptImages,
  isShown: (row: Row) => boolean,
): AsyncGenerator<Row, void, void> {
  const imaged = run.filter(({ row }) => isShown(row)).filter(kept.add);
  if (imaged.length > 0) await file?.writeImages(kept.growingBytes());
  for (const { row } of run) {
    await file?.append([row]);
    yield row;
  }
}
