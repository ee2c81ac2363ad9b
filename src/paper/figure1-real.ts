import { balls } from "../attacks/balls.ts";
import { pgd } from "../attacks/pgd.ts";
import type { PaperNorm, Victim } from "../attacks/victim.ts";
import { stoppable } from "../evaluate/evaluated-model.ts";
import { normal } from "../math/distributions.ts";
import { fold, type Key, keyOf, keysFor, nameToNumber } from "../math/random.ts";
import { argmaxRows, rowSize, sub, type Tensor } from "../math/tensor.ts";
import type { Progress } from "./figure1-train.ts";
import { coordinates, cubeSection, dot, type Plane, planeThrough, pointsOf } from "./plane.ts";
import { type SliceData, type SlicePanel, type SlicePoint, sliceSvg } from "./report/slice.ts";

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
  readonly seed?: number;
  readonly signal?: AbortSignal | undefined;
  /** Receives the number of classified points, over all planes. */
  readonly onProgress?: (progress: Progress) => void;
}

const ATTACK = { steps: 40, restarts: 3 } as const;

/** Points of a plane per batch. */
const BATCH = 128;

/** Factor by which the window is larger than everything that is drawn in it. */
const MARGIN = 1.08;

/** One classifier, its plane, and the results of both attacks. */
interface Sliced {
  readonly classifier: NamedClassifier;
  readonly plane: Plane;
  readonly prediction: number;
  readonly linf: SlicePoint;
  readonly l2: SlicePoint;
  readonly cosine: number;
  readonly section: SlicePanel["section"];
}

/** One classifier's plane: runs both attacks, and intersects the plane that they span with the ℓ∞ ball. */
async function sliceOf(
  classifier: NamedClassifier,
  x: Tensor,
  label: number,
  radii: { readonly [N in PaperNorm]: number },
  key: Key,
): Promise<Sliced> {
  const { network } = classifier;
  const predicted = async (at: Tensor) => argmaxRows(await network.logits(at, [fold(key, 0)]))[0];
  const attacked = (norm: PaperNorm) =>
    pgd({ norm, epsilon: radii[norm], ...ATTACK, stopWhenBroken: false }).perturb(
      network,
      x,
      [label],
      [fold(key, nameToNumber(norm))],
    );
  const adversarial = { linf: await attacked("linf"), l2: await attacked("l2") };
  const delta = { linf: sub(adversarial.linf, x), l2: sub(adversarial.l2, x) };
  const substitute = normal([fold(key, nameToNumber("spare"))], x.shape);
  const plane = planeThrough(delta.linf.data, delta.l2.data, substitute.data);
  const point = async (norm: PaperNorm): Promise<SlicePoint> => ({
    at: coordinates(plane, delta[norm].data),
    linf: balls.linf.norm(delta[norm])[0],
    l2: balls.l2.norm(delta[norm])[0],
    prediction: await predicted(adversarial[norm]),
  });
  const [linf, l2] = [await point("linf"), await point("l2")];
  return {
    classifier,
    plane,
    prediction: await predicted(x),
    linf,
    l2,
    cosine: dot(delta.linf.data, delta.l2.data) / (linf.l2 * l2.l2),
    section: cubeSection(plane, radii.linf),
  };
}

/** The highest logit of each row of logits [batch, classes] minus the second highest, to three digits. */
const leadsOf = (logits: Tensor): number[] => {
  const classes = rowSize(logits);
  return Array.from({ length: logits.shape[0] }, (_, i) => {
    const [highest, second] = logits.data
      .slice(i * classes, (i + 1) * classes)
      .sort()
      .reverse();
    return Number((highest - second).toPrecision(3));
  });
};

/** Half the side of a square window around 0 that contains the ℓ2 ball, the sections and all adversarial examples. */
const halfWindow = (sliced: readonly Sliced[], epsilonL2: number): number => {
  const points = sliced.flatMap(({ section, linf, l2 }) => [...section, linf.at, l2.at]);
  return MARGIN * Math.max(epsilonL2, ...points.flat().map(Math.abs));
};

/** A square window of a plane: [−half, half] both ways, in `resolution`² cells. */
interface PlaneWindow {
  readonly half: number;
  readonly resolution: number;
}

/** Predicted classes and leads at the centres of all cells, row by row from the bottom. */
async function decisionsOn(
  { classifier, plane }: Sliced,
  x: Tensor,
  { half, resolution }: PlaneWindow,
  key: Key,
  onPoints: (done: number) => void,
): Promise<Pick<SlicePanel, "regions" | "leads">> {
  const center = (i: number) => ((i + 0.5) / resolution) * 2 * half - half;
  const cells = resolution ** 2;
  const regions: number[] = [];
  const leads: number[] = [];
  while (regions.length < cells) {
    const size = Math.min(BATCH, cells - regions.length);
    const indices = Array.from({ length: size }, (_, i) => regions.length + i);
    const at = indices.map(
      (i) => [center(i % resolution), center(Math.floor(i / resolution))] as const,
    );
    const logits = await classifier.network.logits(pointsOf(x, plane, at), keysFor(key, indices));
    regions.push(...argmaxRows(logits));
    leads.push(...leadsOf(logits));
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
  const { resolution = 96, showImage = false, seed = 0 } = options;
  const key = fold(keyOf(seed), nameToNumber("figure1-real"));
  const sliced: Sliced[] = [];
  for (const { name, network } of classifiers) {
    const victim = { name, network: stoppable(network, signal) };
    sliced.push(await sliceOf(victim, x, label, { linf: epsilonLinf, l2: epsilonL2 }, key));
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
    const window = { half, resolution };
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
    half,
    resolution,
    panels,
    image: showImage ? storedImage(x) : null,
  };
  return { svg: sliceSvg(data), data };
}
