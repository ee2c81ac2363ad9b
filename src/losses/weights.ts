import { type Tensor, tensor } from "../math/tensor.ts";
import type { Labels } from "./loss-definition.ts";

/** [examples, classes] with 1 at each label and 0 elsewhere. */
export function oneHotLabels(labels: Labels, classes: number): Tensor {
  const weights = tensor([labels.length, classes]);
  labels.forEach((label, i) => {
    weights.data[i * classes + label] = 1;
  });
  return weights;
}

/** [examples, classes] with 1 at each target and −1 at each label, so that ⟨weights, z⟩ = z_target − z_label. */
export function targetMinusLabel(labels: Labels, targets: Labels, classes: number): Tensor {
  const weights = tensor([labels.length, classes]);
  labels.forEach((label, i) => {
    weights.data[i * classes + label] -= 1;
    weights.data[i * classes + targets[i]] += 1;
  });
  return weights;
}
