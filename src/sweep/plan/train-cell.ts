import { withHeldOutTest } from "../../data/held-out.ts";
import { defenseNamed } from "../../defenses/table.ts";
import { defined } from "../../math/defined.ts";
import { architecture } from "../../models/architectures.ts";
import { flopsPerImage } from "../../models/flops.ts";
import type { Noise } from "../../noise/noise.ts";
import { defenseSettings } from "../../train/defense-settings.ts";
import { resolveOptions, type TrainOptions } from "../../train/options.ts";
import { trainedName } from "../cells/model.ts";
import type { CellList } from "./cell-list.ts";
import { trainingFlops } from "./cost.ts";
import type { Combination } from "./grid.ts";
import { described, type PlannedModel } from "./planned-model.ts";
import type { Step } from "./schema.ts";

/** Adds the cell of a training, and returns its model. */
export async function addTraining(
  list: CellList,
  { combination, step }: { readonly combination: Combination; readonly step: Step },
  noiseNamed: (name: string) => Noise,
): Promise<PlannedModel> {
  const { options: given, varied } = combination;
  const options = resolveOptions(given as TrainOptions);
  const dataset = withHeldOutTest(await list.open(options.data));
  const { train } = dataset;
  const input = { ...dataset, classes: dataset.classes.length };
  const network = architecture(options.model, input, { dropout: options.dropout });
  const defense = defenseNamed(options.defense, defenseSettings(options), noiseNamed);
  const flops = flopsPerImage(network);
  const examples = Math.min(options.examples ?? train.size, train.size);
  const labels = Object.assign({ defense: options.defense, data: options.data }, varied);
  const cell = await list.add(
    {
      kind: "train",
      options: defined({ ...options, prune: step.prune }),
      data: {
        name: options.data,
        sha256: await list.sum(dataset, "train", { from: 0, to: train.size }),
      },
      range: null,
      model: null,
      inputs: [],
    },
    {
      label: `train ${described(options.defense, varied, "defense")}`,
      labels,
      priority: step.priority,
      cost: trainingFlops(defense, { epochs: options.epochs, examples }, flops),
    },
  );
  return {
    name: trainedName(cell),
    model: { cell: cell.key },
    cell,
    data: options.data,
    trainedOn: options.data,
    noise: defense.noise?.name ?? null,
    flops,
    labels,
  };
}
