import { balls } from "../attacks/balls.ts";
import { pgd } from "../attacks/pgd.ts";
import type { PaperNorm, Victim } from "../attacks/victim.ts";
import { stoppable } from "../evaluate/evaluated-model.ts";
import { normal } from "../math/distributions.ts";
import { fold, type Key, keyOf, keysFor, nameToNumber } from "../math/random.ts";
import { argmaxRows, rowSize, sub, type Tensor } from "../math/tensor.ts";
import type { Progress } from "./figure1-train.ts";
import { coordinates, cubeSection, dot, type Plane, planeThrough, pointsOf } from "./plane.ts";
import { type SliceData, type SlicePoint, sliceSvg } from "./report/slice.ts";

export type { SliceData } from "./report/slice.ts";

/** A deterministic classifier, and what its panel is called. */
export interface NamedClassifier {
  readonly name: string;
  readonly network: Victim;
}

export interface Figure1RealOptions {
  /** One panel each. */
  readonly classifiers: readonly NamedClassifier[];
  /** One image, [1, channel, height, width] in [0, 1]. */
  readonly x: Tensor;
  readonly label: number;
  readonly classNames: readonly string[];
  readonly epsilonLinf?: number;
  readonly epsilonL2?: number;
  /** Cells along a side of the window. */
  readonly resolution?: number;
  /** Whether the image itself goes into the data and the corner of the figure. */
  readonly showImage?: boolean;
  readonly seed?: number;
  readonly signal?: AbortSignal | undefined;
  /** Counts points of the planes, over all classifiers. */
  readonly onProgress?: (progress: Progress) => void;
}

const ATTACK = { steps: 40, restarts: 3 } as const;

/** Points per run of a network. */
const BATCH = 128;

/** The window reaches a little beyond everything that is drawn in it. */
const MARGIN = 1.08;

interface Sliced {
  readonly classifier: NamedClassifier;
  readonly plane: Plane;
  readonly prediction: number;
  readonly linf: SlicePoint;
  readonly l2: SlicePoint;
  readonly cosine: number;
  readonly section: SliceData["panels"][number]["section"];
}

/** The plane of one classifier: both attacks, the plane they span, and what it cuts out of the ℓ∞ ball. */
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
  const spare = normal([fold(key, nameToNumber("spare"))], x.shape);
  const plane = planeThrough(delta.linf.data, delta.l2.data, spare.data);
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

/** The highest logit of each row less the second highest, to three digits. */
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

/**
 * Figure 1 in the space of real images: for each classifier the plane through `x` that its PGD-ℓ∞ and its PGD-ℓ2
 * example span, the class at each point of it, and exactly what it cuts out of both balls (a polygon and a disc).
 */
export async function figure1Real({
  classifiers,
  x,
  label,
  classNames,
  epsilonLinf = 0.031,
  epsilonL2 = 0.83,
  resolution = 96,
  showImage = false,
  seed = 0,
  signal,
  onProgress,
}: Figure1RealOptions): Promise<{ readonly svg: string; readonly data: SliceData }> {
  const key = fold(keyOf(seed), nameToNumber("figure1-real"));
  const sliced: Sliced[] = [];
  for (const { name, network } of classifiers) {
    const victim = { name, network: stoppable(network, signal) };
    sliced.push(await sliceOf(victim, x, label, { linf: epsilonLinf, l2: epsilonL2 }, key));
  }
  const half =
    MARGIN *
    Math.max(
      epsilonL2,
      ...sliced.flatMap(({ section, linf, l2 }) =>
        [...section, linf.at, l2.at].flat().map(Math.abs),
      ),
    );
  const center = (i: number) => ((i + 0.5) / resolution) * 2 * half - half;
  const cells = resolution ** 2;
  const panels = [];
  for (const [done, { classifier, plane, ...rest }] of sliced.entries()) {
    const regions: number[] = [];
    const leads: number[] = [];
    while (regions.length < cells) {
      const size = Math.min(BATCH, cells - regions.length);
      const at = Array.from({ length: size }, (_, i) => {
        const cell = regions.length + i;
        return [center(cell % resolution), center(Math.floor(cell / resolution))] as const;
      });
      const keys = keysFor(
        fold(key, 1),
        at.map((_, i) => regions.length + i),
      );
      const logits = await classifier.network.logits(pointsOf(x, plane, at), keys);
      regions.push(...argmaxRows(logits));
      leads.push(...leadsOf(logits));
      const stage = `the plane of ${classifier.name}`;
      onProgress?.({ stage, done: done * cells + regions.length, total: sliced.length * cells });
    }
    panels.push({ name: classifier.name, ...rest, regions, leads });
  }
  const pixels = Array.from(x.data, (value) => Number(value.toFixed(3)));
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
    image: showImage ? { shape: x.shape.slice(1), pixels } : null,
  };
  return { svg: sliceSvg(data), data };
}
