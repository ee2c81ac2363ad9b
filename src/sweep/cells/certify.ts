import { certifyDataset } from "../../certify/certification.ts";
import { CertificationOptions } from "../../certify/options.ts";
import { withoutDependence } from "../../evaluate/batch.ts";
import { checkFit } from "../../evaluate/fit.ts";
import { EVERY_IMAGE } from "../../evaluate/image-range.ts";
import { weightsHash } from "../../evaluate/model-record.ts";
import { classifier } from "../../models/classifier.ts";
import type { CellWork } from "../cell.ts";
import type { CellContext, CellResult } from "./context.ts";
import { ROWS, SETTINGS } from "./evaluate.ts";
import { checksumOf, hashedRange, modelOfCell, requireData } from "./model.ts";
import { ownedStorage, RUN_FOLDER } from "./owned-storage.ts";
import { untimedRows } from "./untimed.ts";

/** Certifies a range of test images: rows and their settings. */
export async function runCertification(work: CellWork, context: CellContext): Promise<CellResult> {
  const { files, host, runtime, signal, note, progress } = context;
  const { data, ...given } = work.options;
  const options = CertificationOptions.parse(given);
  const range = work.range ?? EVERY_IMAGE;
  const model = await modelOfCell(work, context);
  const { dataset } = await context.openTested(model, data as string | undefined);
  requireData(
    work,
    await checksumOf(dataset, dataset.test, hashedRange(options, range, dataset), host),
  );
  checkFit(model, dataset);
  const { batch } = options;
  const architecture = await withoutDependence(runtime, model.architecture, dataset.test, {
    batch,
    note,
  });
  const network = classifier(runtime, architecture, model.parameters);
  const { path, name, defense, noise, reading } = model;
  const weights = model.weights ?? (await weightsHash(model.parameters, host));
  const run = ownedStorage(files, RUN_FOLDER);
  let left = 1;
  try {
    const events = certifyDataset(
      {
        model: { path, name, defense, noise, weights, reading, network },
        dataset,
        target: { ...runtime.target },
        range,
        out: { storage: run, name: ROWS },
        resume: true,
        host,
        signal,
        note,
      },
      options,
    );
    for await (const { done, total } of events) {
      left = total - done;
      progress(done, total);
    }
  } finally {
    await network.release();
  }
  if (left > 0) return null;
  const rows = untimedRows(ROWS, await run.read(ROWS));
  const settings = await run.read(SETTINGS);
  return {
    files: new Map([
      [ROWS, rows.bytes],
      [SETTINGS, settings],
    ]),
    removed: { [ROWS]: rows.seconds },
  };
}
