import { preparedBy } from "../data/image-options.ts";
import { outputNamesIn } from "../data/output-names.ts";
import { resizedDataset } from "../data/resized.ts";
import { evaluateModel } from "../evaluate/evaluation.ts";
import type { Row } from "../evaluate/row.ts";
import { chooseTestData, withOutputNames } from "../evaluate/tested-data.ts";
import { portableHost } from "../files/host/host.ts";
import type { OpenModel } from "../models/opening/open-model.ts";
import { evaluateOptions } from "./checks.ts";
import { collectRows, noteTo, requireOpen } from "./events.ts";
import type { EvaluateOptions } from "./options.ts";
import { givenRuntime, type StartRuntime } from "./start.ts";
import { CLASSES, datasetOfValue, fileText, ROWS, refuseFiles, storageOf } from "./values.ts";

/** `evaluate` on the runtimes of a platform. */
export async function evaluateOn(
  start: StartRuntime,
  model: OpenModel,
  options: EvaluateOptions = {},
): Promise<Row[]> {
  refuseFiles(options);
  const { out, classes, ...given } = options;
  const storage = storageOf(out);
  const { settings, where, images, own } = evaluateOptions(given);
  requireOpen(model);
  const { signal, resume, saveExamples, command } = options;
  signal?.throwIfAborted();
  const { prepare } = preparedBy(images);
  const whole = await datasetOfValue(where.data ?? model.data);
  const sized = prepare === undefined ? whole : resizedDataset(whole, prepare);
  const isTrainingData = model.data === whole.name;
  const tested = withOutputNames(
    chooseTestData(model, { dataset: sized, isTrainingData }),
    model.architecture.classes,
    classes === undefined ? undefined : outputNamesIn(CLASSES, fileText("classes", classes)),
  );
  const { dataset, warning } = tested;
  const note = noteTo(options);
  for (const one of dataset.notes ?? []) note(one);
  if (warning !== null) note({ code: "trained-on", text: `warning: ${warning}` });
  const runtime = await start(where.device, where.threads);
  return collectRows({ runtime, model, dataset, batch: settings.batch }, options, (network) =>
    evaluateModel(model, settings, {
      network,
      target: { ...runtime.target },
      tested,
      out: storage === undefined ? undefined : { storage, name: ROWS },
      customAttacks: own,
      images,
      classes: classes === undefined ? undefined : CLASSES,
      resume,
      saveExamples,
      command,
      signal,
      note,
      host: portableHost,
    }),
  );
}

/**
 * Attacks a model's test images and returns the rows, one per image, attack and radius. With a storage `out` they are also
 * written there, as `rows.jsonl`. Where `signal` aborts, the promise is rejected with the signal's reason, and the rows so far
 * are in `out`. Throws `UsageError`.
 *
 * @example
 * ```ts
 * import { evaluate, importModel, webRuntime } from "rampart/web";
 *
 * const device = await webRuntime();
 * const model = await importModel(await (await fetch("model.onnx")).arrayBuffer(), { device });
 * const rows = await evaluate(model, { device, data: "shapes", attacks: "pgd-linf", examples: 4 });
 * console.log(rows.filter(({ correct }) => correct === 1).length);
 * ```
 */
export const evaluate = (model: OpenModel, options: EvaluateOptions = {}): Promise<Row[]> =>
  evaluateOn(givenRuntime, model, options);
