// Results of Table 4 from files alone, without the data set: the rows of a folder, or the committed cells of a sweep.
import type { CertificateRow } from "../../certify/row.ts";
import { certifiedShares } from "../../certify/share.ts";
import { defenseNamed } from "../../defenses/table.ts";
import { readRows } from "../../evaluate/resumed.ts";
import type { Row } from "../../evaluate/row.ts";
import { nodeHost } from "../../files/host/node.ts";
import { wilson } from "../../math/statistics.ts";
import { architecture } from "../../models/architectures.ts";
import { flopsPerImage } from "../../models/flops.ts";
import type { Cell } from "../../sweep/cell.ts";
import { ROWS } from "../../sweep/cells/evaluate.ts";
import { readPlans } from "../../sweep/plans.ts";
import { committedKeys, readResult, timesOf } from "../../sweep/results.ts";
import { nodeStore } from "../../sweep/store/node.ts";
import type { Store } from "../../sweep/store/store.ts";
import { resolveOptions } from "../../train/options.ts";
import type { ProofRow } from "../../verify/proof-row.ts";
import { isRangeOf } from "../by-sweep/ranges.ts";
import { evaluationKinds, evaluationsOf, trainingOf, trainingPasses } from "../cells.ts";
import { flopsOfPasses } from "../cost.ts";
import type { DefenseResult, LowerBounds, Measured } from "../defense-result.ts";
import { thirteen } from "../printed.ts";
import { PAPER_RADII } from "../regions.ts";
import type { Scale } from "../scales.ts";
import { rowsFile, storedRows, trainingSeconds } from "../stored/node.ts";

/** Results by defence. Operations are not counted, since this would need the data set. */
export type Results = Readonly<Record<string, DefenseResult>>;

const noiseOf = (defense: string): string | null => defenseNamed(defense).noise?.name ?? null;

/** The results in the folder of `rampart reproduce`; a defence without rows is left out. */
export async function folderResults(out: string): Promise<Results> {
  const results: Record<string, DefenseResult> = {};
  for (const defense of thirteen) {
    const rows: Record<string, Row[]> = {};
    for (const kind of evaluationKinds) {
      const stored = await storedRows(rowsFile(out, defense, kind));
      if (stored.length > 0) rows[kind] = stored;
    }
    if (Object.keys(rows).length === 0) continue;
    const seconds = await trainingSeconds(out, defense);
    results[defense] = { noise: noiseOf(defense), rows, seconds, flops: null };
  }
  return results;
}

/** Training images of CIFAR-10. */
const CIFAR10_TRAIN = 50_000;
/** An input of the shape of CIFAR-10: enough to count weights and operations. */
export const CIFAR10_INPUT = { shape: [3, 32, 32], classes: 10, mean: [0, 0, 0], std: [1, 1, 1] };

/** The results with the floating-point operations of each training, on all training images of CIFAR-10. */
export function withFlops(results: Results, scale: Scale): Results {
  const network = flopsPerImage(architecture(scale.training.model ?? "", CIFAR10_INPUT));
  const counted = Object.entries(results).map(([defense, one]) => {
    const { epochs, steps } = resolveOptions(trainingOf(defense, scale, 0));
    const passes = trainingPasses(defenseNamed(defense, { steps }), {
      epochs,
      examples: CIFAR10_TRAIN,
    });
    return [defense, Object.assign({}, one, { flops: flopsOfPasses(passes, network) })];
  });
  return Object.fromEntries(counted);
}

/** How far a sweep is. */
export interface SweepProgress {
  readonly done: number;
  readonly cells: number;
  /** Processor seconds of the finished cells; their wall-clock seconds where these are unknown. */
  readonly seconds: number;
  /** Defences whose model is trained. */
  readonly trained: readonly string[];
}

/** Results of a sweep of Table 4, and how far it is. */
export interface SweptResults {
  readonly results: Results;
  readonly progress: SweepProgress;
}

const decoder = new TextDecoder();

/** The rows of some cells; null unless there are cells, and all are committed. */
async function rowsOf<R>(
  store: Store,
  ranges: readonly Cell[],
  committed: ReadonlySet<string>,
): Promise<R[] | null> {
  if (ranges.length === 0 || !ranges.every(({ key }) => committed.has(key))) return null;
  const rows: R[] = [];
  for (const { key } of ranges) {
    const text = decoder.decode(await readResult(store, key, ROWS, nodeHost));
    rows.push(...readRows<R>(ROWS, text).rows);
  }
  return rows;
}

const sharesOf = (proven: number, of: number): Measured =>
  Object.assign(wilson(proven, of), { examples: of });

/** The share of images that are proven in one norm; null without proofs in it. */
function provenShare(rows: readonly ProofRow[], norm: string): Measured | null {
  const own = rows.filter((row) => row.norm === norm);
  if (own.length === 0) return null;
  return sharesOf(own.filter(({ status }) => status === "proven").length, own.length);
}

/** What the committed proofs and certificates of a model show; undefined if there are none. */
async function lowerBounds(
  store: Store,
  cells: readonly Cell[],
  committed: ReadonlySet<string>,
): Promise<LowerBounds | undefined> {
  const of = (kind: string) => cells.filter(({ work }) => work.kind === kind);
  const proofs = await rowsOf<ProofRow>(store, of("prove"), committed);
  if (proofs !== null) return { linf: provenShare(proofs, "linf"), l2: provenShare(proofs, "l2") };
  const certificates = await rowsOf<CertificateRow>(store, of("certify"), committed);
  if (certificates === null) return undefined;
  const [{ certified, of: examples }] = certifiedShares(certificates, ["l2"], [PAPER_RADII.l2]);
  return { linf: null, l2: sharesOf(certified, examples) };
}

/**
 * The results in the store of a sweep of Table 4. An evaluation counts once all its cells are committed, so that every column
 * has all images of the scale, or none. Throws `UsageError` if a file is missing or damaged.
 */
export async function sweptResults(path: string, scale: Scale): Promise<SweptResults> {
  const store = nodeStore(path);
  const cells = new Map(
    (await readPlans(store)).flatMap((plan) => plan.cells.map((cell) => [cell.key, cell])),
  );
  const committed = await committedKeys(store);
  const trainings = [...cells.values()].filter(({ work }) => work.kind === "train");
  const results: Record<string, DefenseResult> = {};
  for (const training of trainings) {
    const defense = String(training.work.options.defense);
    const rows: Record<string, Row[]> = {};
    for (const evaluation of evaluationsOf("table4", defense, scale, { share: 1, seed: 0 })) {
      const ranges = [...cells.values()].filter((cell) => isRangeOf(cell, training, evaluation));
      const found = await rowsOf<Row>(store, ranges, committed);
      if (found !== null) rows[evaluation.kind] = found;
    }
    if (Object.keys(rows).length === 0) continue;
    const seconds = (await timesOf(store, training.key))?.seconds ?? null;
    const own = [...cells.values()].filter(({ work }) => work.inputs.includes(training.key));
    const lower = await lowerBounds(store, own, committed);
    results[defense] = { noise: noiseOf(defense), rows, lower, seconds, flops: null };
  }
  const done = [...cells.keys()].filter((key) => committed.has(key));
  let seconds = 0;
  for (const key of done) {
    const times = await timesOf(store, key);
    seconds += times?.processor ?? times?.seconds ?? 0;
  }
  const trained = trainings
    .filter(({ key }) => committed.has(key))
    .map(({ work }) => String(work.options.defense));
  return { results, progress: { done: done.length, cells: cells.size, seconds, trained } };
}
