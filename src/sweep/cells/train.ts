import { withHeldOutTest } from "../../data/held-out.ts";
import type { TrainOptions } from "../../train/options.ts";
import { trainModel } from "../../train/train-model.ts";
import type { CellWork } from "../cell.ts";
import type { CellContext, CellResult } from "./context.ts";
import { checksumOf, MODEL_FILE, requireData } from "./model.ts";
import { ownedStorage, RUN_FOLDER } from "./owned-storage.ts";
import { prunedTraining, ruleOf } from "./pruned.ts";
import { untimedRows } from "./untimed.ts";

const METRICS = "metrics.jsonl";

/** Options as a training takes them: null means that an option is not given. */
const givenOptions = (options: Readonly<Record<string, unknown>>): TrainOptions =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== null)) as TrainOptions;

/** Trains a model: `model.onnx`, `config.json` and `metrics.jsonl`. */
export async function runTraining(work: CellWork, context: CellContext): Promise<CellResult> {
  const { files, host, runtime, signal, note, noiseNamed, progress } = context;
  const run = ownedStorage(files, RUN_FOLDER);
  const openData = async (name: string) => {
    const dataset = await context.openData(name);
    const { train } = withHeldOutTest(dataset);
    requireData(work, await checksumOf(dataset, train, { from: 0, to: train.size }, host));
    return dataset;
  };
  const { rule, options } = ruleOf(work);
  const events = trainModel(givenOptions(options), {
    storage: run,
    resume: true,
    host,
    startRuntime: async () => runtime,
    openData,
    noiseNamed,
    signal,
    note,
  });
  for await (const event of events) {
    if (event.event === "step") progress(event.step, event.steps);
    if (event.event === "warning") note({ code: event.code, text: event.message });
    if (event.event === "interrupted") return null;
    // Also at the start: the process may have ended after the epoch of the rule.
    if (event.event !== "start" && event.event !== "epoch") continue;
    const pruned = prunedTraining(rule, rule && (await run.readIfThere(METRICS)));
    if (pruned === null) continue;
    note({
      code: "warning",
      text: `a training is given up: its clean accuracy is below ${rule?.accuracy} after epoch ${rule?.epoch}`,
    });
    return pruned;
  }
  const metrics = untimedRows(METRICS, await run.read(METRICS));
  return {
    files: new Map([
      [MODEL_FILE, await run.read(MODEL_FILE)],
      ["config.json", await run.read("config.json")],
      [METRICS, metrics.bytes],
    ]),
    removed: { [METRICS]: metrics.seconds },
  };
}
