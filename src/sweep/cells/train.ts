import { withHeldOutTest } from "../../data/held-out.ts";
import { externalLocations } from "../../engine/onnx/model.ts";
import type { Storage } from "../../files/storage/storage.ts";
import type { TrainEvent } from "../../train/events.ts";
import type { TrainOptions } from "../../train/options.ts";
import { trainModel } from "../../train/train-model.ts";
import type { CellWork } from "../cell.ts";
import type { CellContext, CellResult } from "./context.ts";
import { checksumOf, MODEL_FILE, requireData } from "./model.ts";
import { ownedStorage, RUN_FOLDER } from "./owned-storage.ts";
import { type PruneRule, prunedTraining, ruleOf } from "./pruned.ts";
import { untimedRows } from "./untimed.ts";

const METRICS = "metrics.jsonl";

/** Options in the form that a training takes: null means that an option is not given. */
export const givenOptions = (options: Readonly<Record<string, unknown>>): TrainOptions =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== null)) as TrainOptions;

/** Opens the data set of a training, and checks that it is the data set of the plan. */
export const trainingData =
  (work: CellWork, { openData, host }: CellContext) =>
  async (name: string) => {
    const dataset = await openData(name);
    const { train } = withHeldOutTest(dataset);
    requireData(work, await checksumOf(dataset, train, { from: 0, to: train.size }, host));
    return dataset;
  };

/** The files of a finished training in `run`: the model with the files beside it, `config.json` and `metrics.jsonl`. */
async function filesOf(run: Storage): Promise<NonNullable<CellResult>> {
  const model = await run.read(MODEL_FILE);
  const files = new Map([[MODEL_FILE, model]]);
  for (const location of externalLocations(model)) files.set(location, await run.read(location));
  const metrics = untimedRows(METRICS, await run.read(METRICS));
  files.set("config.json", await run.read("config.json")).set(METRICS, metrics.bytes);
  return { files, removed: { [METRICS]: metrics.seconds } };
}

/** Runs a training to its end, or until its rule stops it early. Null if the signal stopped it. */
export async function followTraining(
  events: AsyncIterable<TrainEvent>,
  { run, rule }: { readonly run: Storage; readonly rule: PruneRule | null },
  { progress, note }: Pick<CellContext, "progress" | "note">,
): Promise<CellResult> {
  for await (const event of events) {
    if (event.event === "step") progress(event.step, event.steps);
    if (event.event === "warning") note({ code: event.code, text: event.message });
    if (event.event === "interrupted") return null;
    // The rule is also checked at the start, because an earlier process may have ended after the epoch of the rule.
    if (event.event !== "start" && event.event !== "epoch") continue;
    const pruned = prunedTraining(rule, rule && (await run.readIfThere(METRICS)));
    if (pruned === null) continue;
    note({
      code: "warning",
      text: `a training is stopped early: its clean accuracy is below ${rule?.accuracy} after epoch ${rule?.epoch}`,
    });
    return pruned;
  }
  return filesOf(run);
}

/** Trains a model: `model.onnx`, `config.json` and `metrics.jsonl`. */
export async function runTraining(work: CellWork, context: CellContext): Promise<CellResult> {
  const { files, host, runtime, signal, note, noiseNamed } = context;
  const run = ownedStorage(files, RUN_FOLDER);
  const { rule, options } = ruleOf(work);
  const events = trainModel(givenOptions(options), {
    storage: run,
    resume: true,
    host,
    startRuntime: async () => runtime,
    openData: trainingData(work, context),
    noiseNamed,
    signal,
    note,
  });
  return followTraining(events, { run, rule }, context);
}
