import { z } from "zod";
import { chance, permutedClasses } from "../audit/answer-diagnostics.ts";
import { linesOf } from "../audit/diagnostic.ts";
import { nonFiniteGradients } from "../audit/non-finite.ts";
import type { Dataset } from "../data/dataset.ts";
import { imageOptionsIn } from "../data/image-options.ts";
import { nodeRuntime } from "../engine/runtime/node.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import { noteDecisions, withoutDependence } from "../evaluate/batch.ts";
import { checkFit } from "../evaluate/fit.ts";
import { type EvaluateEvent, evaluateInNode } from "../evaluate/node.ts";
import { evaluateSchema } from "../evaluate/options.ts";
import type { Row } from "../evaluate/row.ts";
import { summarize } from "../evaluate/summary.ts";
import { openTestImages } from "../evaluate/test-images/node.ts";
import type { Note, OnNote } from "../math/note.ts";
import { type Classifier, classifier } from "../models/classifier.ts";
import { nonFiniteNode } from "../models/non-finite.ts";
import { openModelInNode } from "../models/opening/node.ts";
import type { OpenModel } from "../models/opening/open-model.ts";
import { summaryTable } from "../report/text-table.ts";
import { type Context, command } from "./kit/command.ts";
import { fileOptions, rowsOptions } from "./kit/options.ts";
import { namesOf, pick } from "./kit/pick.ts";
import { progress } from "./kit/progress.ts";
import { resuming } from "./kit/resuming.ts";

/** `rampart evaluate`: attacks test images and writes one row per image, attack and radius. */
export const evaluateCommand = command({
  summary: "Measure the accuracy of a model under attack.",
  options: () =>
    evaluateSchema().extend({
      ...rowsOptions("settings and images go beside it"),
      saveExamples: z
        .int()
        .nonnegative()
        .default(8)
        .describe("examples per attack whose images are stored for the report"),
    }),
  positionals: ["model"],
  files: { inputs: ["model", "data", "classes"], outputs: { out: "rows" } },
  examples: [
    "rampart evaluate runs/rat --data cifar10 --attacks pgd-linf --epsilon-linf 8/255 --out rows.jsonl",
    "rampart evaluate runs/at --attacks pgd-linf,pgd-l2,cw-l2 --epsilon-linf 0.01,0.02,0.031 --out curve.jsonl",
    "rampart evaluate runs/rat --attacks pgd-linf --eot 1,4,16,64 --out sweep.jsonl",
  ],
  async run(values, context: Context) {
    const { data, out, saveExamples, resume, dataDir, classes } = values;
    const options = pick(values, namesOf(evaluateSchema().shape));
    const images = imageOptionsIn(values);
    const note = ({ text }: Note) => context.note(text);
    const runtime = await nodeRuntime(pick(values, ["device", "threads"]));
    const model = await openModelInNode(values.model, { ...fileOptions(values), runtime });
    model.notes?.forEach(note);
    for (const sentence of model.head ?? []) context.note(sentence);
    const tested = await openTestImages(model, { data, dataDir, images, classes }, note);
    const network = await networkFor(runtime, model, tested.dataset, {
      batch: options.batch,
      note,
    });
    const { architecture, parameters } = model;
    const rows = await attacked(
      evaluateInNode(model, options, {
        network,
        target: { ...runtime.target },
        tested,
        out,
        resume,
        saveExamples,
        images,
        classes,
        locate: (at) => nonFiniteNode(runtime, architecture, parameters, at),
        signal: context.signal,
        note,
        command: context.argv.join(" "),
      }),
      context,
    ).finally(() => network.release());
    if (rows.length > 0) context.print(...summaryTable(summarize(rows, options)).split("\n"));
    context.note(...linesOf(nonFiniteGradients({ rows })));
    if (architecture.foreign === true) {
      const facts = { rows, classes: architecture.classes, classNames: tested.dataset.classes };
      context.note(...linesOf(permutedClasses(facts) ?? chance(facts)));
    }
    context.print(`rows: ${out}`);
  },
});

/** How an evaluation compiles its network. */
interface NetworkOptions {
  /** Largest batch. */
  readonly batch: number;
  readonly note: OnNote;
}

/**
 * Compiles the network of a model. A third-party network is first checked on the images: its decisions, and whether
 * scores depend on the batch.
 */
async function networkFor(
  runtime: Runtime,
  model: OpenModel,
  dataset: Dataset,
  { batch, note }: NetworkOptions,
): Promise<Classifier> {
  checkFit(model, dataset);
  const { architecture, parameters } = model;
  if (architecture.foreign !== true) return classifier(runtime, architecture, parameters);
  const independent = await withoutDependence(runtime, architecture, dataset.test, { batch, note });
  const size = independent === architecture ? batch : 1;
  await noteDecisions(runtime, architecture, dataset.test, { batch: size, note });
  return classifier(runtime, independent, parameters);
}

/** The rows of an evaluation, each reported when it is done. Says how to continue one that was stopped. */
async function attacked(events: AsyncIterable<EvaluateEvent>, context: Context): Promise<Row[]> {
  const bar = progress(context.stderr, { json: context.json });
  const rows: Row[] = [];
  let missing = 0;
  try {
    for await (const { row, done, total } of events) {
      rows.push(row);
      missing = total - done;
      bar.update("evaluating", done, total);
      context.emit(row);
    }
  } finally {
    bar.stop();
  }
  if (missing > 0)
    context.note(
      `stopped after ${rows.length} rows, which are saved. Continue with:`,
      `  ${resuming(context.argv)}`,
    );
  return rows;
}
