import { certifyDataset } from "../certify/certification.ts";
import type { CertificationOptions } from "../certify/options.ts";
import type { CertificateRow } from "../certify/row.ts";
import type { Dataset } from "../data/dataset.ts";
import { preparedBy } from "../data/image-options.ts";
import { resizedDataset } from "../data/resized.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import { noteDecisions, withoutDependence } from "../evaluate/batch.ts";
import { checkFit } from "../evaluate/fit.ts";
import { weightsHash } from "../evaluate/model-record.ts";
import { chooseTestData } from "../evaluate/tested-data.ts";
import { type Host, portableHost } from "../files/host/host.ts";
import type { Storage } from "../files/storage/storage.ts";
import { classifier } from "../models/classifier.ts";
import type { OpenModel } from "../models/opening/open-model.ts";
import { certifyOptions } from "./certify-checks.ts";
import { type Listener, noteTo, requireOpen } from "./events.ts";
import type { CertifyingEvent } from "./file-options.ts";
import type { CertifyOptions } from "./options.ts";
import { givenRuntime, type StartRuntime } from "./start.ts";
import { datasetOfValue, ROWS, refuseFiles, storageOf } from "./values.ts";

/** A certification whose images are open and whose runtime has started. */
export interface RunningCertification {
  readonly runtime: Runtime;
  readonly model: OpenModel;
  readonly dataset: Dataset;
  readonly host: Host;
  readonly out?: { readonly storage: Storage; readonly name: string } | undefined;
  readonly resume?: boolean | undefined;
  readonly command?: string | undefined;
}

/** Compiles a model, certifies images and returns the rows. Rejects with the signal's reason if rows are missing. */
export async function certifiedRows(
  { runtime, model, dataset, host, out, resume, command }: RunningCertification,
  options: CertificationOptions,
  listener: Listener<CertifyingEvent>,
): Promise<CertificateRow[]> {
  const note = noteTo(listener);
  const { signal, onEvent } = listener;
  checkFit(model, dataset);
  const batching = { batch: options.batch, note };
  const architecture = await withoutDependence(runtime, model.architecture, dataset.test, batching);
  const batch = architecture === model.architecture ? options.batch : 1;
  await noteDecisions(runtime, model.architecture, dataset.test, { batch, note });
  const network = classifier(runtime, architecture, model.parameters);
  const { path, name, defense, noise, reading } = model;
  const weights = model.weights ?? (await weightsHash(model.parameters, host));
  const rows: CertificateRow[] = [];
  let total = Number.POSITIVE_INFINITY;
  try {
    const certification = {
      model: { path, name, defense, noise, weights, reading, network },
      dataset,
      target: { ...runtime.target },
      out,
      resume,
      host,
      signal,
      note,
      command,
    };
    for await (const event of certifyDataset(certification, options)) {
      rows.push(event.row);
      total = event.total;
      onEvent?.({ event: "row", ...event });
    }
  } finally {
    await network.release();
  }
  if (signal?.aborted && rows.length < total) throw signal.reason;
  return rows;
}

/** `certify` on the runtimes of a platform. */
export async function certifyOn(
  start: StartRuntime,
  model: OpenModel,
  options: CertifyOptions = {},
): Promise<CertificateRow[]> {
  refuseFiles(options);
  const { out, ...given } = options;
  const storage = storageOf(out);
  const { settings, where, images } = certifyOptions(given);
  requireOpen(model);
  const { signal, resume, command } = options;
  signal?.throwIfAborted();
  const { prepare } = preparedBy(images);
  const whole = await datasetOfValue(where.data ?? model.data);
  const sized = prepare === undefined ? whole : resizedDataset(whole, prepare);
  const tested = chooseTestData(model, {
    dataset: sized,
    isTrainingData: model.data === whole.name,
  });
  const note = noteTo(options);
  for (const one of tested.dataset.notes ?? []) note(one);
  if (tested.warning !== null) note({ code: "trained-on", text: `warning: ${tested.warning}` });
  const running = {
    runtime: await start(where.device, where.threads),
    model,
    dataset: tested.dataset,
    host: portableHost,
    out: storage === undefined ? undefined : { storage, name: ROWS },
    resume,
    command,
  };
  return certifiedRows(running, settings, options);
}

/** `predict` on the runtimes of a platform. */
export const predictOn = (
  start: StartRuntime,
  model: OpenModel,
  options: CertifyOptions = {},
): Promise<CertificateRow[]> =>
  certifyOn(start, model, Object.assign({}, options, { predict: true }));

/**
 * Certifies a model's test images under noise and returns the rows, one per image: the class of the smoothed classifier, and the
 * ℓ2, ℓ1 and ℓ∞ radii, in pixels of [0, 1], within which no perturbation changes it. With a storage `out` they are also written
 * there, as `rows.jsonl`. Where `signal` aborts, the promise is rejected with the signal's reason, and the rows so far are in
 * `out`. Throws `UsageError`.
 *
 * @example
 * ```ts
 * import { certifiedShares, certify, importModel, webRuntime } from "rampart/web";
 *
 * const device = await webRuntime();
 * const model = await importModel(await (await fetch("model.onnx")).arrayBuffer(), { device });
 * const options = { data: "shapes", noise: "normal:0.25", n: 100, examples: 2 } as const;
 * const rows = await certify(model, { ...options, device });
 * const [{ certified }] = certifiedShares(rows, ["l2"], [0.25]);
 * console.log(certified); // images that are right, and stay so within 0.25
 * ```
 */
export const certify = (
  model: OpenModel,
  options: CertifyOptions = {},
): Promise<CertificateRow[]> => certifyOn(givenRuntime, model, options);

/**
 * Predicts the classes of test images by the smoothed classifier, and abstains (null) where a two-sided test of `n` draws does
 * not separate the two most frequent classes at level `alpha`. Rows and options are those of `certify`; radii are 0. Throws
 * `UsageError`.
 *
 * @example
 * ```ts
 * import { importModel, predict, webRuntime } from "rampart/web";
 *
 * const device = await webRuntime();
 * const model = await importModel(await (await fetch("model.onnx")).arrayBuffer(), { device });
 * const options = { data: "shapes", noise: "normal:0.25", n: 100, examples: 2 } as const;
 * const rows = await predict(model, { ...options, device });
 * console.log(rows.map(({ prediction }) => prediction)); // null where it abstains
 * ```
 */
export const predict = (
  model: OpenModel,
  options: CertifyOptions = {},
): Promise<CertificateRow[]> => predictOn(givenRuntime, model, options);
