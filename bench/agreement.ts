// Whether two implementations did the same work: a ratio of their times means nothing where they did not.

import type { Numbers } from "../src/bench/work.ts";
import type { Tensor } from "../src/math/tensor.ts";

type Arrays = Readonly<Record<string, Tensor>>;

/** Losses and gradients agree to this, relatively. */
const TOLERANCE = 1e-4;

/** Rounding of a Winograd convolution in multiples of a direct one's, as the lowering keeps to. */
const WINOGRAD = 4;

/** Images that may be decided otherwise, as a share of all: kernels differ in the last bits, which sign steps amplify. */
const OTHER_IMAGES = 0.005;

/** Our median distance may be larger by this, relatively. Where it is smaller, ours is the stronger attack, and no ratio flatters it. */
const MEDIAN = 0.01;

/** Relative ℓ2 differences of the parts of two sets of arrays: a gradient's examples, else each array by itself. */
export function relativeErrors(ours: Arrays, theirs: Arrays): number[] {
  return Object.entries(theirs).flatMap(([name, { data, shape }]) => {
    const own = ours[name];
    if (own === undefined || own.data.length !== data.length)
      throw new Error(`internal: PyTorch gave ${name} of ${data.length} numbers, we did not`);
    const parts = name === "gradient" ? shape[0] : 1;
    const size = data.length / parts;
    return Array.from({ length: parts }, (_, part) => {
      let [difference, whole] = [0, 0];
      for (let i = part * size; i < (part + 1) * size; i++) {
        difference += (own.data[i] - data[i]) ** 2;
        whole += data[i] ** 2;
      }
      return Math.sqrt(difference / whole);
    });
  });
}

/** How far two sides are apart; null where the work gives no such number. */
export interface Agreement {
  /** Relative difference of the loss. */
  readonly loss: number | null;
  /**
   * Median relative ℓ2 difference of the examples' gradients, or of the velocities' arrays. Where the sum of a relu is 0 up to
   * rounding, the two sides take different branches, and that example's gradient differs by 1e-3; it is one in many.
   */
  readonly gradient: number | null;
  /** The largest of these differences. */
  readonly largest: number | null;
  /** Where the losses differ by more than is allowed: the same. Ten steps along signs bring rounding that far. */
  readonly exactLoss: { readonly ours: number; readonly pytorch: number } | null;
  /** Where the gradients differ by more than is allowed: relative errors against double precision, ours and that of PyTorch's layout that is farther off. */
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

const relative = (value: number, truth = Number.NaN) => Math.abs(value - truth) / Math.abs(truth);

/** The median; NaN where any of the values is. */
const worstMedian = (values: readonly number[]): number =>
  values.some(Number.isNaN) ? Number.NaN : median(values);

/**
 * Compares the numbers; `exact` gives what PyTorch gives in double precision, and is asked only if need be, to judge us beside all
 * of `theirs`: which relus flip is chance, and PyTorch's layouts are apart as well.
 */
export async function agreementOf(
  ours: Numbers,
  theirs: Numbers,
  judges: { exact(): Promise<Numbers>; readonly theirs?: readonly Numbers[] },
): Promise<Agreement> {
  const all = judges.theirs ?? [theirs];
  const loss = ours.loss === undefined ? null : relative(ours.loss, theirs.loss);
  const exactLoss = loss === null || loss <= TOLERANCE ? null : (await judges.exact()).loss;
  const { arrays = {} } = theirs;
  const errors =
    Object.keys(arrays).length === 0 ? null : relativeErrors(ours.arrays ?? {}, arrays);
  const gradient = errors === null ? null : worstMedian(errors);
  const far = gradient !== null && !(gradient <= TOLERANCE);
  const judge = far ? ((await judges.exact()).arrays ?? {}) : null;
  const moved = (numbers: Numbers) =>
    median((numbers.l2 ?? []).filter((_, i) => numbers.clean?.[i] === 1));
  return {
    loss,
    gradient,
    largest: errors === null ? null : Math.max(...errors),
    exactLoss:
      exactLoss === null || ours.loss === undefined
        ? null
        : {
            ours: relative(ours.loss, exactLoss),
            pytorch: Math.max(...all.map((one) => relative(one.loss ?? Number.NaN, exactLoss))),
          },
    exact:
      judge === null
        ? null
        : {
            ours: worstMedian(relativeErrors(ours.arrays ?? {}, judge)),
            pytorch: Math.max(
              ...all.map((one) => worstMedian(relativeErrors(one.arrays ?? {}, judge))),
            ),
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
 * What the two sides disagree on, in words; nothing where they agree. A loss or a gradient
 * whose parts are off by more than 1e-4 must be as close to the one in double precision as PyTorch's is, up to `WINOGRAD`.
 */
export function disagreements(a: Agreement): string[] {
  const problems: string[] = [];
  if (a.exactLoss !== null && !(a.exactLoss.ours <= WINOGRAD * a.exactLoss.pytorch))
    problems.push(`loss by ${text(a.loss ?? 0)}, ${text(a.exactLoss.ours)} from double precision`);
  if (a.exact !== null && !(a.exact.ours <= WINOGRAD * a.exact.pytorch))
    problems.push(
      `gradient by ${text(a.gradient ?? 0)}, ${text(a.exact.ours)} from double precision`,
    );
  if (a.otherImages !== null && !(a.otherImages <= OTHER_IMAGES * (a.images ?? 0)))
    problems.push(`${a.otherImages.toFixed(2)} of ${a.images} images`);
  if (a.medianL2 !== null && !(a.medianL2[0] / a.medianL2[1] - 1 <= MEDIAN))
    problems.push(`median ℓ2 of ${distances(a.medianL2)}`);
  return problems;
}

const text = (value: number) => value.toExponential(1);
const distances = (pair: readonly number[]) => pair.map((value) => value.toFixed(4)).join(" and ");

/** How well they agree, for a reader. */
export function agreementText(agreement: Agreement): string {
  const { loss, exactLoss, gradient, largest, exact, accuracy } = agreement;
  const { otherImages, images, medianL2 } = agreement;
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const precision = ({ ours, pytorch }: NonNullable<Agreement["exact"]>) =>
    `from double precision ${text(ours)}, PyTorch ${text(pytorch)}`;
  const parts: string[] = [];
  if (loss !== null) parts.push(`loss to ${text(loss)}`);
  if (exactLoss !== null) parts.push(precision(exactLoss));
  if (gradient !== null)
    parts.push(`gradient to ${text(gradient)} (largest of its parts ${text(largest ?? 0)})`);
  if (exact !== null) parts.push(precision(exact));
  if (accuracy !== null) parts.push(`accuracy ${accuracy.map(percent).join(" and ")}`);
  if (otherImages !== null)
    parts.push(`${Number(otherImages.toFixed(2))} of ${images} images differ`);
  if (medianL2 !== null) parts.push(`median ℓ2 ${distances(medianL2)}`);
  return parts.join(", ");
}
