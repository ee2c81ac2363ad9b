import { dirname, join } from "node:path";
import { z } from "zod";
import type { AuditEvent } from "../audit/audit.ts";
import { FormatOption, resultFormats } from "../audit/formats/table.ts";
import { auditInNode } from "../audit/node.ts";
import { AuditOptions } from "../audit/options.ts";
import { contradictionText } from "../audit/prove/contradiction.ts";
import { auditLines } from "../audit/text.ts";
import { ImageOptions } from "../data/image-options.ts";
import { ImageRules } from "../data/image-rules.ts";
import { nodeRuntime } from "../engine/runtime/node.ts";
import { defined } from "../math/defined.ts";
import type { Note } from "../math/note.ts";
import { UsageError } from "../math/usage-error.ts";
import { counted } from "../report/format.ts";
import {
  attackElsewhere,
  requireSharing,
  sharingOptions,
  threadsOfWorkers,
} from "./audit-workers.ts";
import { type Context, command } from "./kit/command.ts";
import { Classes, DataDir, Device, fileOptions, modelOptions, Threads } from "./kit/options.ts";
import { namesOf, pick } from "./kit/pick.ts";
import { type Progress, progress } from "./kit/progress.ts";
import { resuming } from "./kit/resuming.ts";
import { reporter } from "./sweep-output.ts";

/** Exit code if the accuracy is below --require, or the result is invalid. */
const BELOW_REQUIRED = 3;
/** Exit codes if the attacks are done and a diagnostic could not run. */
const [OUR_BUG, USER_CAN_FIX] = [1, 2];

/** `rampart audit`: how robust is this classifier, and can the number be trusted? */
export const auditCommand = command({
  summary:
    "Audit an .onnx classifier: its accuracy under attack in each norm and in all norms, and whether the numbers can be trusted.",
  options: z.strictObject({
    data: z
      .string()
      .optional()
      .describe(
        "test images: folder:PATH (one sub-folder per class), npz:PATH, cifar10, mnist and others; by default the data set that the file names",
      ),
    out: z
      .string()
      .default("audit")
      .describe("folder to write rows, summary.json, report.html and adversarial images to"),
    ...AuditOptions.shape,
    classes: Classes,
    preprocessing: z
      .string()
      .optional()
      .describe(
        "JSON file with the preprocessing (of rampart, Hugging Face, timm or torchvision); by default one beside the model, none to ignore it; flags override it",
      ),
    ...ImageOptions.shape,
    ...modelOptions,
    format: FormatOption,
    saveExamples: z
      .int()
      .nonnegative()
      .default(8)
      .describe("adversarial examples per attack and radius to store in rows.examples.npz"),
    saveInputs: z
      .int()
      .nonnegative()
      .default(0)
      .describe(
        "test images to write to inputs/ as the network sees them: PNG files after --resize and --crop, and inputs.npz with the tensor after mean and std",
      ),
    resume: z.boolean().default(false).describe("continue the audit in --out"),
    ...sharingOptions,
    device: Device,
    threads: Threads,
    dataDir: DataDir,
  }),
  positionals: ["model"],
  files: {
    inputs: ["model", "data", "classes", "preprocessing"],
    outputs: {
      out: {
        folder: [
          "rows.jsonl",
          "rows.settings.json",
          "rows.examples.npz",
          "rows.proofs.jsonl",
          "rows.proofs.settings.json",
          "rows.certificates.jsonl",
          "rows.certificates.settings.json",
          "rows.checks.jsonl",
          "rows.checks.settings.json",
          "rows.breaks.jsonl",
          "rows.breaks.settings.json",
          "radii.jsonl",
          "radii.settings.json",
          "rows.convergence.json",
          "contradictions",
          "summary.json",
          "report.html",
          ...resultFormats.all.map(({ file }) => file),
          "pictures",
          "inputs",
          "parts",
        ],
      },
    },
  },
  examples: [
    "rampart audit model.onnx --data folder:photos --norms linf,l2",
    "rampart audit model.onnx --data cifar10 --out audit --mean 0.491,0.482,0.447 --std 0.247,0.243,0.262",
    "rampart audit model.onnx --data folder:photos --classes imagenet.json --resize 256 --crop 224 --out audit",
    "rampart audit model.onnx --data cifar10 --norms linf --epsilon-linf 1/255,2/255,4/255,8/255 --out curve",
    "rampart audit rat.onnx --out audit --budget quick --require 0.4",
    "rampart audit model.onnx --data cifar10 --minutes 10 --out audit",
    "rampart audit model.onnx --data cifar10 --norms linf --epsilon-linf 2/255 --prove --out proven",
    "rampart audit model.onnx --data cifar10 --noise normal:0.25 --prove --out certified",
    "rampart audit model.onnx --data cifar10 --examples 10000 --workers 8 --out audit",
  ],
  async run(values, context: Context) {
    const { model: path, device, threads, out, data, dataDir, resume } = values;
    const {
      format,
      saveExamples,
      saveInputs,
      classes,
      preprocessing,
      resize,
      crop,
      interpolation,
    } = values;
    const options = pick(values, namesOf(AuditOptions.shape));
    requireSharing(values);
    if (options.minutes !== undefined && context.argv.some((word) => /^--budget(=|$)/.test(word)))
      throw new UsageError("--minutes and --budget both set the length of the attacks; give one", {
        code: "bad-option",
      });
    const runtime = await nodeRuntime({ device, threads: threads ?? threadsOfWorkers(values) });
    const bar = progress(context.stderr, { json: context.json });
    let rows = 0;
    let finished = false;
    try {
      const rules = pick(values, namesOf(ImageRules.shape));
      const reading = defined({
        ...fileOptions(values),
        preprocessing,
        classes,
        resize,
        crop,
        interpolation,
        rules,
      });
      const { queue, patience, workers } = values;
      const elsewhere = await attackElsewhere({
        path,
        options,
        reading,
        data,
        saveExamples,
        target: runtime.target,
        folder: join(out, "parts"),
        workers,
        queue,
        patience,
        dataDir,
        signal: context.signal,
        note: (text) => bar.log(text),
        onEvent: reporter(() => undefined, bar, context),
        onProgress: (done, total) => bar.update("attacking", done, total),
      });
      const request = {
        ...reading,
        runtime,
        out,
        data,
        dataDir,
        resume,
        format,
        saveExamples,
        saveInputs,
        signal: context.signal,
        note: ({ text }: Note) => context.note(text),
        command: context.argv.join(" "),
      };
      for await (const event of auditInNode(path, options, request, {
        attackElsewhere: elsewhere,
      })) {
        if (event.event === "row") rows++;
        if (event.event !== "result") {
          tellStep(event, bar, context);
          continue;
        }
        finished = true;
        bar.stop();
        tellResult(event, context);
      }
    } finally {
      bar.stop();
    }
    if (!finished)
      context.note(
        `stopped after ${rows} rows, which are saved. Continue with:`,
        `  ${resuming(context.argv)}`,
      );
  },
});

