import { z } from "zod";
import { nonFiniteNotes } from "../audit/non-finite.ts";
import { ImageOptions, imageOptionsIn } from "../data/image-options.ts";
import { openImagesInNode } from "../data/node.ts";
import { nodeRuntime } from "../engine/runtime/node.ts";
import { noteDecisions, withoutDependence } from "../evaluate/batch.ts";
import { evaluateInNode } from "../evaluate/node.ts";
import { evaluateSchema } from "../evaluate/options.ts";
import type { Row } from "../evaluate/row.ts";
import { summarize } from "../evaluate/summary.ts";
import { defined } from "../math/defined.ts";
import type { Note } from "../math/note.ts";
import { classifier } from "../models/classifier.ts";
import { nonFiniteNode } from "../models/non-finite.ts";
import { openModelInNode } from "../models/opening/node.ts";
import { summaryTable } from "../report/text-table.ts";
import { type Context, command } from "./kit/command.ts";
import { DataDir, Device, fileOptions, modelOptions, Threads } from "./kit/options.ts";
import { namesOf, pick } from "./kit/pick.ts";
import { progress } from "./kit/progress.ts";
import { resuming } from "./kit/resuming.ts";

/** `rampart evaluate`: attacks test images and writes one row per image, attack and radius. */
export const evaluateCommand = command({
  summary: "Measure the accuracy of a model under attack.",
  options: () =>
    evaluateSchema().extend({
      data: z.string().optional().describe("data set; by default the one the model was trained on"),
      out: z
        .string()
        .describe("the .jsonl file to write rows to; settings and images go beside it"),
      saveExamples: z
        .int()
        .nonnegative()
        .default(8)
        .describe("examples per attack whose images are stored for the report"),
      resume: z.boolean().default(false).describe("continue the rows in --out"),
      device: Device,
      threads: Threads,
      dataDir: DataDir,
      ...ImageOptions.shape,
      ...modelOptions,
    }),
  positionals: ["model"],
  files: { inputs: ["model", "data"], outputs: { out: "rows" } },
  examples: [
    "rampart evaluate runs/rat --data cifar10 --attacks pgd-linf --epsilon-linf 8/255 --out rows.jsonl",
    "rampart evaluate runs/at --attacks pgd-linf,pgd-l2,cw-l2 --epsilon-linf 0.01,0.02,0.031 --out curve.jsonl",
    "rampart evaluate runs/rat --attacks pgd-linf --eot 1,4,16,64 --out sweep.jsonl",
  ],
  async run(values, context: Context) {
    const { model: path, data, out, saveExamples, resume, device, threads, dataDir } = values;
    const options = pick(values, namesOf(evaluateSchema().shape));
    const images = imageOptionsIn(values);
    const runtime = await nodeRuntime({ device, threads });
    const file = fileOptions(values);
    const model = await openModelInNode(path, { ...file, runtime });
    for (const { text } of model.notes ?? []) context.note(text);
    for (const sentence of model.head ?? []) context.note(sentence);
    const dataset =
      model.architecture.foreign === true && data !== undefined
        ? await openImagesInNode(data, images, { dataDir, takes: model.architecture.inputShape })
        : data;
    const note = ({ text }: Note) => context.note(text);
    if (typeof dataset === "object") dataset.notes?.forEach(note);
    const architecture =
      typeof dataset === "object"
        ? await withoutDependence(runtime, model.architecture, dataset.test, {
            batch: options.batch,
            note,
          })
        : model.architecture;
    if (typeof dataset === "object")
      await noteDecisions(runtime, model.architecture, dataset.test, {
        batch: architecture === model.architecture ? options.batch : 1,
        note,
      });
    const network = classifier(runtime, architecture, model.parameters);
    const bar = progress(context.stderr, { json: context.json });
    const rows: Row[] = [];
    let missing = 0;
    try {
      for await (const { row, done, total } of evaluateInNode(model, options, {
        network,
        target: { ...runtime.target },
        out,
        resume,
        saveExamples,
        dataDir,
        images,
        ...defined({ data: dataset }),
        locate: (at) => nonFiniteNode(runtime, model.architecture, model.parameters, at),
        signal: context.signal,
        note,
        command: context.argv.join(" "),
      })) {
        rows.push(row);
        missing = total - done;
        bar.update("evaluating", done, total);
        context.emit(row);
      }
    } finally {
      bar.stop();
      await network.release();
    }
    if (missing > 0)
      context.note(
        `stopped after ${rows.length} rows, which are saved. Continue with:`,
        `  ${resuming(context.argv)}`,
      );
    if (rows.length > 0) context.print(...summaryTable(summarize(rows, options)).split("\n"));
    const notFinite = nonFiniteNotes(rows);
    if (notFinite.length > 0) context.note(...notFinite);
    context.print(`rows: ${out}`);
  },
});
