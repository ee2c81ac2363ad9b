// Chooses the images that a model is tested on, and warns if training may have used them.
import type { OutputNames } from "../data/classes.ts";
import type { Dataset } from "../data/dataset.ts";
import { forOutputs } from "../data/for-outputs.ts";
import { isUnsplit, withHeldOutTest } from "../data/held-out.ts";
import { UsageError } from "../math/usage-error.ts";
import type { ModelMetadata } from "../models/export.ts";

/** The error for a model that does not record its training data, where the user names no test images. */
export const noTestImages = (model: string): UsageError =>
  new UsageError(`${model} does not record its training data; name the test images with --data`, {
    code: "missing-option",
  });

/** The data that a model is tested on. */
export interface TestedData {
  readonly dataset: Dataset;
  /** Why test images may have been training images; null if they were not, or if the training is unknown. */
  readonly warning: string | null;
}

/** The same images, with labels that are the outputs of these names. Throws `UsageError` if a class has no output. */
export const withOutputNames = (
  tested: TestedData,
  outputs: number,
  names: OutputNames | undefined,
): TestedData =>
  names === undefined
    ? tested
    : { dataset: forOutputs(tested.dataset, outputs, names), warning: tested.warning };

/** The inputs of the choice of test images. */
export interface TestDataOptions {
  /** The data set; if it has no split, its test split holds all examples. */
  readonly dataset: Dataset;
  /** Whether `dataset` is the data that the model was trained on. */
  readonly isTrainingData: boolean;
}

/**
 * Chooses the test images of a model. A test split is used as it is. Without one, a model is tested on the examples that its
 * training held out, if its metadata records that split; otherwise there is a warning. A file without the name of its training
 * data gives no warning, because its training is unknown.
 */
export function chooseTestData(
  model: Pick<ModelMetadata, "data" | "heldOut">,
  { dataset, isTrainingData }: TestDataOptions,
): TestedData {
  if (model.data === "" || !isUnsplit(dataset)) return { dataset, warning: null };
  const tested = isTrainingData ? withHeldOutTest(dataset) : dataset;
  const count = dataset.test.size;
  const recorded = model.heldOut;
  if (isTrainingData && recorded?.of === count && recorded.examples === tested.heldOut?.examples)
    return { dataset: tested, warning: null };
  return { dataset: tested, warning: `test images may have been trained on: ${reason()}` };

  function reason(): string {
    const noSplit = `${dataset.name} has no test split`;
    if (!isTrainingData)
      return `${noSplit}, so all of it is used. It may share images with the training data, ${model.data}.`;
    if (recorded === undefined)
      return `${noSplit}, and the model, which was trained on it, does not record a held-out part.`;
    return `${noSplit}. Training held out ${recorded.examples} of ${recorded.of} examples, but it now has ${count}.`;
  }
}
