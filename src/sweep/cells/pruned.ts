// Trainings that a plan's rule stops early. Their result records this, and their models are not evaluated.
import { z } from "zod";
import { readRowLines } from "../../files/row-lines.ts";
import type { CellWork } from "../cell.ts";
import type { CellContext, CellResult } from "./context.ts";

/** The file of a result that states why the training was stopped. */
export const PRUNED = "pruned.json";

/** The rule of a step of trainings. */
export const PruneRule = z.strictObject({
  epoch: z.int().positive().describe("epoch after which the rule is applied, counted from 1"),
  accuracy: z
    .number()
    .min(0)
    .max(1)
    .describe(
      "a training with a lower clean test accuracy is stopped, and its model is not evaluated",
    ),
});
export type PruneRule = z.output<typeof PruneRule>;

/** The options of a training, and the rule beside them, if there is one. */
export function ruleOf({ options }: Pick<CellWork, "options">): {
  readonly rule: PruneRule | null;
  readonly options: CellWork["options"];
} {
  const { prune, ...others } = options;
  return { rule: prune === undefined ? null : PruneRule.parse(prune), options: others };
}

const encoder = new TextEncoder();

const result = (why: object): NonNullable<CellResult> => ({
  files: new Map([[PRUNED, encoder.encode(`${JSON.stringify(why)}\n`)]]),
  removed: {},
});

/** The result of a training whose metrics so far meet the rule for stopping; null if the training continues. */
export function prunedTraining(rule: PruneRule | null, metrics: Uint8Array | null): CellResult {
  if (rule === null || metrics === null) return null;
  const { rows } = readRowLines("metrics.jsonl", new TextDecoder().decode(metrics));
  const found = rows
    .map(({ value }) => value as { readonly epoch: number; readonly testAccuracy: number })
    .find(({ epoch }) => epoch === rule.epoch);
  if (found === undefined || found.testAccuracy >= rule.accuracy) return null;
  return result({ epoch: found.epoch, testAccuracy: found.testAccuracy, rule });
}

/** The result of a cell whose training was stopped early; null for other cells. */
export async function prunedWith(
  { model }: CellWork,
  { input }: Pick<CellContext, "input">,
): Promise<CellResult> {
  if (model === null || !("cell" in model)) return null;
  const pruned = await input(model.cell, PRUNED).catch(() => null);
  return pruned === null ? null : result({ training: model.cell });
}
