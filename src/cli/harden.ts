import { join } from "node:path";
import { z } from "zod";
import { EpsilonL0 } from "../attacks/options.ts";
import { AuditOptions } from "../audit/options.ts";
import { reportTools } from "../audit/report-tools.ts";
import { nodeRuntime } from "../engine/runtime/node.ts";
import { nodeHost } from "../files/host/node.ts";
import { besideRows } from "../files/rows/rows-file.ts";
import { nodeFiles } from "../files/run/node.ts";
import { nodeStorage } from "../files/storage/node.ts";
import { type Judgement, judged } from "../harden/judged.ts";
import {
  type FileTraining,
  openForTraining,
  openHardened,
  trainFileInNode,
} from "../harden/node.ts";
import { MODEL_FILE } from "../harden/trained-file.ts";
import type { Note } from "../math/note.ts";
import { UsageError } from "../math/usage-error.ts";
import type { ComparedResult } from "../report/compared.ts";
import { comparedResults } from "../report/compared-results.ts";
import { comparisonOf } from "../report/comparison.ts";
import { comparisonRecord, comparisonReport } from "../report/comparison-report.ts";
import { comparisonLines } from "../report/comparison-text.ts";
import { readResultFile } from "../report/node.ts";
import { type ResolvedOptions, type TrainOptions, trainOptions } from "../train/options.ts";
import { storedOptions } from "../train/run-config.ts";
import { type Context, command } from "./kit/command.ts";
import { fileReading, readingIn } from "./kit/file-reading.ts";
import { DataDir, Device, Threads } from "./kit/options.ts";
import { writeOutput } from "./kit/outputs.ts";
import { namesOf, pick } from "./kit/pick.ts";
import { type Progress, progress } from "./kit/progress.ts";
import { quoted, resuming } from "./kit/resuming.ts";
import { RUN_FILES, tellTraining } from "./kit/training-events.ts";

/** Files of rows before and after the training, and their comparison, in the run directory. */
const [BEFORE, AFTER, REPORT] = ["before.jsonl", "after.jsonl", "report.html"];

/** What is written beside rows. */
const besidesOf = (rows: string): readonly string[] =>
  ["settings.json", "examples.npz"].map((suffix) => besideRows(rows, suffix));

/** The options of the comparison before and after. */
const judging = {
  testNorms: z
    .array(z.enum(["linf", "l2", "l1"]))
    .min(1)
    .default(["linf", "l2"])
    .describe("norms of the attacks before and after"),
  testExamples: z
    .int()
    .positive()
    .default(500)
    .describe("test images that are attacked before and after"),
  testBudget: AuditOptions.shape.budget.default("quick"),
  epsilonL0: EpsilonL0.optional().describe(
    "also attack in ℓ0 before and after: number of pixels that may change, each with all its channels",
  ),
};

/** `rampart harden`: makes a third-party file robust, and shows by how much. */
export const hardenCommand = command({
  summary:
    "Make any .onnx classifier more robust: train its own weights with a defence, choose the best checkpoint on held-out images, and compare before and after.",
  options: () =>
    trainOptions()
      .omit({ model: true })
      .extend({
        out: z.string().describe("run directory to write"),
        minutes: z
          .number()
          .positive()
          .optional()
          .describe(
            "time for the training, instead of --epochs; a few timed steps decide its length, and it stops at its best checkpoint if it takes 20 % more",
          ),
        ...judging,
        resume: z.boolean().default(false).describe("continue the run in --out"),
        device: Device,
        threads: Threads,
        dataDir: DataDir,
        ...fileReading,
      }),
  positionals: ["model"],
  files: {
    inputs: ["model", "data", "classes", "preprocessing"],
    outputs: {
      out: {
        folder: [
          ...RUN_FILES,
          ...[BEFORE, AFTER].flatMap((rows) => [rows, ...besidesOf(rows)]),
          REPORT,
        ],
      },
    },
  },
  examples: [
    "rampart harden model.onnx --data folder:photos --defense e-at --out hardened",
    "rampart harden model.onnx --data cifar10 --defense e-at --minutes 60 --max-clean-loss 0.1 --out hardened",
    "rampart harden model.onnx --data cifar10 --defense fast-at-linf --recipe fast --epochs 3 --out hardened",
  ],
  async run(values, context: Context) {
    const { model: path, out, resume, device, threads, dataDir, minutes, epochs } = values;
    if (minutes !== undefined && epochs !== undefined)
      throw new UsageError("--minutes and --epochs both set the length of the training; give one", {
        code: "bad-option",
      });
    const runtime = await nodeRuntime({ device, threads });
    const note = ({ text }: Note) => context.note(text);
    const training: FileTraining = Object.assign({}, readingIn(values), {
      path,
      out,
      runtime,
      resume,
      dataDir,
      minutes,
      hardens: true,
      signal: context.signal,
      note,
      command: context.argv.map(quoted).join(" "),
    });
    const given = pick(values, namesOf(trainOptions().omit({ model: true }).shape));
    const bar = progress(context.stderr, { json: context.json });
    const { hasModel, failure } = await trains(given, training, bar, context);
    if (!hasModel) return;
    // A resumed run has options that the command does not repeat.
    const trained = await storedOptions(nodeFiles(out));
    const notes = await judges(Object.assign({}, values, trained), training, { bar, context });
    if (notes !== null) await compares(out, trained.seed, notes, context);
    if (failure !== null) throw failure;
  },
});

