// Every loss in one table. A new loss is a file with its definition, a member of `RowLoss` and the row that the
// compiler then asks for.
import { type CrossEntropy, ceDefinition } from "./ce.ts";
import { type Difference, differenceDefinition } from "./difference.ts";
import { type Dlr, dlrDefinition } from "./dlr.ts";
import { type DlrTargeted, dlrTargetedDefinition } from "./dlr-targeted.ts";
import { type Linear, linearDefinition } from "./linear.ts";
import type { LossDefinition } from "./loss-definition.ts";
import { type Margin, marginDefinition } from "./margin.ts";

/** A loss that each row of logits has for itself, as data; the file of each kind states its formula. */
export type RowLoss = CrossEntropy | Margin | Difference | Dlr | DlrTargeted | Linear;

const definitions: { readonly [L in RowLoss as L["kind"]]: LossDefinition<L> } = {
  ce: ceDefinition,
  margin: marginDefinition,
  difference: differenceDefinition,
  dlr: dlrDefinition,
  "dlr-targeted": dlrTargetedDefinition,
  linear: linearDefinition,
};

/** The definition of a loss's kind. */
export const definitionOf = <L extends RowLoss>({ kind }: L): LossDefinition<L> =>
  definitions[kind] as unknown as LossDefinition<L>;
