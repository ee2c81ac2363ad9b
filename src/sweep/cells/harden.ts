import type { AuditRequest } from "../../audit/audit-request.ts";
import { openTrained, requestedFile } from "../../harden/open-trained.ts";
import { fileTraining } from "../../harden/train-file.ts";
import { trainModel } from "../../train/train-model.ts";
import type { CellWork } from "../cell.ts";
import { sourceOf } from "./audit.ts";
import type { CellContext, CellResult } from "./context.ts";
import { readingOf } from "./model.ts";
import { ownedStorage, RUN_FOLDER } from "./owned-storage.ts";
import { ruleOf } from "./pruned.ts";
import { followTraining, givenOptions, trainingData } from "./train.ts";

/** Trains a file with a defence, like `rampart harden`: gives the file with new weights, `config.json` and `metrics.jsonl`. */
export async function runHardening(work: CellWork, context: CellContext): Promise<CellResult> {
  const { files, host, runtime, signal, note, noiseNamed } = context;
  const run = ownedStorage(files, RUN_FOLDER);
  const { rule, options: stored } = ruleOf(work);
  const { model: _, ...given } = givenOptions(stored);
  const source = Object.assign(sourceOf(work, context), { openData: trainingData(work, context) });
  const request: AuditRequest = Object.assign({}, readingOf(work, context), {
    source,
    runtime,
    host,
    data: given.data,
    note,
  });
  const { options, request: training } = await fileTraining(given, {
    path: source.path,
    opened: await openTrained(request, await requestedFile(request)),
    hasBegun: (await run.readIfThere("config.json")) !== null,
    runtime,
    host,
    noiseNamed,
    signal,
    note,
    hardens: true,
  });
  const events = trainModel(
    options,
    Object.assign({}, training, {
      storage: run,
      resume: true,
      host,
      startRuntime: async () => runtime,
      openData: source.openData,
      noiseNamed,
    }),
  );
  return followTraining(events, { run, rule }, context);
}
