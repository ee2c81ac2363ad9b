/**
 * What a note is about. Codes are stable and texts are not, so decisions and tests match the code. `docs/errors.md` lists them
 * all.
 *
 * Imported and exported networks: `straight-through` (gradients are approximate), `zero-gradient` (operators without a
 * gradient), `rounded-pixels`, `half-precision`, `training-mode`, `nearest-sampling`, `chosen-output`, `no-batch-axis`,
 * `batch-last`, `single-image`, `fixed-batch`, `weights-changed`, `graph-changed`, `metadata-lost`.
 *
 * Data sets: `held-out`, `trained-on` (test images may be training images), `clipped-pixels`, `image-alpha`, `image-exif`,
 * `image-cmyk`, `image-grey16`, `class-counts`, `empty-class`, `unusual-pixels`, `no-split`, `unverified-files`,
 * `changed-file`.
 *
 * Runs: `batch-dependent`, `tied-decisions`, `noise`, `preprocessing`, `preprocessing-dropped`, `saved-inputs`,
 * `other-target`, `warmup`, `time-budget`, `other-preprocessing` and `saturated-softmax` (a file is
 * probably trained with a wrong preprocessing), `not-better` (training did not improve a model), `no-training-record`, `in-use`,
 * `lost-batch` (a run of the network that failed while certifying).
 *
 * Reports: `cut-line`, `no-settings`, `bad-settings`, `other-settings`, `warning`, `unfinished`, `no-images`, `bad-images`.
 *
 * Comparisons: `other-attacks` (attacks, budgets or their options differ), `other-balls`, `other-images`, `other-data`,
 * `other-judging`, `invalid` (an audit that is invalid).
 */
export type NoteCode =
  | "straight-through"
  | "zero-gradient"
  | "rounded-pixels"
  | "half-precision"
  | "training-mode"
  | "nearest-sampling"
  | "chosen-output"
  | "no-batch-axis"
  | "batch-last"
  | "single-image"
  | "fixed-batch"
  | "weights-changed"
  | "graph-changed"
  | "metadata-lost"
  | "held-out"
  | "trained-on"
  | "clipped-pixels"
  | "image-alpha"
  | "image-exif"
  | "image-cmyk"
  | "image-grey16"
  | "class-counts"
  | "empty-class"
  | "unusual-pixels"
  | "no-split"
  | "unverified-files"
  | "changed-file"
  | "batch-dependent"
  | "tied-decisions"
  | "noise"
  | "preprocessing"
  | "preprocessing-dropped"
  | "saved-inputs"
  | "other-target"
  | "warmup"
  | "time-budget"
  | "other-preprocessing"
  | "saturated-softmax"
  | "not-better"
  | "no-training-record"
  | "lost-batch"
  | "in-use"
  | "cut-line"
  | "no-settings"
  | "bad-settings"
  | "other-settings"
  | "warning"
  | "unfinished"
  | "no-images"
  | "bad-images"
  | "other-attacks"
  | "other-balls"
  | "other-images"
  | "other-data"
  | "other-judging"
  | "invalid";

/** Something that a reader of results must know; it stops nothing. */
export interface Note {
  readonly code: NoteCode;
  /** One or more sentences for a person. */
  readonly text: string;
}

/** Called with each note as it arises. */
export type OnNote = (note: Note) => void;
