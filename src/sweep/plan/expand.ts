// Expands a plan into its cells: trainings first, then the work on each model, then the report.
import type { AuditOptions } from "../../audit/options.ts";
import type { Dataset } from "../../data/dataset.ts";
import { checkOptions } from "../../evaluate/check.ts";
import { groupSizeOf, rangesOf } from "../../evaluate/groups.ts";
import type { ImageRange } from "../../evaluate/image-range.ts";
import { evaluateSchema } from "../../evaluate/options.ts";
import { noTestImages } from "../../evaluate/tested-data.ts";
import { UsageError } from "../../math/usage-error.ts";
import { flopsPerImage } from "../../models/flops.ts";
import { noiseNamed as plainNoise } from "../../noise/table.ts";
import type { Cell } from "../cell.ts";
import { hashedRange, testedPart } from "../cells/model.ts";
import { CellList, type PlanContext } from "./cell-list.ts";
import { certificationFlops, evaluationFlops, proofFlops } from "./cost.ts";
import { type Combination, combinationsOf } from "./grid.ts";
import { addHardening } from "./harden-cell.ts";
import { attacksOfAudit, described, isWhere, type PlannedModel } from "./planned-model.ts";
import { addReport, type PlannedEvaluation } from "./report-cell.ts";
import type { PlanFile, Step, StepKind } from "./schema.ts";
import { addTraining } from "./train-cell.ts";

/** Expands a plan. Its data are opened once each. */
class Expansion {
  readonly #list: CellList;
  readonly #context: PlanContext;
  readonly #plan: PlanFile;
  readonly #path: string;

  constructor(plan: PlanFile, path: string, context: PlanContext) {
    this.#plan = plan;
    this.#path = path;
    this.#context = context;
    this.#list = new CellList(context);
  }

