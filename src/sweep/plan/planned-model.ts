import { type AuditOptions, attackedNorms } from "../../audit/options.ts";
import { plannedOptions } from "../../audit/plan.ts";
import { evaluateSchema } from "../../evaluate/options.ts";
import type { FlopsPerImage } from "../../models/flops.ts";
import type { Cell, CellModel } from "../cell.ts";
import { canonicalJson } from "../key.ts";
import type { Step } from "./schema.ts";

/** A model of a plan, for its evaluations. */
export interface PlannedModel {
  readonly name: string;
  readonly model: CellModel;
  /** The cell that trains the model; null for a file. */
  readonly cell: Cell | null;
  /** The data set that the model is tested on by default; empty if unknown. */
  readonly data: string;
  readonly trainedOn: string;
  readonly noise: string | null;
  readonly flops: FlopsPerImage;
  readonly labels: Readonly<Record<string, unknown>>;
}

/** The options of the evaluation inside an audit that determine its cost. */
export function attacksOfAudit(options: AuditOptions, classes: number, noise: string | null) {
  const { budget, examples, epsilonLinf, epsilonL2, epsilonL1, epsilonL0 } = options;
  const norms = attackedNorms(options);
  const planned = plannedOptions({ norms, budget, classes, randomised: noise !== null });
  const radii = { epsilonLinf, epsilonL2, epsilonL1, epsilonL0 };
  return evaluateSchema().parse({ ...planned, examples, ...radii });
}

/** Whether a step applies to a model. */
export const isWhere = ({ where }: Step, { cell, labels }: PlannedModel): boolean =>
  Object.entries(where).every(([name, values]) => {
    const value = cell?.work.options[name] ?? labels[name];
    return values.some((one) => canonicalJson(one) === canonicalJson(value));
  });

/** A name and the varied options: `at-linf, seed 1`. */
export const described = (
  name: string,
  varied: Readonly<Record<string, unknown>>,
  without = "",
): string =>
  [
    name,
    ...Object.entries(varied)
      .filter(([option]) => option !== without)
      .map(([option, value]) => `${option} ${[value].flat().join("+")}`),
  ].join(", ");
