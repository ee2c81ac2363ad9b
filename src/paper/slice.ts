// The plane through an image that its ℓ∞ and its ℓ2 attack span: the balls in it, and the decisions of the network on it.
import { balls } from "../attacks/balls.ts";
import { pgd } from "../attacks/pgd.ts";
import type { PaperNorm, Victim } from "../attacks/victim.ts";
import { normal } from "../math/distributions.ts";
import { fold, type Key, keysFor, nameToNumber } from "../math/random.ts";
import { argmaxRows, rowSize, sub, type Tensor } from "../math/tensor.ts";
import type { PlanePoint } from "../report/marks.ts";
import { coordinates, cubeSection, dot, type Plane, planeThrough, pointsOf } from "./plane.ts";
import type { SlicePoint } from "./report/slice.ts";

/** An image whose plane is wanted. */
export interface SlicedImage {
  readonly network: Victim;
  /** [1, channel, height, width] in [0, 1]. */
  readonly x: Tensor;
  readonly label: number;
  /** Radii of both attacks, for pixels in [0, 1]. */
  readonly radii: { readonly [N in PaperNorm]: number };
}

/** How the two attacks are run. */
export interface SliceAttack {
  readonly key: Key;
  readonly steps: number;
  readonly restarts: number;
}

/** A plane with the two attacks that span it. */
export interface Slice {
  readonly plane: Plane;
  /** The predicted class of the image itself. */
  readonly prediction: number;
  readonly linf: SlicePoint;
  readonly l2: SlicePoint;
  /** Cosine of the angle between the two perturbations. */
  readonly cosine: number;
  /** Corners of the plane's intersection with the ℓ∞ ball, counter-clockwise. */
  readonly section: readonly PlanePoint[];
}

/** Runs both attacks, and intersects the plane that they span with the ℓ∞ ball. */
export async function sliceThrough(
  { network, x, label, radii }: SlicedImage,
  { key, steps, restarts }: SliceAttack,
): Promise<Slice> {
  const predicted = async (at: Tensor) => argmaxRows(await network.logits(at, [fold(key, 0)]))[0];
  const attacked = (norm: PaperNorm) =>
    pgd({ norm, epsilon: radii[norm], steps, restarts, stopWhenBroken: false }).perturb(
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
    plane,
    prediction: await predicted(x),
    linf,
    l2,
    cosine: dot(delta.linf.data, delta.l2.data) / (linf.l2 * l2.l2),
    section: cubeSection(plane, radii.linf),
  };
}

/** Factor by which the window is larger than everything that is drawn in it. */
const MARGIN = 1.08;

/** Half the side of a square window around 0 that contains the ℓ2 ball, the sections and all adversarial examples. */
export function halfWindow(sliced: readonly Slice[], epsilonL2: number): number {
  const points = sliced.flatMap(({ section, linf, l2 }) => [...section, linf.at, l2.at]);
  return MARGIN * Math.max(epsilonL2, ...points.flat().map(Math.abs));
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

/** A square window of a plane, in `resolution`² cells. */
export interface PlaneWindow {
  readonly centre: PlanePoint;
  /** Half its side. */
  readonly half: number;
  readonly resolution: number;
}

/** What a network says at the centres of some cells. */
export interface Decisions {
  /** The predicted classes. */
  readonly regions: readonly number[];
  /** The logit of the predicted class minus the second highest logit. */
  readonly leads: readonly number[];
}

/** The decisions at the centres of cells `from` … `from + count − 1`, counted row by row from the bottom. */
export async function decisionsAt(
  { network, x, plane }: Pick<SlicedImage, "network" | "x"> & { readonly plane: Plane },
  { centre, half, resolution }: PlaneWindow,
  { key, from, count }: { readonly key: Key; readonly from: number; readonly count: number },
): Promise<Decisions> {
  const along = (i: number) => ((i + 0.5) / resolution) * 2 * half - half;
  const indices = Array.from({ length: count }, (_, i) => from + i);
  const at = indices.map((i): PlanePoint => {
    const [a, b] = [along(i % resolution), along(Math.floor(i / resolution))];
    return [centre[0] + a, centre[1] + b];
  });
  const logits = await network.logits(pointsOf(x, plane, at), keysFor(key, indices));
  return { regions: argmaxRows(logits), leads: leadsOf(logits) };
}
