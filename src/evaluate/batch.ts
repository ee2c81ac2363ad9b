// Checks a third-party file before its rows are computed: do the other images of a batch change an image's scores?

import type { Split } from "../data/dataset.ts";
import type { OnNote } from "../math/note.ts";
import type { Tensor } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Architecture } from "../models/architecture.ts";
import {
  BATCH_CHECKED,
  type BatchRuntime,
  batchDependence,
  describeDependence,
  isQuantisation,
  oneByOne,
} from "../models/batch-dependence.ts";
import { compareDecisions, describeDecisions } from "../models/decisions.ts";

/** The images on which batch dependence is tested, and up to the same number of other images to fill a batch. */
export function firstImages(test: Split): { images: Tensor; others: Tensor | undefined } {
  const indices = Array.from({ length: Math.min(2 * BATCH_CHECKED, test.size) }, (_, i) => i);
  const others = indices.slice(BATCH_CHECKED);
  return {
    images: test.images(indices.slice(0, BATCH_CHECKED)),
    others: others.length === 0 ? undefined : test.images(others),
  };
}

/**
 * The network that the rows are computed with. If quantisation makes scores depend on the batch, the network
 * scores images one by one, with a note. Throws `UsageError` if scores depend on the batch for another reason, since rows
 * would then depend on the batch size.
 */
export async function withoutDependence(
  runtime: BatchRuntime,
  architecture: Architecture,
  test: Split,
  { batch, note }: { readonly batch: number; readonly note: OnNote },
): Promise<Architecture> {
  const found = await batchDependence(runtime, architecture, {
    ...firstImages(test),
    size: batch,
  });
  if (found === null) return architecture;
  if (!isQuantisation(found))
    throw new UsageError(
      `${describeDependence(found)}; every --batch would give other rows. Export the model in evaluation mode, or use --batch 1 to score each image alone`,
      { code: "misfit" },
    );
  note({
    code: "batch-dependent",
    text: `${describeDependence(found)}; every image is scored alone`,
  });
  return oneByOne(architecture);
}

/** Images on which the file's decisions are compared with the decisions of the scores before its output. */
const DECISIONS = 64;

/**
 * Notes where float32 ties classes in the file's output. Throws `UsageError` if the file predicts other classes than
 * the scores before its output, since rows would then describe another classifier.
 */
export async function noteDecisions(
  runtime: BatchRuntime,
  architecture: Architecture,
  test: Split,
  { batch, note }: { readonly batch: number; readonly note: OnNote },
): Promise<void> {
  const indices = Array.from({ length: Math.min(DECISIONS, test.size) }, (_, i) => i);
  const found = await compareDecisions(runtime, architecture, test.images(indices), batch);
  const text = found === null ? null : describeDecisions(found);
  if (found === null || text === null) return;
  if (found.others.length > 0)
    throw new UsageError(
      `${text}; please report this with the file, and until then name the scores before its last operators with --output`,
      { code: "misfit" },
    );
  note({ code: "tied-decisions", text });
}
