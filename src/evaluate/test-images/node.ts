import { ImageOptions } from "../../data/image-options.ts";
import { isSameData, openImagesInNode } from "../../data/node.ts";
import type { OnNote } from "../../math/note.ts";
import type { ImageSource } from "../evaluation-request.ts";
import type { Model } from "../model.ts";
import { chooseTestData, noTestImages, type TestedData } from "../tested-data.ts";

/** Opens the test images of a model; notes and warnings about them go to `note`. Throws `UsageError` if no data is named. */
export async function openTestImages(
  model: Model,
  { data = model.data, dataDir, images }: ImageSource,
  note: OnNote,
): Promise<TestedData> {
  if (typeof data !== "string") return { dataset: data, warning: null };
  if (data === "") throw noTestImages(model.path);
  const opened = await openImagesInNode(data, images ?? ImageOptions.parse({}), {
    dataDir,
    takes: model.architecture.inputShape,
  });
  const isTrainingData = await isSameData(model.data, opened.name);
  const tested = chooseTestData(model, { dataset: opened, isTrainingData });
  for (const one of tested.dataset.notes ?? []) note(one);
  if (tested.warning !== null) note({ code: "trained-on", text: `warning: ${tested.warning}` });
  return tested;
}
