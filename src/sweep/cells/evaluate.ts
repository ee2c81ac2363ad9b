import { withoutDependence } from "../../evaluate/batch.ts";
import { evaluateModel } from "../../evaluate/evaluation.ts";
import { checkFit } from "../../evaluate/fit.ts";
import { EVERY_IMAGE } from "../../evaluate/image-range.ts";
import { evaluateSchema } from "../../evaluate/options.ts";
import { besideRows } from "../../files/rows/rows-file.ts";
import { classifier } from "../../models/classifier.ts";
import { nonFiniteNode } from "../../models/non-finite.ts";
import type { CellWork } from "../cell.ts";
import type { CellContext, CellResult } from "./context.ts";
import { checksumOf, modelOfCell, requireData } from "./model.ts";
import { ownedStorage, RUN_FOLDER } from "./owned-storage.ts";
import { untimedRows } from "./untimed.ts";

/** The file of rows in a result. */
export const ROWS = "rows.jsonl";
/** The settings beside the rows. */
export const SETTINGS = besideRows(ROWS, "settings.json");
/** The images beside the rows; absent if none are kept. */
export const IMAGES = besideRows(ROWS, "examples.npz");

/** Attacks a range of test images: rows, their settings and images. */
export async function runEvaluation(work: CellWork, context: CellContext): Promise<CellResult> {
  const { files, host, runtime, signal, note, noiseNamed, progress } = context;
  const { data, saveExamples, ...given } = work.options;
  const options = evaluateSchema().parse(given);
  const range = work.range ?? EVERY_IMAGE;
  const model = await modelOfCell(work, context);
  const tested = await context.openTested(model, data as string | undefined);
  const { dataset } = tested;
  requireData(work, await checksumOf(dataset, dataset.test, range, host));
  checkFit(model, dataset);
  const { batch } = options;
  const { architecture, parameters } = model;
  const network = classifier(
    runtime,
    architecture.foreign === true
      ? await withoutDependence(runtime, architecture, dataset.test, { batch, note })
      : architecture,
    parameters,
  );
  const run = ownedStorage(files, RUN_FOLDER);
  let left = 1;
  try {
    const events = evaluateModel(model, options, {
      network,
      target: { ...runtime.target },
      range,
      resume: true,
      saveExamples: Number(saveExamples ?? 0),
      signal,
      note,
      tested,
      out: { storage: run, name: ROWS },
      host,
      noiseNamed,
      locate: (at) => nonFiniteNode(runtime, architecture, parameters, at),
    });
    for await (const { done, total } of events) {
      left = total - done;
      progress(done, total);
    }
  } finally {
    await network.release();
  }
  if (left > 0) return null;
  const rows = untimedRows(ROWS, await run.read(ROWS));
  const result = new Map([
    [ROWS, rows.bytes],
    [SETTINGS, await run.read(SETTINGS)],
  ]);
  const images = await run.readIfThere(IMAGES);
  if (images !== null) result.set(IMAGES, images);
  return { files: result, removed: { [ROWS]: rows.seconds } };
}
