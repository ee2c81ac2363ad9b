import { UsageError } from "../math/usage-error.ts";
import { type OutputNames, outputsOfFolders } from "./classes.ts";
import type { Dataset, Split } from "./dataset.ts";
import { findDataset } from "./table.ts";

const relabelled = (split: Split, outputs: readonly number[]): Split => ({
  ...split,
  labels: Int32Array.from(split.labels, (label) => outputs[label]),
});

/**
 * Relabels a data set so that each label is the index of a network's output. `names` are the names of the outputs; without
 * them class i is output i, and there must be as many classes as outputs. Where labels are
 * outputs already, as in an .npz file, not all outputs need to occur. Throws a UsageError if classes and outputs do not match.
 */
export function forOutputs(dataset: Dataset, outputs: number, names?: OutputNames): Dataset {
  const { classes, name } = dataset;
  const labels = findDataset(name)?.labels;
  const isPartial = names === undefined && labels === "outputs" && classes.length < outputs;
  if (names === undefined && labels !== "names" && classes.length !== outputs && !isPartial)
    throw new UsageError(
      `${name} has labels 0 to ${classes.length - 1}, but the network has ${outputs} outputs, 0 to ${outputs - 1}; use the data that it was trained on, or name its outputs with --classes FILE`,
      { code: "misfit" },
    );
  const places = isPartial ? classes.map((_, i) => i) : outputsOfFolders(classes, outputs, names);
  if (places.length === outputs && places.every((output, i) => output === i)) return dataset;
  const outputNames = Array.from(
    { length: outputs },
    (_, i) => names?.get(i)?.[0] ?? `output ${i}`,
  );
  for (const [label, output] of places.entries()) outputNames[output] = classes[label];
  return {
    ...dataset,
    classes: outputNames,
    train: relabelled(dataset.train, places),
    test: relabelled(dataset.test, places),
  };
}
