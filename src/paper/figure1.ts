import type { Victim } from "../attacks/victim.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import { stoppable } from "../evaluate/evaluated-model.ts";
import { keyOf, keysFor } from "../math/random.ts";
import { tensor } from "../math/tensor.ts";
import type { Classifier } from "../models/classifier-interface.ts";
import type { PlanePoint } from "../report/marks.ts";
import type { Window } from "../report/panels.ts";
import {
  clusters,
  EPSILON_LINF,
  equalAreaRadius,
  interlockedRows,
  sharedArea,
} from "./figure1-data.ts";
import {
  claimsOf,
  drawnOf,
  exampleToDraw,
  JUDGE,
  type Judged,
  judge,
  pointOf,
  sharesOf,
} from "./figure1-judge.ts";
import { type Progress, planeRecipe, trainPlane } from "./figure1-train.ts";
import { figure1Svg } from "./report/figure1.ts";
import type { Figure1Data } from "./report/figure1-data.ts";

export type { Figure1Data } from "./report/figure1-data.ts";

/** The size of the computation. */
export interface Figure1Scale {
  /** Training steps of each classifier. */
  readonly steps: number;
  /** Number of test examples. */
  readonly test: number;
  /** Cells along a side of the decision grid. */
  readonly cells: number;
}

/** Scales by name: `smoke` takes a few seconds, `small` almost a minute. */
export const figure1Scales = {
  smoke: { steps: 500, test: 240, cells: 81 },
  small: { steps: 1500, test: 480, cells: 121 },
} as const satisfies Readonly<Record<string, Figure1Scale>>;

const DEFENSES = ["standard", "at-linf", "at-l2"] as const;

/** Options of `figure1`. */
export interface Figure1Options {
  readonly runtime: Runtime;
  readonly seed?: number;
  readonly scale?: keyof typeof figure1Scales | Figure1Scale;
  readonly signal?: AbortSignal | undefined;
  /** Receives the number of training steps, over all classifiers. */
  readonly onProgress?: (progress: Progress) => void;
}

/** Half the side of the square around the example where decisions are computed, in units of ε∞. */
const HALF_WINDOW = 2.7;

/** Logit of class 1 minus logit of class 0 at the centres of `cells`² cells, row by row from the bottom, to four digits. */
async function marginsOn(
  network: Victim,
  { x, y }: Window,
  cells: number,
): Promise<readonly number[]> {
  const at = ([low, high]: readonly [number, number], i: number) =>
    low + ((high - low) * (i + 0.5)) / cells;
  const indices = Array.from({ length: cells * cells }, (_, i) => i);
  const points = indices.flatMap((i) => [at(x, i % cells), at(y, Math.floor(i / cells))]);
  const { data } = await network.logits(
    tensor([indices.length, 2, 1, 1], points),
    keysFor(keyOf(0), indices),
  );
  return indices.map((i) => Number((data[2 * i + 1] - data[2 * i]).toPrecision(4)));
}

/** The classifiers as the figure shows them; `index` is the example that is drawn. */
const drawnClassifiers = (judged: readonly Judged[], index: number): Figure1Data["classifiers"] =>
  judged.map(({ defense, clean, attacked: { linf, l2 } }) => ({
    defense,
    clean,
    linf: sharesOf(linf),
    l2: sharesOf(l2),
    drawn: { linf: drawnOf(linf, index), l2: drawnOf(l2, index) },
  }));

/** Decisions of all classifiers in a window around a point. */
async function decisionGrid(
  judged: readonly Judged[],
  [x, y]: PlanePoint,
  cells: number,
): Promise<Figure1Data["grid"]> {
  const half = HALF_WINDOW * EPSILON_LINF;
  const window: Window = { x: [x - half, x + half], y: [y - half, y + half] };
  const margins: Record<string, readonly number[]> = {};
  for (const { defense, network } of judged)
    margins[defense] = await marginsOn(network, window, cells);
  return { x: window.x, y: window.y, columns: cells, rows: cells, margins };
}

/**
 * Figure 1 of Araujo et al. 2019, arXiv:1903.10219, computed in two dimensions: classifiers are trained with `standard`,
 * `at-linf` and `at-l2` on `interlockedRows`, with balls of equal area, then attacked with PGD in both norms.
 */
export async function figure1({
  runtime,
  seed = 0,
  scale = "smoke",
  signal,
  onProgress,
}: Figure1Options): Promise<{ readonly svg: string; readonly data: Figure1Data }> {
  const { steps, test, cells } = typeof scale === "string" ? figure1Scales[scale] : scale;
  const radii = { linf: EPSILON_LINF, l2: equalAreaRadius(EPSILON_LINF) };
  const { batch, epochs } = planeRecipe;
  const dataset = interlockedRows(seed, { train: (steps * batch) / epochs, test });
  const shared = { runtime, dataset, seed, epsilonLinf: radii.linf, epsilonL2: radii.l2, signal };
  const total = steps * DEFENSES.length;
  const judged: Judged[] = [];
  const networks: Classifier[] = [];
  try {
    for (const [i, defense] of DEFENSES.entries()) {
      const onStep = (step: number) =>
        onProgress?.({ stage: `training ${defense}`, done: i * steps + step, total });
      const network = await trainPlane(defense, { ...shared, onStep });
      networks.push(network);
      judged.push(await judge(defense, stoppable(network, signal), dataset, radii, seed));
    }
    const points = Array.from({ length: test }, (_, i) => ({
      point: pointOf(dataset.test.images([i]), 0),
      label: dataset.test.labels[i],
    }));
    const index = exampleToDraw(judged, dataset);
    const { point, label } = points[index];
    const data: Figure1Data = {
      figure: "figure1",
      seed,
      scale: typeof scale === "string" ? scale : "custom",
      epsilonLinf: radii.linf,
      epsilonL2: radii.l2,
      overlap: sharedArea(radii.linf, radii.l2),
      training: { model: "mlp-small", steps, ...planeRecipe, recipe: "short" },
      attacks: { name: "pgd", ...JUDGE },
      classes: dataset.classes,
      testExamples: test,
      example: { index, label, point, claims: claimsOf(judged, index) },
      clusters,
      points,
      grid: await decisionGrid(judged, point, cells),
      classifiers: drawnClassifiers(judged, index),
    };
    return { svg: figure1Svg(data), data };
  } finally {
    await Promise.all(networks.map((network) => network.release()));
  }
}
