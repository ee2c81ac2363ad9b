import type { AuditEvent } from "../audit/audit.ts";
import type { AuditResult } from "../audit/result.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import { withoutDependence } from "../evaluate/batch.ts";
import type { EvaluateEvent } from "../evaluate/evaluation.ts";
import type { Row } from "../evaluate/row.ts";
import { InternalError } from "../math/internal-error.ts";
import type { OnNote } from "../math/note.ts";
import { UsageError } from "../math/usage-error.ts";
import { type Classifier, classifier } from "../models/classifier.ts";
import type { OpenModel } from "../models/opening/open-model.ts";
import type { TrainEvent } from "../train/events.ts";
import type { AuditingEvent, EvaluationEvent, NoteEvent } from "./file-options.ts";

/** How a caller listens to a long call and stops it. */
export interface Listener<Event> {
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: ((event: Event) => void) | undefined;
  /** Called with the text of each note. */
  readonly note?: ((line: string) => void) | undefined;
}

/** Throws `UsageError` unless the model is open. */
export function requireOpen(model: OpenModel): void {
  if (typeof model?.architecture?.forward === "function") return;
  throw new UsageError("the model is not open; open its bytes by importModel", {
    code: "bad-option",
  });
}

/** Passes notes on to a listener. */
export const noteTo =
  ({ note, onEvent }: Listener<NoteEvent>): OnNote =>
  ({ code, text }) => {
    note?.(text);
    onEvent?.({ event: "note", code, text });
  };

/** A model whose rows are wanted. */
export interface RunningEvaluation {
  readonly runtime: Runtime;
  readonly model: OpenModel;
  /** The test images, if they are open already. Then the network is checked for scores that depend on the batch. */
  readonly dataset: Dataset | undefined;
  /** Largest batch of the network. */
  readonly batch: number;
}

/** Compiles a model, collects the rows of `evaluate` and releases it. Rejects with the signal's reason if rows are missing. */
export async function collectRows(
  { runtime, model, dataset, batch }: RunningEvaluation,
  listener: Listener<EvaluationEvent>,
  evaluate: (network: Classifier) => AsyncIterable<EvaluateEvent>,
): Promise<Row[]> {
  const { signal, onEvent } = listener;
  const architecture =
    dataset === undefined
      ? model.architecture
      : await withoutDependence(runtime, model.architecture, dataset.test, {
          batch,
          note: noteTo(listener),
        });
  const network = classifier(runtime, architecture, model.parameters);
  const rows: Row[] = [];
  let missing = 0;
  try {
    for await (const event of evaluate(network)) {
      rows.push(event.row);
      missing = event.total - event.done;
      onEvent?.({ event: "row", ...event });
    }
  } finally {
    await network.release();
  }
  if (signal?.aborted && (missing > 0 || rows.length === 0)) throw signal.reason;
  return rows;
}

/** Passes the events of a training on. Rejects with the signal's reason if it was interrupted. */
export async function passTraining(
  events: AsyncIterable<TrainEvent>,
  { signal, onEvent }: Listener<TrainEvent>,
): Promise<void> {
  for await (const event of events) {
    onEvent?.(event);
    if (event.event === "interrupted") throw signal?.reason;
  }
}

/** Passes the events of an audit on and returns its result. Rejects with the signal's reason if there is none. */
export async function auditResultOf(
  events: AsyncIterable<AuditEvent>,
  { signal, onEvent }: Listener<AuditingEvent>,
): Promise<AuditResult> {
  let result: AuditResult | undefined;
  for await (const event of events) {
    onEvent?.(event);
    if (event.event === "result") result = event.result;
  }
  if (result !== undefined) return result;
  throw signal?.reason ?? new InternalError("the audit ended without a result");
}
