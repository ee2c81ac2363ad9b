// An audit of a file on this machine: what is read before it begins, its attacks, and what it leaves in a folder.
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parseOutputNames } from "../data/classes.ts";
import type { Dataset } from "../data/dataset.ts";
import { forOutputs } from "../data/for-outputs.ts";
import { greyed } from "../data/grey.ts";
import { openDatasetNode } from "../data/node.ts";
import { parseNpz } from "../data/npz.ts";
import {
  describePreprocessing,
  type Preprocessing,
  parsePreprocessing,
} from "../data/preprocessing.ts";
import { sizer } from "../data/sizing.ts";
import { evaluateNode } from "../evaluate/node.ts";
import { EvaluateOptions } from "../evaluate/options.ts";
import type { Row } from "../evaluate/row.ts";
import { stoppable } from "../evaluate/subject.ts";
import { summarize } from "../evaluate/summary.ts";
import { orMissing, writeWhole } from "../files/node.ts";
import { UsageError } from "../math/usage-error.ts";
import { classifier } from "../models/classifier.ts";
import { isExported } from "../models/export.ts";
import type { ImportedOptions } from "../models/imported.ts";
import { readModelNode } from "../models/node.ts";
import { evaluationsOf } from "../report/evaluations.ts";
import { readRowsFile } from "../report/node.ts";
import { page } from "../report/page.ts";
import { readPictures } from "../report/read-pictures.ts";
import { openModelNode } from "../train/node.ts";
import type { OpenModel } from "../train/open-model.ts";
import { type AuditOptions, largestRadii } from "./options.ts";
import { pictureFiles } from "./pictures.ts";
import { auditOptions } from "./plan.ts";
import { betterPreprocessing } from "./preprocessings.ts";
import { type Probe, probe } from "./probe.ts";
import { type AuditResult, auditResult } from "./result.ts";
import { auditSections } from "./section.ts";

/** Images that the probe looks at. */
const PROBED = 32;

/** What a file does not say of itself. */
export interface AuditedFile
  extends Omit<ImportedOptions, "raw" | keyof Preprocessing>,
    Preprocessing {
  /** JSON that says how pictures are prepared; by default one that lies beside the file, `none` for no such file. */
  readonly preprocessing?: string | undefined;
  /** File of the outputs' names. */
  readonly classes?: string | undefined;
}

/** The file, the pictures, what runs them, and where results go. */
export interface NodeAudit extends AuditedFile {
  readonly runtime: Parameters<typeof classifier>[0];
  /** Data set; by default the one that the file names. */
  readonly data?: string | undefined;
  readonly dataDir?: string | undefined;
  /** Folder of rows, summary.json, report.html and pictures; without it nothing is written. */
  readonly out?: string;
  readonly resume?: boolean;
  readonly saveExamples?: number;
  readonly signal?: AbortSignal;
  /** The command as typed, for the record. */
  readonly command?: string;
  /** Told what a reader of the result should know, such as where preprocessing was read. */
  readonly note?: (line: string) => void;
}

/** A finished row, or at the end what the audit says and the files that hold it. */
export type AuditEvent =
  | { readonly event: "row"; readonly row: Row; readonly done: number; readonly total: number }
  | { readonly event: "result"; readonly result: AuditResult; readonly files: readonly string[] };

/** The values without those that are undefined. */
const without = <T extends object>(values: T) =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };

/** Files beside a network in which people keep its preprocessing. */
const besides = (path: string): string[] => [
  `${path}.json`,
  path.replace(/\.onnx(\.gz)?$/, ".json"),
  join(dirname(path), "preprocessor_config.json"),
  join(dirname(path), "config.json"),
];