/** How a training ends. */
interface Trained {
  /** Whether it has chosen the model to compare. */
  readonly hasModel: boolean;
  /** Why it stopped before all of its work was done, with a model all the same; null if it did not. */
  readonly failure: UsageError | null;
}

async function trains(
  given: TrainOptions,
  training: FileTraining,
  bar: Progress,
  context: Context,
): Promise<Trained> {
  const out = nodeStorage(`${training.out}/`, training.out);
  let hasModel = false;
  let isTraining = false;
  try {
    for await (const event of trainFileInNode(given, training)) {
      tellTraining(event, bar, context, resuming(context.argv));
      if (event.event === "step" && !isTraining) {
        isTraining = true;
        // An earlier part of this run may have been compared, and its model is replaced.
        for (const name of [AFTER, ...besidesOf(AFTER), REPORT]) await out.remove(name);
      }
      if (event.event === "done" || event.event === "stopped") hasModel = true;
    }
  } catch (error) {
    if (!hasModel || !(error instanceof UsageError)) throw error;
    return { hasModel, failure: error };
  } finally {
    bar.stop();
  }
  return { hasModel, failure: null };
}

type Judging = z.output<z.ZodObject<typeof judging>> & ResolvedOptions;

/** Attacks the file before and after. Returns what must be said of the test images; null if rows are missing. */
async function judges(
  values: Judging,
  training: FileTraining,
  { bar, context }: { readonly bar: Progress; readonly context: Context },
): Promise<readonly Note[] | null> {
  const { out, runtime, note = () => undefined, signal } = training;
  const { data, testNorms, testExamples, testBudget } = values;
  const judgement: Judgement = {
    norms: testNorms,
    examples: testExamples,
    budget: testBudget,
    epsilonLinf: values.epsilonLinf,
    epsilonL2: values.epsilonL2,
    epsilonL1: values.epsilonL1,
    epsilonL0: values.epsilonL0,
    seed: values.seed,
  };
  const quiet = Object.assign({}, training, { note: () => undefined });
  const opened = [
    [BEFORE, () => openForTraining(quiet, data)],
    [AFTER, () => openHardened(training, data)],
  ] as const;
  const { command } = training;
  const tools = {
    runtime,
    host: nodeHost,
    out: nodeStorage(`${out}/`, out),
    signal,
    note,
    command,
  };
  const notes: Note[] = [];
  let missing = 1;
  try {
    for (const [name, open] of opened) {
      const file = await open();
      if (name === BEFORE && file.seen !== null) notes.push(file.seen);
      for await (const { row, done, total } of judged(file, name, judgement, tools)) {
        bar.update(name === BEFORE ? "attacking before" : "attacking after", done, total);
        context.emit(row);
        missing = total - done;
      }
      if (missing > 0 || context.signal.aborted) {
        bar.log("stopped; finished rows are saved. Continue with:", `  ${resuming(context.argv)}`);
        return null;
      }
    }
  } finally {
    bar.stop();
  }
  return notes;
}

/** What is said of a training that has not changed the file. */
const UNCHANGED: Note = {
  code: "not-better",
  text: "No checkpoint of the training was better on the validation images than the file as it was. The weights after hardening are therefore those before it, unchanged; train longer, or at another --rate.",
};

/** Whether both results are of the same network. */
const haveSameWeights = (results: readonly ComparedResult[]): boolean => {
  const [before, after] = results.map(({ evaluation }) => evaluation.settings?.model.weights);
  return before !== undefined && before === after;
};

/** Writes and prints the comparison. */
async function compares(
  out: string,
  seed: number,
  notes: readonly Note[],
  context: Context,
): Promise<void> {
  const [before, after] = await Promise.all(
    [BEFORE, AFTER].map((name) => readResultFile(join(out, name))),
  );
  // Both are the same network under the same name.
  const labels = ["before", "after"] as const;
  const results = comparedResults(before, after, reportTools, labels);
  const found = comparisonOf(...results, { seed });
  const isUnchanged = haveSameWeights(results);
  const training = isUnchanged ? [UNCHANGED, ...notes] : notes;
  const comparison = Object.assign({}, found, { notes: [...training, ...found.notes] });
  const evaluations = results.map(({ evaluation }) => evaluation);
  const report = join(out, REPORT);
  const title = `${comparison.before.model} before and after hardening`;
  await writeOutput(context, report, comparisonReport(comparison, evaluations, "html", title));
  context.emit(comparisonRecord(comparison));
  for (const { text } of comparison.notes) context.note(`note: ${text}`);
  context.print(...comparisonLines(comparison), "");
  const model = join(out, MODEL_FILE);
  context.print(
    isUnchanged ? `wrote ${model}, whose weights are unchanged` : `wrote ${model}`,
    `wrote ${report}`,
  );
}
