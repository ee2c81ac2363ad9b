// The images that a model is tested on, and whether training may have met them.
import type { Dataset } from "../data/dataset.ts";
import { isUnsplit, withHeldOutTest } from "../data/held-out.ts";
import type { ModelMetadata } from "../models/export.ts";

/** What is tested on, and what a reader of the numbers must know of it; null where no test image was trained on. */
export interface TestedData {
  readonly dataset: Dataset;
  readonly warning: string | null;
}

/**
 * The test images of a model. Data without a split that the model was trained on is tested on what training held out, if the
 * model states that it did and of how many examples. Otherwise test images may have been trained on, and the warning says
 * why. A file that states no data was not trained here: nothing is known of its training, and nothing is warned of.
 */
export function chooseTestData(
  model: Pick<ModelMetadata, "data" | "heldOut">,
  whole: Dataset,
  isSame: boolean,
): TestedData {
  if (model.data === "" || !isUnsplit(whole)) return { dataset: whole, warning: null };
  const dataset = isSame ? withHeldOutTest(whole) : whole;
  const count = whole.test.size;
  const said = model.heldOut;
  if (isSame && said?.of === count && said.examples === dataset.heldOut?.examples)
    return { dataset, warning: null };
  return { dataset, warning: `test images may have been trained on: ${reason()}` };

  function reason(): string {
    const none = `${whole.name} has no split`;
    if (!isSame)
      return `${none}, so all of it is tested on, and whether it shares images with ${model.data}, which the model was trained on, is unknown`;
    if (said === undefined)
      return `${none}, and the model, which was trained on it, does not state that training held a part of it out`;
    return `${none}, and training held ${said.examples} of ${said.of} examples out, but it now has ${count}`;
  }
}
