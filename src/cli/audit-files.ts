// What an audit reads before it begins and writes when it is done.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseOutputNames } from "../data/classes.ts";
import type { Dataset } from "../data/dataset.ts";
import { forOutputs } from "../data/for-outputs.ts";
import { openDatasetNode } from "../data/node.ts";
import { parseNpz } from "../data/npz.ts";
import { centreCrop, resizeShorter } from "../data/resize.ts";
import type { Row } from "../evaluate/row.ts";
import { grouped } from "../evaluate/shares.ts";
import { summarize } from "../evaluate/summary.ts";
import type { AuditResult } from "../experiments/audit-result.ts";
import { auditSection } from "../experiments/audit-section.ts";
import { orMissing, writeWhole } from "../files/node.ts";
import { UsageError } from "../math/usage-error.ts";
import { evaluationsOf } from "../report/evaluations.ts";
import { readRowsFile } from "../report/node.ts";
import { page } from "../report/page.ts";
import { pngBytes } from "../report/png.ts";
import { readPictures } from "../report/read-pictures.ts";

/** How pictures of a folder are brought to one size. */
export interface Sizing {
  readonly resize?: number | undefined;
  readonly crop?: number | undefined;
}

/** The data set, its pictures resized and cropped. */
export async function auditData(
  data: string,
  { resize, crop }: Sizing,
  dataDir: string | undefined,
): Promise<Dataset> {
  const sized = resize !== undefined || crop !== undefined;
  if (sized && !data.startsWith("folder:"))
    throw new UsageError(
      `--resize and --crop are for folder:PATH; the pictures of ${data} have one size`,
    );
  return openDatasetNode(data, {
    dataDir,
    ...(sized && {
      prepare(picture) {
        const resized = resize === undefined ? picture : resizeShorter(picture, resize, "bilinear");
        return crop === undefined ? resized : centreCrop(resized, { height: crop, width: crop });
      },
    }),
  });
}

/** The data set with the classifier's outputs as labels; `file` names the outputs. */
export async function withOutputs(
  dataset: Dataset,
  outputs: number,
  file: string | undefined,
): Promise<Dataset> {
  if (file === undefined) return forOutputs(dataset, outputs);
  return forOutputs(dataset, outputs, parseOutputNames(await readFile(file, "utf8"), file));
}

/** Adversarial pictures that an audit shows as files, of each norm. */
const PICTURES = 4;

/** The first adversarial examples that were found, as PNG files and the clean pictures beside them. */
async function writePictures(out: string, rows: readonly Row[]): Promise<string[]> {
  const bytes = await orMissing(readFile(join(out, "rows.examples.npz")), null);
  if (bytes === null) return [];
  const broken = new Set(
    rows
      .filter(({ clean, majority }) => clean >= 0.5 && majority === 0)
      .map(({ index, attack, epsilon }) => `${index} ${attack}@${epsilon}`),
  );
  const found = readPictures(parseNpz("pictures", bytes)).flatMap((set) =>
    set.indices.flatMap((index, i) =>
      broken.has(`${index} ${set.name}`) ? [{ set, index, i }] : [],
    ),
  );
  const written: string[] = [];
  const norms = new Map(rows.map(({ attack, norm }) => [attack, norm]));
  const shown = [...grouped(found, ({ set }) => norms.get(set.name.split("@")[0])).values()];
  for (const { set, index, i } of shown.flatMap((own) => own.slice(0, PICTURES))) {
    const name = `${index}-${set.name.replace("@", "-")}`;
    const files = [
      [`${name}.png`, pngBytes(set.adversarials, i)],
      [`${index}-clean.png`, pngBytes(set.originals, i)],
    ] as const;
    for (const [file, png] of files) await writeWhole(join(out, "pictures", file), png);
    written.push(join(out, "pictures", `${name}.png`));
  }
  return written;
}

/** Writes summary.json, report.html and pictures beside the rows in `out`; returns their paths. */
export async function writeAudit(
  out: string,
  result: AuditResult,
  rows: readonly Row[],
): Promise<string[]> {
  const [summary, report] = [join(out, "summary.json"), join(out, "report.html")];
  await writeWhole(summary, `${JSON.stringify(result, null, 2)}\n`);
  const pictures = await writePictures(out, rows);
  const evaluations = evaluationsOf([await readRowsFile(join(out, "rows.jsonl"))], {
    ...{ summarize, parseNpz },
  });
  await writeWhole(report, page(evaluations, [auditSection(result)]));
  return [summary, report, ...pictures];
}
