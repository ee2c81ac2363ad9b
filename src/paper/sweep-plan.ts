import { defenseNamed } from "../defenses/table.ts";
import { EvaluateOptions } from "../evaluate/options.ts";
import { UsageError } from "../math/usage-error.ts";
import { canonicalJson } from "../sweep/key.ts";
import { defensesOf, type EvaluationCell, evaluationsOf, type Table, trainingOf } from "./cells.ts";
import type { Size } from "./plan.ts";
import { PAPER_RADII } from "./regions.ts";
import type { EqualCounts, Stage } from "./scales.ts";

/** Test images per cell, unless the scale says otherwise: an attack on a randomised model then takes minutes. */
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

/** The model and the priority of a step: one defence, at the place that the scale's order gives it. */
interface Ordered {
  readonly where: { readonly defense: readonly string[] };
  readonly priority: number;
}

/** Draws that suffice to certify ℓ2 0.83 under σ = 0.25 at α = 0.001 (15,345 votes without exception). */
const CERTIFY_DRAWS = 20_000;

/** A scale's proofs and certificates of a defence: none for noise that is not normal, which has no radius in ℓ2 to speak of. */
function lowerBounds(noise: string | null, { proven }: EqualCounts, seed: number, step: Ordered) {
  if (noise === null)
    return { prove: [Object.assign({ options: { examples: proven, proveSeconds: 5 } }, step)] };
  if (!noise.startsWith("normal:")) return {};
  const options = {
    examples: proven,
    n: CERTIFY_DRAWS,
    norms: ["l2"],
    sequential: true,
    target: PAPER_RADII.l2,
    seed,
  };
  return { certify: [Object.assign({ options }, step)] };
}

/** The steps of a plan defence by defence, in the order of the scale. */
function orderedSteps(
  { scale: { order = [], equal }, seed, kinds }: Size,
  training: object,
  cells: readonly EvaluationCell[],
  defenses: readonly string[],
) {
  const priority = (stage: Stage): number => {
    const place = order.indexOf(stage);
    return place < 0 ? 0 : order.length - place;
  };
  const steps = { train: [], evaluate: [], prove: [], certify: [] } as Record<string, object[]>;
  for (const defense of defenses) {
    const grid = { defense: [defense] };
    steps.train.push({ options: training, grid, priority: priority(`train ${defense}`) });
    const step = { where: grid, priority: priority(`evaluate ${defense}`) };
    for (const cell of cells.filter((one) => one.defense === defense))
      steps.evaluate.push(Object.assign({ options: givenOptions(cell) }, step));
    const noise = defenseNamed(defense).noise?.name ?? null;
    const bounds =
      equal === undefined || kinds !== undefined ? {} : lowerBounds(noise, equal, seed, step);
    for (const [kind, own] of Object.entries(bounds)) steps[kind].push(...own);
  }
  return Object.fromEntries(Object.entries(steps).filter(([, own]) => own.length > 0));
}

/** A table's trainings and evaluations as a plan of `rampart sweep`. Throws `UsageError` for a name without a plan. */
export function sweepPlan(
  name: string,
  size: Size,
  { device, threads }: { readonly device: string; readonly threads: number },
): Readonly<Record<string, unknown>> {
  if (!planned.includes(name))
    throw new UsageError(
      `${name} has no plan of trainings and evaluations; ${planned.join(", ")} have one`,
      { code: "bad-option", next: "leave out --plan and --workers" },
    );
  const { scale, seed, share, defenses, kinds } = size;
  const table = name as Table;
  const chosen = defenses ?? defensesOf(table);
  const { defense: _, ...options } = trainingOf("", scale, seed);
  const cells = chosen
    .flatMap((defense) => evaluationsOf(table, defense, scale, { share, seed }))
    .filter(({ kind }) => kinds?.includes(kind) ?? true);
  const plan = {
    name: `${table} at scale ${scale.name}`,
    device,
    threads,
    images: scale.images ?? IMAGES,
  };
  if (scale.order !== undefined)
    return Object.assign(plan, orderedSteps(size, options, cells, chosen));
  return Object.assign(plan, {
    train: [{ options, grid: { defense: chosen } }],
    evaluate: stepsOf(cells),
  });
}
