import type { Dataset } from "../data/dataset.ts";
import type { ImageOptions } from "../data/image-options.ts";
import type { EvaluationContext } from "./evaluation.ts";
import type { TestedData } from "./tested-data.ts";

/** Where test images come from. */
export interface ImageSource {
  /** A data set by name, or an open data set; by default the data set of the model's training. */
  readonly data?: string | Dataset | undefined;
  readonly dataDir?: string | undefined;
  /** How images are read and sized; only recorded for a data set that is open. */
  readonly images?: ImageOptions | undefined;
  /** File with the names of the outputs, to which classes are matched by name. */
  readonly classes?: string | undefined;
}

/** The runtime, the source of the images, and the destination of the rows. */
export interface NodeEvaluation extends EvaluationContext, ImageSource {
  /** The .jsonl file; without it rows are only returned. */
  readonly out?: string;
  /** The test images of `data`, if they have been chosen already. */
  readonly tested?: TestedData | undefined;
}
