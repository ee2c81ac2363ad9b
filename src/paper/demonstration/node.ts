// The demonstration of C&W against a noisy classifier, with its rows on disk.
import { defenseNamed } from "../../defenses/table.ts";
import { readRows } from "../../evaluate/resumed.ts";
import { RowsFile, type RowsFormat } from "../../files/rows/rows-file.ts";
import { nodeStorageOf } from "../../files/storage/node.ts";
import { UsageError } from "../../math/usage-error.ts";
import { classifier } from "../../models/classifier.ts";
import { noiseNamedInNode } from "../../noise/node.ts";
import {
  type ArtefactOptions,
  type ArtefactRow,
  artefactOptions,
  artefactRows,
} from "../artefact.ts";
import { partOf } from "../cells.ts";
import type { ReproduceEvent } from "../events.ts";
import { datasetOf, type Reproduction, rowsFile, trainedModel } from "../stored/node.ts";

/** Images per batch of C&W, whose rows are written at once. */
const GROUP = 8;

/** Reads the rows of a demonstration with these options. Throws `UsageError` if stored rows have other settings. */
const artefactFormat = (
  { steps, searches, eot, draws }: ArtefactOptions,
  seed: number,
): RowsFormat<ArtefactRow> => ({
  parse(file, contents) {
    const stored = readRows<ArtefactRow>(file, contents);
    const isSame = (row: ArtefactRow): boolean =>
      steps.includes(row.steps) &&
      row.searches === searches &&
      row.eot === eot &&
      row.draws === draws &&
      row.seed === seed;
    if (!stored.rows.every(isSame))
      throw new UsageError(`${file} was begun with other settings; choose another --out`, {
        code: "in-use",
      });
    return stored;
  },
});

/**
 * Measures how often a noisy classifier is right on C&W's examples, which lie on the boundary. Rows go to
 * `rows/DEFENCE.artefact.jsonl` under a lease of that file; stored rows come first in the result. The signal stops the
 * measurement between two batches. Throws `UsageError` for a defence without noise.
 */
export async function* runArtefact(
  defense: string,
  reproduction: Reproduction,
): AsyncGenerator<ReproduceEvent, ArtefactRow[], void> {
  const { out, runtime, signal, scale, seed, share } = reproduction;
  const cell = `artefact ${defense}`;
  const path = rowsFile(out, defense, "artefact");
  const model = await trainedModel(out, defense);
  const { noise } = defenseNamed(defense, {}, noiseNamedInNode);
  if (noise === null)
    throw new UsageError(`${defense} injects no noise, so there is nothing to show`, {
      code: "misfit",
    });
  const { test } = await datasetOf(reproduction);
  const total = Math.min(test.size, partOf(scale.counts.artefact, share));
  const options = artefactOptions(scale);
  const network = classifier(runtime, model.architecture, model.parameters);
  const file = await RowsFile.open({
    ...nodeStorageOf(path),
    format: artefactFormat(options, seed),
    resume: true,
    signal,
  });
  try {
    const rows = [...file.rows];
    const finished = new Set(rows.map(({ index }) => index));
    yield { event: "cell", cell, finished: finished.size >= total };
    const missing = Array.from({ length: total }, (_, i) => i).filter((i) => !finished.has(i));
    for (let from = 0; from < missing.length && !signal?.aborted; from += GROUP) {
      const indices = missing.slice(from, from + GROUP);
      const added = await artefactRows({ network, noise }, test, indices, seed, options);
      await file.check();
      await file.append(added);
      rows.push(...added);
      yield { event: "progress", cell, done: finished.size + from + indices.length, total };
    }
    return rows;
  } finally {
    await file.close();
    await network.release();
  }
}
