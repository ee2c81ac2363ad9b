// Attacks a file before and after its training, image by image, for one comparison.
import type { AttackNorm } from "../attacks/victim.ts";
import { evaluationOptions } from "../audit/attack-options.ts";
import { AuditOptions, type Budget } from "../audit/options.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import { evaluateModel } from "../evaluate/evaluation.ts";
import type { EvaluateOptions } from "../evaluate/options.ts";
import type { Row } from "../evaluate/row.ts";
import type { Host } from "../files/host/host.ts";
import type { Storage } from "../files/storage/storage.ts";
import type { OnNote } from "../math/note.ts";
import { classifier } from "../models/classifier.ts";
import type { OpenedFile } from "./open-trained.ts";

/** What both files are attacked with. */
export interface Judgement {
  readonly norms: readonly AttackNorm[];
  readonly budget: Budget;
  /** Test images. */
  readonly examples: number;
  readonly epsilonLinf: number;
  readonly epsilonL2: number;
  readonly epsilonL1: number;
  /** Pixels that attacks in ℓ0 may change; undefined for none. */
  readonly epsilonL0?: number | undefined;
  readonly seed: number;
}

/** Where and how the attacks run. */
export interface JudgingTools {
  readonly runtime: Runtime;
  readonly host: Host;
  readonly out: Storage;
  readonly signal?: AbortSignal | undefined;
  /** The command as typed, for the record. */
  readonly command?: string | undefined;
  readonly note: OnNote;
}

/** One finished row, and how far the attacks are. */
export interface JudgedRow {
  readonly row: Row;
  readonly done: number;
  readonly total: number;
}

/** Images per run. */
const BATCH = 64;

/** Examples per attack whose images are kept beside the rows for the report, as an audit keeps them. */
const KEPT = 8;

/** The options of the attacks of an audit with these radii. */
const optionsOf = (
  { norms, budget, examples, epsilonLinf, epsilonL2, epsilonL1, epsilonL0, seed }: Judgement,
  classes: number,
  noise: string | null,
): EvaluateOptions => {
  const radii = {
    epsilonLinf: [epsilonLinf],
    epsilonL2: [epsilonL2],
    epsilonL1: [epsilonL1],
    epsilonL0: epsilonL0 === undefined ? undefined : [epsilonL0],
  };
  const asked = Object.assign({ norms: [...norms], budget, examples, seed, batch: BATCH }, radii);
  return evaluationOptions(AuditOptions.parse(asked), classes, noise);
};

/** Attacks the test images of an open file and writes `name`, a file of rows; continues one that was begun. */
export async function* judged(
  { model, dataset }: OpenedFile,
  name: string,
  judgement: Judgement,
  { runtime, host, out, signal, command, note }: JudgingTools,
): AsyncGenerator<JudgedRow, void, void> {
  const network = classifier(runtime, model.architecture, model.parameters);
  try {
    yield* evaluateModel(model, optionsOf(judgement, model.architecture.classes, model.noise), {
      network,
      target: { ...runtime.target },
      tested: { dataset, warning: null },
      out: { storage: out, name },
      resume: true,
      saveExamples: KEPT,
      signal,
      command,
      note,
      host,
    });
  } finally {
    await network.release();
  }
}
