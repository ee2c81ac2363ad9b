import { EvaluateOptions } from "../evaluate/options.ts";
import { UsageError } from "../math/usage-error.ts";
import { canonicalJson } from "../sweep/key.ts";
import { defensesOf, type EvaluationCell, evaluationsOf, type Table, trainingOf } from "./cells.ts";
import type { Size } from "./plan.ts";

/** Test images per cell: an attack on a randomised model then takes minutes. */
const IMAGES = 128;

/** Tables that consist of trainings and evaluations alone. */
const planned: readonly string[] = ["table2", "table3", "table4"];

/** The options of an evaluation that differ from their defaults. */
function givenOptions({ options }: EvaluationCell): Record<string, unknown> {
  const defaults: Readonly<Record<string, unknown>> = EvaluateOptions.parse({});
  return Object.fromEntries(
    Object.entries(options).filter(
      ([name, value]) =>
        value !== undefined && canonicalJson(value) !== canonicalJson(defaults[name]),
    ),
  );
}

/** The evaluations of a table, as a plan's steps have them: those with equal options are one step on several models. */
function stepsOf(cells: readonly EvaluationCell[]) {
  const steps = new Map<string, { options: Record<string, unknown>; defenses: string[] }>();
  for (const cell of cells) {
    const options = givenOptions(cell);
    const name = canonicalJson(options);
    const step = steps.get(name) ?? { options, defenses: [] };
    steps.set(name, step);
    step.defenses.push(cell.defense);
  }
  return [...steps.values()].map(({ options, defenses }) => ({
    options,
    where: { defense: defenses },
  }));
}

/** A table's trainings and evaluations as a plan of `rampart sweep`. Throws `UsageError` for a name without a plan. */
export function sweepPlan(
  name: string,
  { scale, seed, share, defenses, kinds }: Size,
  { device, threads }: { readonly device: string; readonly threads: number },
): Readonly<Record<string, unknown>> {
  if (!planned.includes(name))
    throw new UsageError(
      `${name} has no plan of trainings and evaluations; ${planned.join(", ")} have one`,
      { code: "bad-option", next: "leave out --plan and --workers" },
    );
  const table = name as Table;
  const chosen = defenses ?? defensesOf(table);
  const { defense: _, ...options } = trainingOf("", scale, seed);
  const cells = chosen
    .flatMap((defense) => evaluationsOf(table, defense, scale, { share, seed }))
    .filter(({ kind }) => kinds?.includes(kind) ?? true);
  return {
    name: `${table} at scale ${scale.name}`,
    device,
    threads,
    images: IMAGES,
    train: [{ options, grid: { defense: chosen } }],
    evaluate: stepsOf(cells),
  };
}
