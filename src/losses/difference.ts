import { linearGraph } from "./linear.ts";
import { type Labels, type LossDefinition, takeLabels } from "./loss-definition.ts";
import { targetMinusLabel } from "./weights.ts";

/** z_target − z_label, as data; one label and one target per example. */
export interface Difference {
  readonly kind: "difference";
  readonly labels: Labels;
  readonly targets: Labels;
}

/**
 * z_target − z_label, in logits; one label and one target per example.
 *
 * @example
 * ```ts
 * import { difference } from "rampart";
 *
 * console.log(difference([3], [5])); // raises class 5 above class 3
 * ```
 */
export const difference = (labels: Labels, targets: Labels): Difference => ({
  kind: "difference",
  labels,
  targets,
});

/**
 * z_target − z_label of logits z [classes], rounded to float32; writes its slopes: 1 at the target and −1 at the label.
 */
export function differenceRow(
  label: number,
  target: number,
  z: Float32Array,
  slopes: Float32Array,
): number {
  slopes[target] += 1;
  slopes[label] -= 1;
  return Math.fround(z[target] - z[label]);
}

/** z_target − z_label, in logits. Shares the program of the linear loss. */
export const differenceDefinition: LossDefinition<Difference> = {
  type: "loss",
  name: "difference",
  source: "Carlini & Wagner 2017, arXiv:1608.04644, §VI-A, without the confidence",
  graphName: "linear",
  graph: linearGraph,
  weights: ({ labels, targets }, classes) => targetMinusLabel(labels, targets, classes),
  plain: ({ labels, targets }, i, z, slopes) => differenceRow(labels[i], targets[i], z, slopes),
  take: ({ labels, targets }, indices) =>
    difference(takeLabels(labels, indices), takeLabels(targets, indices)),
};
