// An audit of a file on this machine: what is read before it begins, its attacks, and what it leaves in a folder.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { openDatasetNode } from "../data/node.ts";
import { parseNpz } from "../data/npz.ts";
import { evaluateNode } from "../evaluate/node.ts";
import { EvaluateOptions } from "../evaluate/options.ts";
import type { Row } from "../evaluate/row.ts";
import { stoppable } from "../evaluate/subject.ts";
import { summarize } from "../evaluate/summary.ts";
import { orMissing, writeWhole } from "../files/node.ts";
import { classifier } from "../models/classifier.ts";
import { isExported } from "../models/export.ts";
import type { ImportedOptions } from "../models/imported.ts";
import { statedShape, takesWhole } from "../models/imported-picture.ts";
import { readModelNode } from "../models/node.ts";
import { evaluationsOf } from "../report/evaluations.ts";
import { readRowsFile } from "../report/node.ts";
import { page } from "../report/page.ts";
import { readPictures } from "../report/read-pictures.ts";
import { openModelNode } from "../train/node.ts";
import { type AuditFiles, type NodeAudit, openAudited } from "./inputs.ts";
import { type AuditOptions, largestRadii } from "./options.ts";
import { pictureFiles } from "./pictures.ts";
import { auditOptions } from "./plan.ts";
import { betterPreprocessing } from "./preprocessings.ts";
import { type Probe, probe } from "./probe.ts";
import { type AuditResult, auditResult } from "./result.ts";
import { auditSections } from "./section.ts";
import type { NetworkFile } from "./sidecar.ts";
import { without } from "./without.ts";

/** Images that the probe looks at. */
const PROBED = 32;

export type { NodeAudit } from "./inputs.ts";

/** A finished row, or at the end what the audit says and the files that hold it. */
export type AuditEvent =
  | { readonly event: "row"; readonly row: Row; readonly done: number; readonly total: number }
  | { readonly event: "result"; readonly result: AuditResult; readonly files: readonly string[] };

/** What an ONNX file says of its images before it is opened; null for a run directory or a checkpoint. */
async function networkFile(path: string, input?: string): Promise<NetworkFile | null> {
  if (!/\.onnx(\.gz)?$/.test(path)) return null;
  const { metadata, inputs } = await readModelNode(path);
  const declared = inputs.find(({ name }) => name === input) ?? inputs[0];
  if (declared === undefined) return { isOwn: isExported(metadata), takesWhole: false };
  return {
    isOwn: isExported(metadata),
    takesWhole: takesWhole(declared),
    input: statedShape(declared),
  };
}

/** This machine's disk. */
const auditFiles = ({ dataDir }: NodeAudit): AuditFiles => ({
  readText: (path) => orMissing(readFile(path, "utf8"), null),
  openData: (name, options) => openDatasetNode(name, { ...options, dataDir }),
  openModel: openModelNode,
  network: networkFile,
});

/**
 * Attacks the first test images with the budget's attacks, asks the network what a probe asks, and writes rows,
 * `summary.json`, `report.html` and pictures. Yields each row as it is written, and the result at the end; without a
 * result where `signal` aborts, and `resume` then goes on.
 */
export async function* auditNode(
  path: string,
  given: AuditOptions,
  where: NodeAudit,
): AsyncGenerator<AuditEvent, void, void> {
  const { runtime, out, resume = false, saveExamples, signal, command } = where;
  const { note = () => undefined } = where;
  const { model, dataset, preprocessing, reopened } = await openAudited(
    path,
    where,
    given,
    auditFiles(where),
  );
  for (const line of model.notes ?? []) note(line);
  const { budget, examples, seed, noise, rule, batch, epsilonLinf, epsilonL2, epsilonL1 } = given;
  const own = noise ?? model.noise;
  if (noise === undefined && model.noise !== null)
    note(
      `${path} says that it adds the noise ${model.noise} at every prediction; it is attacked with it, through EOT`,
    );
  const norms = [...new Set(given.norms)];
  const { classes } = model.architecture;
  const options = EvaluateOptions.parse({
    ...auditOptions({ norms, budget, classes, randomised: own !== null }),
    ...{ examples, seed, rule, batch, epsilonLinf, epsilonL2, epsilonL1 },
    ...(own !== null && { noise: own }),
  });
  const network = classifier(runtime, model.architecture, model.parameters);
  const rows: Row[] = [];
  /** Gradients of zero are compared with those of a copy that lets them through. */
  async function probed(): Promise<Probe> {
    const rounds = (model.notes ?? []).some((text) =>
      text.includes("differentiate straight through"),
    );
    const copy = rounds ? await opening({ straightThrough: true }) : null;
    try {
      return await probe(stoppable(network, signal), dataset.test, {
        ...{ seed, radii: largestRadii(given), examples: Math.min(examples, PROBED) },
        copy: copy && stoppable(copy, signal),
      });
    } finally {
      await copy?.release();
    }
  }
  const opening = async (more: ImportedOptions) => {
    const { architecture, parameters } = await reopened(more);
    return classifier(runtime, architecture, parameters);
  };
  try {
    let missing = 0;
    for await (const { row, done, total } of evaluateNode(model, options, {
      ...{ network, target: { ...runtime.target }, resume, data: dataset, note },
      ...(out !== undefined && { out: join(out, "rows.jsonl") }),
      ...without({ saveExamples, signal, command }),
    })) {
      rows.push(row);
      missing = total - done;
      yield { event: "row", row, done, total };
    }
    if (missing > 0 || signal?.aborted) return;
    const result = auditResult({
      ...{ rows, classes, notes: model.notes ?? [], budget, noise: own, preprocessing },
      ...{ classNames: dataset.classes, attacks: options.attacks, required: given.require ?? null },
      probe: await probed(),
      better:
        model.reading === undefined
          ? null
          : await betterPreprocessing(network, opening, dataset.test, {
              ...{ count: 2 * PROBED, channels: dataset.shape[0], signal },
            }),
    });
    yield {
      event: "result",
      result,
      files: out === undefined ? [] : await written(out, result, rows),
    };
  } finally {
    await network.release();
  }
}

/** Writes summary.json, report.html and pictures beside the rows in `out`; returns their paths. */
async function written(out: string, result: AuditResult, rows: readonly Row[]): Promise<string[]> {
  const [summary, report] = [join(out, "summary.json"), join(out, "report.html")];
  await writeWhole(summary, `${JSON.stringify(result, null, 2)}\n`);
  const bytes = await orMissing(readFile(join(out, "rows.examples.npz")), null);
  const sets = bytes === null ? [] : readPictures(parseNpz("pictures", bytes));
  const pictures: string[] = [];
  for (const [name, png] of pictureFiles(sets, rows)) {
    const file = join(out, "pictures", name);
    await writeWhole(file, png);
    pictures.push(file);
  }
  const evaluations = evaluationsOf([await readRowsFile(join(out, "rows.jsonl"))], {
    ...{ summarize, parseNpz },
  });
  const begun = { title: `Audit of ${result.model}`, sections: auditSections(result) };
  await writeWhole(report, page(evaluations, begun));
  return [summary, report, ...pictures];
}
