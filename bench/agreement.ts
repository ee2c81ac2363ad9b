// Whether two implementations did the same work: a ratio of their times means nothing where they did not.

import type { Numbers } from "../src/cli/bench-work.ts";
import type { Tensor } from "../src/math/tensor.ts";

type Arrays = Readonly<Record<string, Tensor>>;

/** Losses and gradients agree to this, relatively. */
const TOLERANCE = 1e-4;

/** Images that may be decided otherwise, as a share of all: kernels differ in the last bits, which sign steps amplify. */
const OTHER_IMAGES = 0.005;

/** The median of distances agrees to this, relatively. */
const MEDIAN = 0.01;

/** Length of the difference of two sets of arrays, relative to the length of the second. */
export function relativeError(ours: Arrays, theirs: Arrays): number {
  let [difference, whole] = [0, 0];
  for (const [name, { data }] of Object.entries(theirs)) {
    const own = ours[name];
    if (own === undefined || own.data.length !== data.length)
      throw new Error(`internal: PyTorch gave ${name} of ${data.length} numbers, we did not`);
    data.forEach((v, i) => {
      difference += (own.data[i] - v) ** 2;
      whole += v * v;
    });
  }
  return Math.sqrt(difference / whole);
}

/** How far two sides are apart; null where the work gives no such number. */
export interface Agreement {
  /** Relative difference of the loss. */
  readonly loss: number | null;
  /** Relative ℓ2 difference of the gradient, or of the velocities. */
  readonly gradient: number | null;
  /** Where the gradients differ by more than is allowed: both sides' relative errors against double precision. */
  readonly exact: { readonly ours: number; readonly pytorch: number } | null;
  /** Mean share of right decisions under attack: ours, PyTorch's. */
  readonly accuracy: readonly [number, number] | null;
  /** Images that are decided otherwise, clean or under attack, in shares of decisions. */
  readonly otherImages: number | null;
  readonly images: number | null;
  /** Median distance of the images that the attack had to move: ours, PyTorch's. */
  readonly medianL2: readonly [number, number] | null;
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

const apart = (a: readonly number[] = [], b: readonly number[] = []) =>
  a.reduce((sum, v, i) => sum + Math.abs(v - b[i]), 0);

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2;
}

/** Compares the numbers; `exact` gives what PyTorch gives in double precision, and is asked only if need be. */
export async function agreementOf(
  ours: Numbers,
  theirs: Numbers,
  exact: () => Promise<Numbers>,
): Promise<Agreement> {
  const loss =
    ours.loss === undefined || theirs.loss === undefined
      ? null
      : Math.abs(ours.loss - theirs.loss) / Math.abs(theirs.loss);
  const { arrays = {} } = theirs;
  const gradient =
    Object.keys(arrays).length === 0 ? null : relativeError(ours.arrays ?? {}, arrays);
  const far = gradient !== null && !(gradient <= TOLERANCE);
  const judge = far ? ((await exact()).arrays ?? {}) : null;
  const moved = (numbers: Numbers) =>
    median((numbers.l2 ?? []).filter((_, i) => numbers.clean?.[i] === 1));
  return {
    ...{ loss, gradient },
    exact:
      judge === null
        ? null
        : {
            ours: relativeError(ours.arrays ?? {}, judge),
            pytorch: relativeError(arrays, judge),
          },
    accuracy:
      ours.correct === undefined || theirs.correct === undefined
        ? null
        : [mean(ours.correct), mean(theirs.correct)],
    otherImages:
      ours.correct === undefined
        ? null
        : Math.max(apart(ours.clean, theirs.clean), apart(ours.correct, theirs.correct)),
    images: ours.correct?.length ?? null,
    medianL2:
      ours.l2 === undefined || theirs.l2 === undefined ? null : [moved(ours), moved(theirs)],
  };
}

/**
 * What the two sides disagree on, in words; nothing where they agree. A gradient that is off by more than 1e-4 (relus
 * that flip at 0) must be as close to the one in double precision as PyTorch's is, up to a factor of 2.
 */
export function disagreements(a: Agreement): string[] {
  const allowed = OTHER_IMAGES * (a.images ?? 0);
  return [
    ...(a.loss !== null && !(a.loss <= TOLERANCE) ? [`loss by ${text(a.loss)}`] : []),
    ...(a.exact !== null && !(a.exact.ours <= 2 * a.exact.pytorch)
      ? [`gradient by ${text(a.gradient ?? 0)}, ${text(a.exact.ours)} from double precision`]
      : []),
    ...(a.otherImages !== null && !(a.otherImages <= allowed)
      ? [`${a.otherImages.toFixed(2)} of ${a.images} images`]
      : []),
    ...(a.medianL2 !== null && !(Math.abs(a.medianL2[0] / a.medianL2[1] - 1) <= MEDIAN)
      ? [`median ℓ2 of ${distances(a.medianL2)}`]
      : []),
  ];
}

const text = (value: number) => value.toExponential(1);
const distances = (pair: readonly number[]) => pair.map((value) => value.toFixed(4)).join(" and ");

/** How well they agree, for a reader. */
export function agreementText({
  loss,
  gradient,
  exact,
  accuracy,
  otherImages,
  images,
  medianL2,
}: Agreement) {
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  return [
    ...(loss === null ? [] : [`loss to ${text(loss)}`]),
    ...(gradient === null ? [] : [`gradient to ${text(gradient)}`]),
    ...(exact === null
      ? []
      : [`from double precision ${text(exact.ours)}, PyTorch ${text(exact.pytorch)}`]),
    ...(accuracy === null ? [] : [`accuracy ${accuracy.map(percent).join(" and ")}`]),
    ...(otherImages === null
      ? []
      : [`${Number(otherImages.toFixed(2))} of ${images} images differ`]),
    ...(medianL2 === null ? [] : [`median ℓ2 ${distances(medianL2)}`]),
  ].join(", ");
}
