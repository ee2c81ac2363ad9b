import { UsageError } from "../math/usage-error.ts";
import { type OutputNames, outputsOfFolders } from "./classes.ts";
import type { Dataset, Split } from "./dataset.ts";

const relabelled = (split: Split, outputs: readonly number[]): Split => ({
  ...split,
  labels: Int32Array.from(split.labels, (label) => outputs[label]),
});

/**
 * The data set with a network's outputs as its labels. `names` are those of the outputs, from a file; without them a class's
 * place is its output, and there must be as many of both. Labels of an .npz file are outputs, however many of them occur.
 */
export function forOutputs(dataset: Dataset, outputs: number, names?: OutputNames): Dataset {
  const { classes, name } = dataset;
  const few = names === undefined && name.startsWith("npz:") && classes.length < outputs;
  if (names === undefined && !name.startsWith("folder:") && classes.length !== outputs && !few)
    throw new UsageError(
      `${name} has labels 0 to ${classes.length - 1}, but the network has ${outputs} outputs, 0 to ${outputs - 1}; take the data that it was made for, or name its outputs with --classes FILE`,
      { code: "misfit" },
    );
  const places = few ? classes.map((_, i) => i) : outputsOfFolders(classes, outputs, names);
  if (places.length === outputs && places.every((output, i) => output === i)) return dataset;
  const named = Array.from({ length: outputs }, (_, i) => names?.get(i)?.[0] ?? `output ${i}`);
  for (const [label, output] of places.entries()) named[output] = classes[label];
  return {
    ...dataset,
    classes: named,
    train: relabelled(dataset.train, places),
    test: relabelled(dataset.test, places),
  };
}