/** What a file in JSON says of the preprocessing, given by name or found beside the network. */
async function sidecar(
  path: string,
  given: string | undefined,
  note: (line: string) => void,
): Promise<Preprocessing> {
  if (given === "none") return {};
  for (const file of given === undefined ? besides(path) : [given]) {
    const text = await orMissing(readFile(file, "utf8"), null);
    const found = text === null ? null : parsePreprocessing(text, file);
    if (found !== null && given === undefined) {
      if (!/\.onnx(\.gz)?$/.test(path)) return {};
      if (isExported((await readModelNode(path)).metadata)) return {};
    }
    if (found !== null) {
      const { format, preprocessing } = found;
      const own = given === undefined ? "; --preprocessing none leaves it unread" : "";
      note(
        `preprocessing from ${file} (as of ${format}): ${describePreprocessing(preprocessing)}${own}`,
      );
      return preprocessing;
    }
    if (given !== undefined)
      throw new UsageError(
        text === null
          ? `there is no file ${file}`
          : `${file} says nothing of preprocessing; it may have mean, std, scale, layout, resize, crop and interpolation, or be a preprocessor_config.json of Hugging Face or a config.json of timm`,
      );
  }
  return {};
}

/** The data set, its pictures resized and cropped. */
function auditData(
  data: string,
  { resize, crop, interpolation }: Preprocessing,
  { dataDir, examples }: { readonly dataDir: string | undefined; readonly examples: number },
): Promise<Dataset> {
  const prepare = data.startsWith("folder:") ? sizer({ resize, crop, interpolation }) : undefined;
  return openDatasetNode(data, { dataDir, most: examples, ...(prepare && { prepare }) });
}

function refuseUnused(path: string, where: NodeAudit, model: OpenModel | null): void {
  const { data, resize, crop, interpolation } = where;
  const sized = resize !== undefined || crop !== undefined || interpolation !== undefined;
  if (model === null && sized && data !== undefined && !data.startsWith("folder:"))
    throw new UsageError(
      `--resize, --crop and --interpolation are for folder:PATH; the pictures of ${data} have one size`,
    );
  if (model === null || model.reading !== undefined) return;
  const { mean, std, scale, layout, output, input, constants, shape, blockSize } = where;
  const given = Object.entries({
    ...{ mean, std, scale, layout, output, constants },
    ...{ "picture-input": input, "input-shape": shape, "block-size": blockSize },
  });
  const [unused] = given.find(([, value]) => value !== undefined) ?? [];
  if (unused !== undefined)
    throw new UsageError(
      `${path} was written by rampart and says itself how it is read; leave out --${unused}`,
    );
}

/** The network and the pictures that it is attacked on, whose labels are its outputs. */
async function opened(path: string, where: NodeAudit, { examples }: AuditOptions) {
  const { runtime, data, dataDir, classes, note = () => undefined } = where;
  refuseUnused(path, where, null);
  const flags = (({ mean, std, scale, layout, resize, crop, interpolation }) =>
    without({ mean, std, scale, layout, resize, crop, interpolation }))(where);
  const preprocessing = { ...(await sidecar(path, where.preprocessing, note)), ...flags };
  const { resize, crop, interpolation, ...pixels } = preprocessing;
  const { output, input, constants, shape, blockSize, straightThrough } = where;
  const named = { output, input, constants, shape, blockSize };
  const read = without({ ...pixels, ...named, straightThrough });
  const dataOf = (name: string) => auditData(name, preprocessing, { dataDir, examples });
  const given = data === undefined ? null : await dataOf(data);
  const model = await openModelNode(path, {
    ...{ ...read, runtime },
    ...(given !== null && { pictures: given.shape }),
  });
  refuseUnused(path, where, model);
  if (given === null && model.data === "")
    throw new UsageError(
      `${path} does not say what it was trained on; choose the test images by --data`,
    );
  const raw = given ?? (await dataOf(model.data));
  const { inputShape, classes: outputs } = model.architecture;
  const dataset = raw.shape[0] === 3 && inputShape[0] === 1 ? greyed(raw) : raw;
  const names =
    classes === undefined ? undefined : parseOutputNames(await readFile(classes, "utf8"), classes);
  const labelled = forOutputs(dataset, outputs, names);
  const sizes = raw.name.startsWith("folder:") ? without({ resize, crop, interpolation }) : {};
  return {
    model: {
      ...model,
      // A file of somebody else's has no names of its own: its outputs are the data set's classes, as matched.
      ...(model.classNames.length === 0 && { classNames: labelled.classes }),
      ...(model.reading !== undefined && {
        reading: { ...model.reading, ...sizes, ...(classes !== undefined && { classes }) },
      }),
    },
    dataset: labelled,
    reopened: (more: ImportedOptions) =>
      openModelNode(path, { ...read, runtime, pictures: raw.shape, ...more }),
  };
}

