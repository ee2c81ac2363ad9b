import type { Dataset } from "../data/dataset.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Model } from "./model.ts";

/** Throws `UsageError` unless the data set has the model's image shape [channel, height, width] and its classes, in order. */
export function checkFit(model: Model, { name, shape, classes }: Dataset): void {
  const { inputShape, classes: outputs } = model.architecture;
  const next =
    model.data === ""
      ? "give --data that it was made for"
      : `evaluate it on data like ${model.data}`;
  if (shape.join() !== inputShape.join())
    throw new UsageError(
      `${name} has images of [${shape.join(", ")}], ${model.path} takes [${inputShape.join(", ")}]; ${next}`,
      { code: "misfit" },
    );
  if (classes.length !== outputs)
    throw new UsageError(
      `${name} has ${classes.length} classes, ${model.path} has ${outputs} outputs; ${next}`,
      { code: "misfit" },
    );
  const other = classes.findIndex((label, i) => label !== model.classNames[i]);
  if (model.classNames.length > 0 && other >= 0)
    throw new UsageError(
      `class ${other} is ${classes[other]} in ${name} and ${model.classNames[other]} in ${model.path}; the order of classes must agree`,
      { code: "misfit" },
    );
}
