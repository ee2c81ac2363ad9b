import { type Tensor, takeRows } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import { type Labels, type LossDefinition, takeLabels } from "./loss-definition.ts";

/**
 * What a loss of `defineLoss` compares logits with. A list has a number per example, and a tensor a row per example; a number
 * holds for all of them.
 */
export type LossData = Readonly<Record<string, number | Labels | Tensor>> & {
  readonly labels: Labels;
};

/** A loss of `defineLoss` with its labels and other data. */
export interface OwnLoss<Data extends LossData = LossData> {
  readonly kind: "own";
  /** The name of its definition. */
  readonly name: string;
  readonly data: Data;
  /** The definition with the options of this loss. */
  readonly definition: LossDefinition<OwnLoss>;
}

const isTensor = (value: LossData[string]): value is Tensor =>
  typeof value === "object" && "shape" in value;

/** Throws `UsageError` unless all lists and tensors of `data` have an entry per label. */
export function requireSameExamples(name: string, data: LossData): void {
  const examples = data.labels.length;
  for (const [field, value] of Object.entries(data)) {
    if (typeof value === "number") continue;
    const count = isTensor(value) ? value.shape[0] : value.length;
    if (count !== examples)
      throw new UsageError(
        `loss ${name} has ${field} for ${count} examples, and labels for ${examples}; give one per example`,
        { code: "bad-option" },
      );
  }
}

/** The data of the examples at `indices`, in that order; an index may repeat. */
export function takeData<Data extends LossData>(data: Data, indices: readonly number[]): Data {
  const taken = Object.entries(data).map(([field, value]) => {
    if (typeof value === "number") return [field, value];
    return [field, isTensor(value) ? takeRows(value, indices) : takeLabels(value, indices)];
  });
  return Object.fromEntries(taken) as Data;
}
