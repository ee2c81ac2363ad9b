// Runs an evaluation in Node, with local files.
import { nodeHost } from "../files/host/node.ts";
import { readTextIfThere } from "../files/read/node.ts";
import { nodeStorageOf } from "../files/storage/node.ts";
import { noiseNamedInNode } from "../noise/node.ts";
import { type EvaluateEvent, evaluateModel } from "./evaluation.ts";
import type { NodeEvaluation } from "./evaluation-request.ts";
import type { Model } from "./model.ts";
import type { EvaluateOptions } from "./options.ts";
import { openTestImages } from "./test-images/node.ts";

export type { EvaluateEvent } from "./evaluation.ts";
export type { NodeEvaluation } from "./evaluation-request.ts";

/** Runs an evaluation in Node, with local files. Throws `UsageError` for data, options or files that do not fit. */
export async function* evaluateInNode(
  model: Model,
  options: EvaluateOptions,
  { out, data, dataDir, ...evaluation }: NodeEvaluation,
): AsyncGenerator<EvaluateEvent, void, void> {
  const { images, classes, note = () => undefined } = evaluation;
  const source = { data, dataDir, images, classes };
  yield* evaluateModel(model, options, {
    ...evaluation,
    tested: evaluation.tested ?? (await openTestImages(model, source, note)),
    out: out === undefined ? undefined : nodeStorageOf(out),
    host: nodeHost,
    readText: readTextIfThere,
    noiseNamed: noiseNamedInNode,
  });
}
