import { join } from "node:path";
import { z } from "zod";
import { EpsilonL1, EpsilonL2, EpsilonLinf } from "../attacks/options.ts";
import { evaluateNode } from "../evaluate/node.ts";
import { EvaluateOptions } from "../evaluate/options.ts";
import type { Row } from "../evaluate/row.ts";
import { stoppable } from "../evaluate/subject.ts";
import { auditOptions, budgets } from "../experiments/audit-plan.ts";
import { probe } from "../experiments/audit-probe.ts";
import { auditResult } from "../experiments/audit-result.ts";
import { auditText } from "../experiments/audit-text.ts";
import { UsageError } from "../math/usage-error.ts";
import { classifier } from "../models/classifier.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { openModelNode } from "../train/node.ts";
import { auditData, withOutputs, writeAudit } from "./audit-files.ts";
import { type Context, command } from "./command.ts";
import { DataDir, Device, fileOptions, modelOptions, Seed, Threads } from "./options.ts";
import { progress } from "./progress.ts";
import { resuming } from "./resuming.ts";

/** What the program ends with where the accuracy is below what --require asks for. */
const BELOW_REQUIRED = 3;

const { noise, rule, batch } = EvaluateOptions.shape;

/** `rampart audit`: how robust is this file, and can that number be trusted. */
export const auditCommand = command({
  summary:
    "Audit an .onnx classifier: what breaks it in each norm and in all of them, and whether the numbers can be trusted.",
  options: z.strictObject({
    data: z.string().optional().describe("data set; by default the one that the file names"),
    out: z.string().describe("folder of rows, summary.json, report.html and adversarial pictures"),
    norms: z
      .array(z.enum(["linf", "l2", "l1"]))
      .min(1)
      .default(["linf", "l2"])
      .describe("norms of the attacks"),
    epsilonLinf: EpsilonLinf.default(0.031).describe("radius in ℓ∞, for pixels in [0, 1]"),
    epsilonL2: EpsilonL2.default(0.83).describe("radius in ℓ2, for pixels in [0, 1]"),
    epsilonL1: EpsilonL1.default(12).describe("radius in ℓ1, for pixels in [0, 1]"),
    examples: z.int().positive().default(1000).describe("test images to attack: the first ones"),
    budget: z
      .enum(budgets)
      .default("standard")
      .describe("quick: a first look; standard: AutoAttack's four attacks; full: every attack"),
    require: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .describe("accuracy under all attacks below which the exit code is 3"),
    classes: z
      .string()
      .optional()
      .describe("file of the outputs' names: a line each, or JSON; folders are matched by name"),
    resize: z
      .int()
      .positive()
      .optional()
      .describe("length of the shorter side that pictures of a folder are brought to"),
    crop: z
      .int()
      .positive()
      .optional()
      .describe("side of the square that is cut from their middle"),
    ...modelOptions,
    ...{ noise, rule, batch },
    resume: z.boolean().default(false).describe("go on with the audit in --out"),
    ...{ seed: Seed, device: Device, threads: Threads, dataDir: DataDir },
  }),
  positionals: ["model"],
  examples: [
    "rampart audit model.onnx --data cifar10 --out audit --mean 0.491,0.482,0.447 --std 0.247,0.243,0.262",
    "rampart audit model.onnx --data folder:photos --classes imagenet.json --resize 256 --crop 224 --out audit",
    "rampart audit rat.onnx --out audit --budget quick --require 0.4",
  ],
  async run(values, context: Context) {
    const {
      model: path,
      out,
      norms,
      examples,
      budget,
      require: required,
      classes,
      ...rest
    } = values;
    const { epsilonLinf, epsilonL2, epsilonL1, resize, crop, noise, rule, batch, ...more } = rest;
    const { resume, seed, device, threads, dataDir, data, ...file } = more;
    const runtime = await nodeRuntime({ device, ...(threads !== undefined && { threads }) });
    const given = data === undefined ? null : await auditData(data, { resize, crop }, dataDir);
    const model = await openModelNode(path, {
      ...{ ...fileOptions(file), runtime },
      ...(given !== null && { shape: given.shape }),
    });
    if (given === null && model.data === "")
      throw new UsageError(
        `${path} does not say what it was trained on; choose the test images by --data`,
      );
    const outputs = model.architecture.classes;
    const raw = given ?? (await auditData(model.data, { resize, crop }, dataDir));
    const dataset = await withOutputs(raw, outputs, classes);
    for (const note of model.notes ?? []) context.note(note);
    const own = noise ?? model.noise;
    if (noise === undefined && model.noise !== null)
      context.note(
        `${path} says that it adds the noise ${model.noise} at every prediction; it is attacked with it, through EOT`,
      );
    const plan = { norms: [...new Set(norms)], budget, classes: outputs, randomised: own !== null };
    const options = EvaluateOptions.parse({
      ...{ ...auditOptions(plan), examples, seed, rule, batch },
      ...{ epsilonLinf: [epsilonLinf], epsilonL2: [epsilonL2], epsilonL1: [epsilonL1] },
      ...(own !== null && { noise: own }),
    });
    const network = classifier(runtime, model.architecture, model.parameters);
    const bar = progress(context.stderr, { json: context.json });
    const rows: Row[] = [];
    let missing = 0;
    try {
      for await (const { row, done, total } of evaluateNode(model, options, {
        ...{ network, target: { ...runtime.target }, out: join(out, "rows.jsonl"), resume },
        ...{ data: dataset, dataDir, signal: context.signal, note: context.note },
        command: context.argv.join(" "),
      })) {
        rows.push(row);
        missing = total - done;
        bar.update("attacking", done, total);
        context.emit(row);
      }
      if (missing > 0 || context.signal.aborted) {
        bar.stop();
        context.note(
          `stopped after ${rows.length} rows, which are saved. Go on with:\n  ${resuming(context.argv)}`,
        );
        return;
      }
      const radii = { linf: epsilonLinf, l2: epsilonL2, l1: epsilonL1 };
      const found = await probe(stoppable(network, context.signal), dataset.test, {
        ...{ seed, radii: plan.norms.map((norm) => ({ norm, epsilon: radii[norm] })) },
        examples: Math.min(examples, 32),
      });
      const result = auditResult({
        ...{ rows, probe: found, classes: outputs, notes: model.notes ?? [] },
        ...{
          budget,
          noise: own,
          classNames: dataset.classes,
          attacks: options.attacks,
          required: required ?? null,
        },
      });
      bar.stop();
      context.emit({ audit: result });
      context.print(auditText(result));
      context.print("");
      for (const written of await writeAudit(out, result, rows)) {
        context.emit({ file: written });
        context.print(`wrote ${written}`);
      }
      if (result.passed === false) context.exitWith(BELOW_REQUIRED);
    } finally {
      bar.stop();
      await network.release();
    }
  },
});
