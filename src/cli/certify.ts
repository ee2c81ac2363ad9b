import { certifyDataset } from "../certify/certification.ts";
import { chosenText } from "../certify/chosen-images.ts";
import { CertificationOptions } from "../certify/options.ts";
import type { CertificateRow } from "../certify/row.ts";
import { type CertifiedShare, CONFIDENCE, certifiedShares } from "../certify/share.ts";
import type { Split } from "../data/dataset.ts";
import { imageOptionsIn } from "../data/image-options.ts";
import { nodeRuntime } from "../engine/runtime/node.ts";
import { noteDecisions, withoutDependence } from "../evaluate/batch.ts";
import { checkFit } from "../evaluate/fit.ts";
import { weightsHash } from "../evaluate/model-record.ts";
import { openTestImages } from "../evaluate/test-images/node.ts";
import { nodeHost } from "../files/host/node.ts";
import { nodeStorageOf } from "../files/storage/node.ts";
import type { Note } from "../math/note.ts";
import { classifier } from "../models/classifier.ts";
import { openModelInNode } from "../models/opening/node.ts";
import { type Context, command } from "./kit/command.ts";
import { fileOptions, rowsOptions } from "./kit/options.ts";
import { namesOf, pick } from "./kit/pick.ts";
import { progress } from "./kit/progress.ts";
import { resuming } from "./kit/resuming.ts";

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** The certified accuracy at each radius, one line each. */
const lineOf = ({ norm, radius, certified, of, low }: CertifiedShare): string =>
  `${norm.padEnd(4)} ${String(radius).padStart(6)}   ${percent(certified / of).padStart(7)}   at least ${percent(low).padStart(7)}`;

function table(
  rows: readonly CertificateRow[],
  options: CertificationOptions,
  test: Split,
): string[] {
  const abstained = rows.filter(({ prediction }) => prediction === null).length;
  const shares = certifiedShares(rows, options.norms, options.radii);
  return [
    `certified accuracy of ${rows.length} images under ${rows[0].noise} on pixels in [0, 1]; ${abstained} abstained`,
    `norm radius   certified   of all images like these, with confidence ${CONFIDENCE}`,
    ...shares.map(lineOf),
    chosenText(options, test),
  ];
}

/** `rampart certify`: certifies test images under noise and writes one row per image. */
export const certifyCommand = command({
  summary: "Prove radii within which a classifier under noise keeps its prediction.",
  options: CertificationOptions.extend({
    ...rowsOptions("settings go beside it"),
  }),
  positionals: ["model"],
  files: { inputs: ["model", "data", "classes"], outputs: { out: "rows" } },
  examples: [
    "rampart certify runs/ni --data cifar10 --out cert.jsonl",
    "rampart certify model.onnx --data folder:photos --noise normal:0.25 --n 10000 --out cert.jsonl",
    "rampart certify runs/ni --sequential --target 0.5 --out cert.jsonl",
  ],
  async run(values, context: Context) {
    const { model: path, data, out, resume, device, threads, dataDir, classes } = values;
    const options = pick(values, namesOf(CertificationOptions.shape));
    const runtime = await nodeRuntime({ device, threads });
    const model = await openModelInNode(path, { ...fileOptions(values), runtime });
    const note = ({ text }: Note) => context.note(text);
    model.notes?.forEach(note);
    const images = imageOptionsIn(values);
    const { dataset } = await openTestImages(model, { data, dataDir, images, classes }, note);
    checkFit(model, dataset);
    const { batch } = options;
    const architecture = await withoutDependence(runtime, model.architecture, dataset.test, {
      batch,
      note,
    });
    const size = architecture === model.architecture ? batch : 1;
    await noteDecisions(runtime, model.architecture, dataset.test, { batch: size, note });
    const network = classifier(runtime, architecture, model.parameters);
    const { name, defense, noise, reading } = model;
    const weights = model.weights ?? (await weightsHash(model.parameters, nodeHost));
    const bar = progress(context.stderr, { json: context.json });
    const rows: CertificateRow[] = [];
    let total = 0;
    try {
      const certification = {
        model: { path, name, defense, noise, weights, reading, network },
        dataset,
        target: { ...runtime.target },
        out: nodeStorageOf(out),
        resume,
        host: nodeHost,
        signal: context.signal,
        note,
        command: context.argv.join(" "),
      };
      for await (const event of certifyDataset(certification, options)) {
        rows.push(event.row);
        total = event.total;
        bar.update("certifying", event.done, total);
        context.emit(event.row);
      }
    } finally {
      bar.stop();
      await network.release();
    }
    if (context.signal.aborted && rows.length < total)
      context.note(
        `stopped after ${rows.length} rows, which are saved. Continue with:`,
        `  ${resuming(context.argv)}`,
      );
    if (rows.length > 0) context.print(...table(rows, options, dataset.test));
    context.print(`rows: ${out}`);
  },
});