/**
 * Attacks the first test images with the budget's attacks, asks the network what a probe asks, and writes rows,
 * `summary.json`, `report.html` and pictures. Yields each row as it is written, and the result at the end; without a
 * result where `signal` aborts, and `resume` then goes on.
 */
export async function* auditNode(
  path: string,
  given: AuditOptions,
  where: NodeAudit,
): AsyncGenerator<AuditEvent, void, void> {
  const { runtime, out, resume = false, saveExamples, signal, command } = where;
  const { note = () => undefined } = where;
  const { model, dataset, reopened } = await opened(path, where, given);
  for (const line of model.notes ?? []) note(line);
  const { budget, examples, seed, noise, rule, batch, epsilonLinf, epsilonL2, epsilonL1 } = given;
  const own = noise ?? model.noise;
  if (noise === undefined && model.noise !== null)
    note(
      `${path} says that it adds the noise ${model.noise} at every prediction; it is attacked with it, through EOT`,
    );
  const norms = [...new Set(given.norms)];
  const { classes } = model.architecture;
  const options = EvaluateOptions.parse({
    ...auditOptions({ norms, budget, classes, randomised: own !== null }),
    ...{ examples, seed, rule, batch, epsilonLinf, epsilonL2, epsilonL1 },
    ...(own !== null && { noise: own }),
  });
  const network = classifier(runtime, model.architecture, model.parameters);
  const rows: Row[] = [];
  /** Gradients of zero are compared with those of a copy that lets them through. */
  async function probed(): Promise<Probe> {
    const rounds = (model.notes ?? []).some((text) =>
      text.includes("differentiate straight through"),
    );
    const copy = rounds ? await opening({ straightThrough: true }) : null;
    try {
      return await probe(stoppable(network, signal), dataset.test, {
        ...{ seed, radii: largestRadii(given), examples: Math.min(examples, PROBED) },
        copy: copy && stoppable(copy, signal),
      });
    } finally {
      await copy?.release();
    }
  }
  const opening = async (more: ImportedOptions) => {
    const { architecture, parameters } = await reopened(more);
    return classifier(runtime, architecture, parameters);
  };
  try {
    let missing = 0;
    for await (const { row, done, total } of evaluateNode(model, options, {
      ...{ network, target: { ...runtime.target }, resume, data: dataset, note },
      ...(out !== undefined && { out: join(out, "rows.jsonl") }),
      ...without({ saveExamples, signal, command }),
    })) {
      rows.push(row);
      missing = total - done;
      yield { event: "row", row, done, total };
    }
    if (missing > 0 || signal?.aborted) return;
    const result = auditResult({
      ...{ rows, classes, notes: model.notes ?? [], budget, noise: own },
      ...{ classNames: dataset.classes, attacks: options.attacks, required: given.require ?? null },
      probe: await probed(),
      better:
        model.reading === undefined
          ? null
          : await betterPreprocessing(network, opening, dataset.test, {
              ...{ count: 2 * PROBED, channels: dataset.shape[0], signal },
            }),
    });
    yield {
      event: "result",
      result,
      files: out === undefined ? [] : await written(out, result, rows),
    };
  } finally {
    await network.release();
  }
}

/** Writes summary.json, report.html and pictures beside the rows in `out`; returns their paths. */
async function written(out: string, result: AuditResult, rows: readonly Row[]): Promise<string[]> {
  const [summary, report] = [join(out, "summary.json"), join(out, "report.html")];
  await writeWhole(summary, `${JSON.stringify(result, null, 2)}\n`);
  const bytes = await orMissing(readFile(join(out, "rows.examples.npz")), null);
  const sets = bytes === null ? [] : readPictures(parseNpz("pictures", bytes));
  const pictures: string[] = [];
  for (const [name, png] of pictureFiles(sets, rows)) {
    const file = join(out, "pictures", name);
    await writeWhole(file, png);
    pictures.push(file);
  }
  const evaluations = evaluationsOf([await readRowsFile(join(out, "rows.jsonl"))], {
    ...{ summarize, parseNpz },
  });
  const begun = { title: `Audit of ${result.model}`, sections: auditSections(result) };
  await writeWhole(report, page(evaluations, begun));
  return [summary, report, ...pictures];
}
