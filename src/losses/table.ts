// Every loss in one table. A new loss is a file with its definition, a member of `RowLoss` and the row that the
// compiler then asks for.
import { Registry } from "../math/registry.ts";
import { type CrossEntropy, ceDefinition } from "./ce.ts";
import { type Difference, differenceDefinition } from "./difference.ts";
import { type Dlr, dlrDefinition } from "./dlr.ts";
import { type DlrTargeted, dlrTargetedDefinition } from "./dlr-targeted.ts";
import { type Linear, linearDefinition } from "./linear.ts";
import type { LossDefinition } from "./loss-definition.ts";
import { type Margin, marginDefinition } from "./margin.ts";
import type { OwnLoss } from "./own-loss.ts";
import { type ProbabilityMargin, probabilityMarginDefinition } from "./probability-margin.ts";

type BuiltInLoss =
  | CrossEntropy
  | Margin
  | Difference
  | Dlr
  | DlrTargeted
  | Linear
  | ProbabilityMargin;

/**
 * A loss that each row of logits has for itself, as data; the file of each kind states its formula. One of `defineLoss` is
 * of the kind `own`.
 */
export type RowLoss = BuiltInLoss | OwnLoss;

const definitions: { readonly [L in BuiltInLoss as L["kind"]]: LossDefinition<L> } = {
  ce: ceDefinition,
  margin: marginDefinition,
  difference: differenceDefinition,
  dlr: dlrDefinition,
  "dlr-targeted": dlrTargetedDefinition,
  linear: linearDefinition,
  "probability-margin": probabilityMarginDefinition,
};

/** The table's entry for a loss, built in or from outside. */
export interface ListedLoss {
  readonly type: "loss";
  readonly name: string;
  readonly source: string;
}

/** The losses by name. A plug-in's loss is added last. */
export const losses = new Registry<ListedLoss>("loss", Object.values(definitions));

/** The definition of a loss's kind; a loss of `defineLoss` brings its own. */
export const definitionOf = <L extends RowLoss>(loss: L): LossDefinition<L> =>
  (loss.kind === "own" ? loss.definition : losses.named(loss.kind)) as unknown as LossDefinition<L>;
