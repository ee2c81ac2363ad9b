import type { Victim } from "../attacks/victim.ts";
import { stoppable } from "../evaluate/evaluated-model.ts";
import { fold, type Key, keyOf, nameToNumber } from "../math/random.ts";
import type { Tensor } from "../math/tensor.ts";
import type { Progress } from "./figure1-train.ts";
import { type SliceData, type SlicePanel, sliceSvg } from "./report/slice.ts";
import { decisionsAt, halfWindow, type PlaneWindow, type Slice, sliceThrough } from "./slice.ts";

export type { SliceData } from "./report/slice.ts";

/** A deterministic classifier, and the name of its panel. */
export interface NamedClassifier {
  readonly name: string;
  readonly network: Victim;
}

/** Options of `figure1Real`. */
export interface Figure1RealOptions {
  /** The classifiers, one panel each. */
  readonly classifiers: readonly NamedClassifier[];
  /** One image, [1, channel, height, width] in [0, 1]. */
  readonly x: Tensor;
  readonly label: number;
  readonly classNames: readonly string[];
  readonly epsilonLinf?: number;
  readonly epsilonL2?: number;
  /** Cells along each side of the window. */
  readonly resolution?: number;
  /** Whether the data contain the image, and a corner of the figure shows it. */
  readonly showImage?: boolean;
  /** How the image was chosen, for the figure's footnotes. */
  readonly chosen?: string | undefined;
  readonly seed?: number;
  readonly signal?: AbortSignal | undefined;
  /** Receives the number of classified points, over all planes. */
  readonly onProgress?: (progress: Progress) => void;
}

const ATTACK = { steps: 40, restarts: 3 } as const;

/** Points of a plane per batch. */
const BATCH = 128;

/** One classifier and its plane. */
interface Sliced extends Slice {
  readonly classifier: NamedClassifier;
}

/** Predicted classes and leads at the centres of all cells, row by row from the bottom. */
async function decisionsOn(
  { classifier: { network }, plane }: Sliced,
  x: Tensor,
  window: PlaneWindow,
  key: Key,
  onPoints: (done: number) => void,
): Promise<Pick<SlicePanel, "regions" | "leads">> {
  const cells = window.resolution ** 2;
  const regions: number[] = [];
  const leads: number[] = [];
  while (regions.length < cells) {
    const count = Math.min(BATCH, cells - regions.length);
    const from = regions.length;
    const found = await decisionsAt({ network, x, plane }, window, { key, from, count });
    regions.push(...found.regions);
    leads.push(...found.leads);
    onPoints(regions.length);
  }
  return { regions, leads };
}

/** Pixels as the figure stores them, to three digits. */
const storedImage = (x: Tensor): SliceData["image"] => ({
  shape: x.shape.slice(1),
  pixels: Array.from(x.data, (value) => Number(value.toFixed(3))),
});

/**
 * Figure 1 in the space of real images (Araujo et al. 2019, arXiv:1903.10219). For each classifier: the plane through
 * `x` [1, channel, height, width] that its PGD-ℓ∞ and its PGD-ℓ2 example span, the predicted class at each point of the
 * plane, and the plane's exact intersections with both balls, a polygon and a disc. Radii are for pixels in [0, 1].
 */
export async function figure1Real(
  options: Figure1RealOptions,
): Promise<{ readonly svg: string; readonly data: SliceData }> {
  const { classifiers, x, label, classNames, signal, onProgress } = options;
  const { epsilonLinf = 0.031, epsilonL2 = 0.83 } = options;
  const { resolution = 96, showImage = false, seed = 0, chosen = null } = options;
  const key = fold(keyOf(seed), nameToNumber("figure1-real"));
  const sliced: Sliced[] = [];
  for (const { name, network } of classifiers) {
    const victim = stoppable(network, signal);
    const radii = { linf: epsilonLinf, l2: epsilonL2 };
    const slice = await sliceThrough({ network: victim, x, label, radii }, { key, ...ATTACK });
    sliced.push(Object.assign(slice, { classifier: { name, network: victim } }));
  }
  const half = halfWindow(sliced, epsilonL2);
  const cells = resolution ** 2;
  const panels: SlicePanel[] = [];
  for (const [finished, slice] of sliced.entries()) {
    const { classifier, plane, ...rest } = slice;
    const { name } = classifier;
    const onPoints = (done: number) =>
      onProgress?.({
        stage: `the plane of ${name}`,
        done: finished * cells + done,
        total: sliced.length * cells,
      });
    const window: PlaneWindow = { centre: [0, 0], half, resolution };
    const { regions, leads } = await decisionsOn(slice, x, window, fold(key, 1), onPoints);
    panels.push({ name, ...rest, regions, leads });
  }
  const data: SliceData = {
    figure: "figure1-real",
    seed,
    label,
    classNames,
    epsilonLinf,
    epsilonL2,
    attacks: { name: "pgd", ...ATTACK },
    clipped: false,
    chosen,
    half,
    resolution,
    panels,
    image: showImage ? storedImage(x) : null,
  };
  return { svg: sliceSvg(data), data };
}
