// Whether the preprocessing that a file is trained with looks like that of its first training.
import { otherPreprocessing } from "../audit/answer-diagnostics.ts";
import type { Diagnostic } from "../audit/diagnostic.ts";
import { farApart } from "../audit/gradient-diagnostics.ts";
import { type Compare, comparePreprocessings, compareSaturation } from "../audit/preprocessings.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import type { Note } from "../math/note.ts";
import { classifier } from "../models/classifier.ts";
import type { ImportedOptions } from "../models/imported-network.ts";
import type { OpenModel } from "../models/opening/open-model.ts";
import type { OpenedFile } from "./open-trained.ts";

/** Training images that the preprocessings are compared on. */
const COMPARED = 64;

/** What the comparisons of an audit find on training images: a preprocessing that suits the file better, or saturated logits. */
async function diagnosed(
  { model, dataset, reopen }: OpenedFile,
  runtime: Runtime,
  signal: AbortSignal | undefined,
): Promise<Diagnostic | null> {
  const networkOf = ({ architecture, parameters }: OpenModel) =>
    classifier(runtime, architecture, parameters);
  const network = networkOf(model);
  const open = async (usual: ImportedOptions) => networkOf(await reopen(usual));
  const found = <T>(compare: Compare<T>) =>
    compare(network, open, dataset.train, {
      count: COMPARED,
      channels: dataset.shape[0],
      signal,
    });
  try {
    const preprocessings = await found(comparePreprocessings);
    const other = otherPreprocessing({ preprocessings, classes: model.architecture.classes });
    if (other !== null) return other;
    const saturation = await found(compareSaturation);
    return saturation && farApart(saturation);
  } finally {
    await network.release();
  }
}

/** A note if a third-party file is probably read with a wrong preprocessing, which its training would then adapt to. */
export async function preprocessingNote(
  opened: OpenedFile,
  { runtime, signal }: { readonly runtime: Runtime; readonly signal?: AbortSignal | undefined },
): Promise<Note | null> {
  if (opened.model.reading === undefined) return null;
  const found = await diagnosed(opened, runtime, signal);
  if (found === null) return null;
  const { code, text, advice } = found;
  return {
    code: code === "other-preprocessing" ? code : "saturated-softmax",
    text: `warning: on training images, ${text}; ${advice}`,
  };
}
