import type { Dataset } from "../data/dataset.ts";
import { findDataset } from "../data/table.ts";
import { portableHost } from "../files/host/host.ts";
import { memoryStorage } from "../files/storage/storage.ts";
import { InternalError } from "../math/internal-error.ts";
import { UsageError } from "../math/usage-error.ts";
import { modelOfRun, type OpenModel } from "../models/opening/open-model.ts";
import { trainModel } from "../train/train-model.ts";
import type { TrainingContext } from "../train/training-request.ts";
import { requireObject, trainOptions } from "./checks.ts";
import { passTraining } from "./events.ts";
import type { TrainOptions } from "./options.ts";
import { givenRuntime, type StartRuntime } from "./start.ts";
import { datasetOfValue, isDataset, refuseFiles, storageOf } from "./values.ts";

/** Opens the data set that the options of a run name. Throws `UsageError` for one that needs files, or was a value. */
async function namedData(name: string): Promise<Dataset> {
  if (findDataset(name) !== undefined) return datasetOfValue(name);
  throw new UsageError(`unknown data set ${name}; if it was a value, give it again as data`, {
    code: "unknown-name",
  });
}

/** `train` on the runtimes of a platform. */
export async function trainOn(start: StartRuntime, options: TrainOptions): Promise<OpenModel> {
  requireObject(options);
  refuseFiles(options);
  const { out, data, ...given } = options;
  const storage = storageOf(out) ?? memoryStorage();
  const ownData = isDataset(data) ? data : undefined;
  const checked = trainOptions({ ...given, out: storage.path, data: ownData?.name ?? data });
  const { device, threads, onEvent: _, out: __, ...others } = checked.others;
  options.signal?.throwIfAborted();
  const context = others as TrainingContext;
  const events = trainModel(checked.own, {
    ...context,
    storage,
    host: portableHost,
    startRuntime: () => start(device, threads),
    openData: namedData,
    ownData,
  });
  await passTraining(events, options);
  const model = await modelOfRun(storage, context.ownModel);
  if (model === undefined) throw new InternalError("the training ended without a checkpoint");
  return model;
}

/**
 * Trains a classifier and returns it open, as `evaluate` and `audit` take it. With a storage `out` the run is kept
 * there: `config.json`, `metrics.jsonl`, `checkpoints/` and `model.onnx`; the same call with `resume: true` continues
 * it. Where `signal` aborts, a checkpoint is saved in `out` and the promise is rejected with the signal's reason.
 * Throws `UsageError`, with the code `diverged` for a loss that is not finite; the best checkpoint on validation images
 * is then the model in `out`.
 *
 * @example
 * ```ts
 * import { evaluate, train, webRuntime } from "rampart/web";
 *
 * const device = await webRuntime();
 * const options = { model: "mlp-small", data: "shapes", recipe: "short", epochs: 1 } as const;
 * const model = await train({ defense: "standard", ...options, examples: 64, device });
 * const rows = await evaluate(model, { device, attacks: "pgd-linf", examples: 4 });
 * console.log(rows.filter(({ correct }) => correct === 1).length);
 * ```
 */
export const train = (options: TrainOptions): Promise<OpenModel> => trainOn(givenRuntime, options);
