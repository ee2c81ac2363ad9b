import { withHeldOutTest } from "../../data/held-out.ts";
import { defenseNamed } from "../../defenses/table.ts";
import { noTestImages } from "../../evaluate/tested-data.ts";
import { hardeningDefaults } from "../../harden/train-file.ts";
import { defined } from "../../math/defined.ts";
import type { Noise } from "../../noise/noise.ts";
import { defenseSettings } from "../../train/defense-settings.ts";
import { resolveOptions, type TrainOptions } from "../../train/options.ts";
import { trainedName } from "../cells/model.ts";
import type { CellList } from "./cell-list.ts";
import { trainingFlops } from "./cost.ts";
import type { Combination } from "./grid.ts";
import { described, type PlannedModel } from "./planned-model.ts";
import type { Step } from "./schema.ts";

/** Adds the cell that hardens a file, and returns the model that it makes. Throws `UsageError`. */
export async function addHardening(
  list: CellList,
  file: PlannedModel,
  { combination, step }: { readonly combination: Combination; readonly step: Step },
  noiseNamed: (name: string) => Noise,
): Promise<PlannedModel> {
  const { options: given, varied } = combination;
  const data = String(given.data ?? file.data);
  if (data === "") throw noTestImages(file.name);
  const dataset = withHeldOutTest(await list.open(data));
  const { size } = dataset.train;
  const asked = Object.assign({}, given, { model: file.name, data }) as TrainOptions;
  const options = resolveOptions(hardeningDefaults(asked, size));
  const defense = defenseNamed(options.defense, defenseSettings(options), noiseNamed);
  const examples = Math.min(options.examples ?? size, size);
  const labels = Object.assign({}, file.labels, { defense: options.defense, data }, varied);
  const cell = await list.add(
    {
      kind: "harden",
      // Without a warm-up, hardening checks whether the file needs one.
      options: defined({
        ...options,
        epsilonWarmup: asked.epsilonWarmup,
        prune: step.prune,
      }),
      data: { name: data, sha256: await list.sum(dataset, "train", { from: 0, to: size }) },
      range: null,
      model: file.model,
      inputs: [],
    },
    {
      label: `harden ${described(`${file.name}, ${options.defense}`, varied, "defense")}`,
      labels,
      priority: step.priority,
      cost: trainingFlops(defense, { epochs: options.epochs, examples }, file.flops),
    },
  );
  return {
    name: trainedName(cell),
    model: { cell: cell.key },
    cell,
    data,
    trainedOn: data,
    noise: defense.noise?.name ?? null,
    flops: file.flops,
    labels,
  };
}