type Result = Extract<AuditEvent, { event: "result" }>;

/** Shows a row, a proof or a certificate. */
function tellStep(event: Exclude<AuditEvent, Result>, bar: Progress, { emit }: Context): void {
  if (event.event === "row") {
    bar.update("attacking", event.done, event.total);
    emit(event.row);
  } else if (event.event === "proof") {
    bar.update("proving", event.done, event.total);
    emit({ proof: event.proof });
  } else if (event.event === "search") {
    bar.update("searching smallest radii", event.done, event.total);
    for (const searched of event.searched) emit({ searched });
  } else {
    bar.update("certifying", event.done, event.total);
    emit({ certificate: event.certificate });
  }
}

/** Shows the result and the files, and sets the exit code. */
function tellResult({ result, files }: Result, context: Context): void {
  context.emit({ audit: result });
  context.print(...auditLines(result), "");
  for (const file of files) context.emit({ file });
  for (const line of writtenLines(files)) context.print(line);
  const { passed, notRun, proofs } = result;
  const contradictions = proofs?.contradictions ?? [];
  for (const one of contradictions)
    context.note(`error: ${contradictionText(one, proofs?.kind ?? "proof")}.`);
  if (contradictions.length > 0) context.exitWith(OUR_BUG);
  else if (notRun.length > 0)
    context.exitWith(notRun.every(({ fixable }) => fixable) ? USER_CAN_FIX : OUR_BUG);
  else if (passed === false) context.exitWith(BELOW_REQUIRED);
}

/** One line per file, and one line for all images. */
function writtenLines(files: readonly string[]): string[] {
  const images = files.filter((file) => file.endsWith(".png"));
  const lines = files.filter((file) => !images.includes(file)).map((file) => `wrote ${file}`);
  if (images.length > 0)
    lines.push(`wrote ${counted(images.length, "image")} in ${dirname(images[0])}`);
  return lines;
}
