// The attacks of an audit as cells: one per range of whole groups of batches, so results have the same bits as in one process.

import type { AuditOptions } from "../../audit/options.ts";
import type { AttackedElsewhere } from "../../audit/sharing.ts";
import type { RuntimeTarget } from "../../engine/runtime/runtime.ts";
import { groupSizeOf, rangesOf } from "../../evaluate/groups.ts";
import type { ImageRange } from "../../evaluate/image-range.ts";
import { resolved } from "../../evaluate/options.ts";
import type { Row } from "../../evaluate/row.ts";
import { rowCount, runsOf } from "../../evaluate/runs.ts";
import { CountedRows } from "../../evaluate/survivors.ts";
import type { Host } from "../../files/host/host.ts";
import { flopsPerImage } from "../../models/flops.ts";
import { type Cell, type CellWork, keyedWork } from "../cell.ts";
import { codeOfPlugins, codeVersion, keyOfValue } from "../key.ts";
import { evaluationFlops } from "../plan/cost.ts";
import { type PartOptions, sparedName } from "./options.ts";
import { imagesChecksum, modelChecksum } from "./part-checksum.ts";

/** Test images per cell, rounded up to whole groups of batches. */
const PART_IMAGES = 16;

/** The settings that all parts of an audit share. */
export interface PartedAudit {
  /** The model as typed. */
  readonly path: string;
  readonly options: AuditOptions;
  readonly reading: PartOptions["reading"];
  readonly data: string | undefined;
  readonly saveExamples: number;
  readonly target: RuntimeTarget;
  readonly host: Host;
}

/** Whether stored rows already contain all results of the attacks on a range. */
function isStored(
  { evaluation, randomised, audited }: AttackedElsewhere,
  stored: readonly Row[],
  range: ImageRange,
): boolean {
  const options = resolved(evaluation);
  const context = { randomised };
  const count = new CountedRows(runsOf(options, context), options.skipBroken);
  const own = stored.filter(({ index }) => index >= range.from && index < range.to);
  const done = own.reduce((_, row) => count.add(row), 0);
  return done >= rowCount(options, audited.dataset.test, context, range);
}

/** Names of the examples that the attacks on a range skip. */
function sparedIn(
  { evaluation, randomised, spares }: AttackedElsewhere,
  { from, to }: ImageRange,
): string[] {
  const names: string[] = [];
  for (const { name: attack, norm, radii } of runsOf(resolved(evaluation), { randomised }))
    for (const epsilon of radii)
      for (let index = from; index < to; index++)
        if (spares({ index, attack, norm, epsilon }))
          names.push(sparedName({ index, attack, epsilon }));
  return names;
}

/** The cells of the attacks that are still needed, given the stored rows, in the order of their images. */
export async function partsOf(
  attacked: AttackedElsewhere,
  stored: readonly Row[],
  { path, options, reading, data, saveExamples, target, host }: PartedAudit,
): Promise<Cell[]> {
  const { audited, evaluation, randomised } = attacked;
  const { dataset, model } = audited;
  const count = Math.min(evaluation.examples, dataset.test.size);
  const ranges = rangesOf(count, PART_IMAGES, groupSizeOf(evaluation, randomised));
  const flops = flopsPerImage(model.architecture);
  const sha256 = await modelChecksum(audited, host);
  const cells: Cell[] = [];
  for (const range of ranges.filter((one) => !isStored(attacked, stored, one))) {
    const images = range.to - range.from;
    const part: PartOptions = {
      audit: { ...options, require: undefined, prove: false },
      reading,
      data: data ?? null,
      saveExamples,
      spared: sparedIn(attacked, range),
    };
    const work: CellWork = {
      kind: "attack",
      options: part,
      data: { name: dataset.name, sha256: await imagesChecksum(audited, range, host) },
      range,
      model: { file: path, sha256, reading: {} },
      inputs: [],
      code: codeVersion(),
      plugins: codeOfPlugins(),
      target,
    };
    cells.push({
      key: await keyOfValue(keyedWork(work), host),
      work,
      label: `images ${range.from}–${range.to - 1}`,
      labels: {},
      priority: 0,
      cost: evaluationFlops(evaluation, { images, randomised }, flops),
    });
  }
  return cells;
}
