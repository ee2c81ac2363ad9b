import { ImageOptions } from "../../data/image-options.ts";
import { isSameData, openImagesInNode } from "../../data/node.ts";
import { outputNamesIn } from "../../data/output-names.ts";
import { MAX_TEXT, readTextIfThere } from "../../files/read/node.ts";
import type { OnNote } from "../../math/note.ts";
import type { ImageSource } from "../evaluation-request.ts";
import type { Model } from "../model.ts";
import { chooseTestData, noTestImages, type TestedData, withOutputNames } from "../tested-data.ts";

/**
 * The test images of a model, opened by name or given as a value; notes and warnings about them go to `note`. Throws
 * `UsageError` if no data is named.
 */
export async function openTestImages(
  model: Model,
  { data = model.data, dataDir, images, classes }: ImageSource,
  note: OnNote,
): Promise<TestedData> {
  if (data === "") throw noTestImages(model.path);
  const { inputShape, classes: outputs } = model.architecture;
  const names =
    classes === undefined
      ? undefined
      : outputNamesIn(classes, await readTextIfThere(classes, MAX_TEXT));
  const opened =
    typeof data === "string"
      ? await openImagesInNode(data, images ?? ImageOptions.parse({}), {
          dataDir,
          takes: inputShape,
        })
      : data;
  const isTrainingData = await isSameData(model.data, opened.name);
  const chosen = chooseTestData(model, { dataset: opened, isTrainingData });
  const tested = withOutputNames(chosen, outputs, names);
  for (const one of tested.dataset.notes ?? []) note(one);
  if (tested.warning !== null) note({ code: "trained-on", text: `warning: ${tested.warning}` });
  return tested;
}
