// Diagnostics of the audit itself: images that meet in a batch, and diagnostics that could not run.
import {
  type BatchDependence,
  describeDependence,
  isQuantisation,
} from "../models/batch-dependence.ts";
import type { Diagnostic } from "./diagnostics.ts";

/** A diagnostic that failed after the attacks. */
export interface NotRun {
  /** What was to be done: `the probe of gradients and attacks`. */
  readonly what: string;
  readonly reason: string;
  /** Whether the user can do something about it; otherwise it is a bug of ours. */
  readonly fixable: boolean;
}

/** Scores that depend on the batch: scored one by one where quantisation explains it, without meaning otherwise. */
export function batchDependent(found: BatchDependence | null): Diagnostic | null {
  if (found === null) return null;
  const text = describeDependence(found);
  if (isQuantisation(found))
    return {
      code: "batch-dependent",
      severity: "note",
      text: `${text}; every image was scored alone`,
      advice:
        "in use the accuracy depends on what shares a batch with an image: run the file on one image at a time",
    };
  return {
    code: "batch-dependent",
    severity: "invalid",
    text: `${text}; the numbers are those of each image alone`,
    advice:
      "export the model in evaluation mode (batch normalisation with its running statistics); if it is always run on one image at a time, --batch 1 says so",
  };
}

/** Diagnostics that failed, each with its reason: nothing vouches for what they look at. */
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

/** Test images that training may have met; `reason` says why, null that it has not. */
export function trainedOnTest(reason: string | null): Diagnostic | null {
  if (reason === null) return null;
  return {
    code: "trained-on",
    severity: "warning",
    text: reason,
    advice:
      "accuracies on training images are too high: give test images of their own (x_test and y_test, or a folder test/), or train again, which holds a fifth of each class out",
  };
}
