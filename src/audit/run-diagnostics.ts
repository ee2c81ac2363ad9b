// Diagnostics of the audit itself: images that influence each other, training on test images, and diagnostics that failed.
import type { Note } from "../math/note.ts";
import {
  type BatchDependence,
  describeDependence,
  isQuantisation,
} from "../models/batch-dependence.ts";
import type { Diagnostic, NotRun } from "./diagnostic.ts";

/** The note, while an audit runs, that scores depend on the batch. */
export const dependenceNote = (dependence: BatchDependence): Note => ({
  code: "batch-dependent",
  text: `${describeDependence(dependence)}; every image is scored alone${isQuantisation(dependence) ? "" : ", and the audit is invalid"}`,
});

/** Fires if scores depend on the batch: a note where quantisation explains it, invalid otherwise. */
export function batchDependent(dependence: BatchDependence | null): Diagnostic | null {
  if (dependence === null) return null;
  const text = describeDependence(dependence);
  if (isQuantisation(dependence))
    return {
      code: "batch-dependent",
      severity: "note",
      text: `${text}; every image was scored alone`,
      advice:
        "in use the accuracy depends on the other images of a batch: run the file on one image at a time",
    };
  return {
    code: "batch-dependent",
    severity: "invalid",
    text: `${text}; the numbers are those of each image alone`,
    advice:
      "export the model in evaluation mode (batch normalisation with its running statistics); use --batch 1 if it always runs on one image at a time",
  };
}

/** Fires if a diagnostic failed; lists each with its reason. */
export function notRun(failures: readonly NotRun[]): Diagnostic | null {
  if (failures.length === 0) return null;
  return {
    code: "not-run",
    severity: "warning",
    text: failures.map(({ what, reason }) => `${what} did not run: ${reason}`).join("; "),
    advice: failures.every(({ fixable }) => fixable)
      ? "the attacks are done and saved: remove the reason (a smaller --batch needs less memory) and repeat the command with --resume"
      : "the attacks are done and saved; please report this, and repeat the command with --resume once it is solved",
  };
}

/** Fires if the model may have been trained on test images, for the given reason. */
export function trainedOnTest(reason: string | null): Diagnostic | null {
  if (reason === null) return null;
  return {
    code: "trained-on",
    severity: "warning",
    text: reason,
    advice:
      "accuracies on training images are too high: give separate test images (x_test and y_test, or a folder test/), or train again, which holds out a fifth of each class",
  };
}