  async run(): Promise<readonly Cell[]> {
    const files = await this.#files();
    const hardened: PlannedModel[] = [];
    const { noiseNamed = plainNoise } = this.#context;
    await this.#each("harden", files, async (file, combination, step) => {
      const model = await addHardening(this.#list, file, { combination, step }, noiseNamed);
      hardened.push(model);
    });
    const models = [...(await this.#trained()), ...files, ...hardened];
    const evaluations: PlannedEvaluation[] = [];
    await this.#each("evaluate", models, async (model, combination, step, name) => {
      const cells = await this.#evaluation(model, combination, step);
      evaluations.push({ name, cells });
    });
    await this.#each("certify", models, (model, combination, step) =>
      this.#certification(model, combination, step),
    );
    await this.#each("prove", models, (model, combination, step) =>
      this.#proofs(model, combination, step),
    );
    await this.#each("audit", models, (model, combination, step) =>
      this.#audit(model, combination, step),
    );
    if (this.#plan.report) await addReport(this.#list, this.#path, evaluations);
    return this.#list.cells;
  }

  async #trained(): Promise<PlannedModel[]> {
    const { noiseNamed = plainNoise } = this.#context;
    const models: PlannedModel[] = [];
    for (const [i, step] of this.#plan.train.entries())
      for (const combination of combinationsOf("train", step, `${this.#path}: train.${i}`))
        models.push(await addTraining(this.#list, { combination, step }, noiseNamed));
    return models;
  }

  async #files(): Promise<PlannedModel[]> {
    const models: PlannedModel[] = [];
    for (const { file, data = "", inputShape, ...others } of this.#plan.models) {
      const reading = Object.fromEntries(
        Object.entries({ ...others, shape: inputShape }).filter(([, value]) => value !== undefined),
      );
      const { path, sha256, model } = await this.#context.openFile(file, reading);
      models.push({
        name: model.name,
        model: { file: path, sha256, reading },
        cell: null,
        data: data === "" ? model.data : data,
        trainedOn: model.data,
        noise: model.noise,
        flops: flopsPerImage(model.architecture),
        labels: { file: model.name },
      });
    }
    return models;
  }

  /** Calls `action` for each combination of each step of a kind, on each model of the step. */
  async #each(
    kind: Exclude<StepKind, "train">,
    models: readonly PlannedModel[],
    action: (
      model: PlannedModel,
      combination: Combination,
      step: Step,
      name: string,
    ) => Promise<void>,
  ): Promise<void> {
    for (const [i, step] of this.#plan[kind].entries()) {
      const place = `${this.#path}: ${kind}.${i}`;
      const all = combinationsOf(kind, step, place);
      const chosen = models.filter((model) => isWhere(step, model));
      if (chosen.length === 0)
        throw new UsageError(
          kind === "harden" && models.length === 0
            ? `${place} needs models: the .onnx files to harden`
            : `${place}.where fits no model of the plan`,
          { code: "bad-option" },
        );
      for (const model of chosen)
        for (const [k, combination] of all.entries())
          await action(model, combination, step, `${model.name}.${i}.${k}`);
    }
  }

  /** The data set of a step on a model, and the settings that its cells share. */
  async #tested(model: PlannedModel, data: unknown): Promise<Dataset> {
    const name = data === undefined ? model.data : String(data);
    if (name === "") throw noTestImages(model.name);
    const dataset = await this.#list.open(name);
    return testedPart(dataset, model.trainedOn);
  }

  async #evaluation(
    model: PlannedModel,
    { options, varied }: Combination,
    step: Step,
  ): Promise<Cell[]> {
    const { data, saveExamples: _, ...given } = options;
    const asked = evaluateSchema().parse(given);
    const dataset = await this.#tested(model, data);
    const randomised = (asked.noise ?? model.noise) !== null;
    checkOptions(asked, { randomised, shape: dataset.shape });
    const count = Math.min(asked.examples, dataset.test.size);
    const cells: Cell[] = [];
    for (const range of rangesOf(count, this.#plan.images, groupSizeOf(asked, randomised))) {
      const images = range.to - range.from;
      const cell = await this.#ranged(
        "evaluate",
        model,
        { options, dataset, range },
        {
          varied,
          priority: step.priority,
          cost: evaluationFlops(asked, { images, randomised }, model.flops),
        },
      );
      cells.push(cell);
    }
    return cells;
  }

  async #certification(
    model: PlannedModel,
    { options, varied }: Combination,
    step: Step,
  ): Promise<void> {
    const dataset = await this.#tested(model, options.data);
    if (options.noise === undefined && model.noise === null)
      throw new UsageError(
        `${model.name} states no noise, and only a classifier under noise is certified; add noise, or use where`,
        { code: "missing-option" },
      );
    const draws = { n: Number(options.n), n0: Number(options.n0) };
    await this.#eachRange("certify", model, dataset, { options, varied }, step, (images) =>
      certificationFlops(draws, images, model.flops),
    );
  }

  async #proofs(model: PlannedModel, { options, varied }: Combination, step: Step): Promise<void> {
    const dataset = await this.#tested(model, options.data);
    if (model.noise !== null)
      throw new UsageError(
        `${model.name} adds noise ${model.noise}, and prove needs classifiers without noise; use certify, or where`,
        { code: "misfit" },
      );
    const norms = new Set(options.norms as readonly string[]).size;
    await this.#eachRange("prove", model, dataset, { options, varied }, step, (images) =>
      proofFlops(norms, images, model.flops),
    );
  }

  /** A cell for each range of images, which do not depend on each other. */
  async #eachRange(
    kind: "certify" | "prove",
    model: PlannedModel,
    dataset: Dataset,
    { options, varied }: Combination,
    { priority }: Step,
    flopsOf: (images: number) => number,
  ): Promise<void> {
    const count = Math.min(Number(options.examples), dataset.test.size);
    for (const range of rangesOf(count, this.#plan.images, 1)) {
      const cost = flopsOf(range.to - range.from);
      await this.#ranged(kind, model, { options, dataset, range }, { varied, priority, cost });
    }
  }

  async #audit(model: PlannedModel, { options, varied }: Combination, step: Step): Promise<void> {
    const dataset = await this.#tested(model, options.data);
    const count = Math.min(Number(options.examples), dataset.test.size);
    const noise = (options.noise as string | undefined) ?? model.noise;
    const asked = attacksOfAudit(options as AuditOptions, dataset.classes.length, noise);
    const cost = evaluationFlops(asked, { images: count, randomised: noise !== null }, model.flops);
    const range = { from: 0, to: count };
    await this.#ranged(
      "audit",
      model,
      { options, dataset, range },
      {
        varied,
        priority: step.priority,
        cost,
      },
    );
  }

  #ranged(
    kind: "evaluate" | "certify" | "prove" | "audit",
    { name, model, cell, labels }: PlannedModel,
    {
      options,
      dataset,
      range,
    }: {
      readonly options: Readonly<Record<string, unknown>>;
      readonly dataset: Dataset;
      readonly range: ImageRange;
    },
    {
      varied,
      priority,
      cost,
    }: { readonly varied: Combination["varied"]; readonly priority: number; readonly cost: number },
  ): Promise<Cell> {
    return this.#list.sum(dataset, "test", hashedRange(options, range, dataset)).then((sha256) =>
      this.#list.add(
        {
          kind,
          // A range does not depend on the number of later images.
          options: { ...options, examples: range.to, data: dataset.name },
          data: { name: dataset.name, sha256 },
          range,
          model,
          inputs: cell === null ? [] : [cell.key],
        },
        {
          label: `${kind} ${described(name, varied)}, images ${range.from}–${range.to - 1}`,
          labels: Object.assign({}, labels, varied),
          priority,
          cost,
        },
      ),
    );
  }
}

/** The cells of a plan. Inputs come before the cells that need them. `path` names the plan in messages. Throws `UsageError`. */
export async function cellsOf(
  plan: PlanFile,
  path: string,
  context: PlanContext,
): Promise<readonly Cell[]> {
  return new Expansion(plan, path, context).run();
}
