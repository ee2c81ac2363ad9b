// What sequential tests of a target radius would cost on certified images, compared with a fixed number of draws. Nothing is
// drawn: with the share of votes of each image's row as its probability, the distribution of each test is computed exactly.
import { lowerBound } from "../src/certify/binomial.ts";
import { certificateOf } from "../src/certify/certificates.ts";
import { probabilityFor } from "../src/certify/certify.ts";
import type { CertificateRow } from "../src/certify/row.ts";
import { decide } from "../src/certify/sequential.ts";
import { betaCdf } from "../src/math/special.ts";
import { argmax } from "../src/math/tensor.ts";
import { UsageError } from "../src/math/usage-error.ts";

const TARGET = { norm: "l2", radius: 0.5 } as const;
const SHAPE = [3, 32, 32];
const [ALPHA, MOST, BATCH] = [0.001, 100_000, 100];
/** Probability that may be left undecided when the computation of a test ends. */
const REST = 1e-9;
/** Probability of a number of failures in a batch that is left out: there are 1000 batches of at most 101 such numbers. */
const NOTHING = 1e-16;

/** How a test of one image ends. */
export interface Ending {
  /** The probability that the image is certified. */
  readonly certified: number;
  /** Draws on average. */
  readonly draws: number;
}

/** The least k in [0, n] with a property that larger numbers keep; n + 1 if none has it. */
function least(n: number, holds: (k: number) => boolean): number {
  let [low, high] = [-1, n + 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** The most failures that certify, and the fewest that give up, after each batch. */
export function boundaries(p: number, { most = MOST, alpha = ALPHA } = {}) {
  return Array.from({ length: most / BATCH }, (_, i) => {
    const draws = (i + 1) * BATCH;
    const decision = (failures: number) =>
      decide(p, { successes: draws - failures, draws }, { alpha, most });
    const certify = least(draws, (failures) => decision(failures) !== "above") - 1;
    const giveUp = least(draws, (failures) => decision(failures) === "below");
    return { draws, certify, giveUp };
  });
}

/** ln n!, for n up to the size of a batch. */
const logFactorial = Array.from({ length: BATCH + 1 }, () => 0);
for (let n = 2; n <= BATCH; n++) logFactorial[n] = logFactorial[n - 1] + Math.log(n);

/** n ln x, with 0 ln 0 = 0. */
const powerLog = (n: number, x: number): number => (n === 0 ? 0 : n * Math.log(x));

/** Probabilities of 0 … BATCH failures in a batch, for a success probability p. */
const batchOf = (p: number): Float64Array =>
  Float64Array.from({ length: BATCH + 1 }, (_, k) =>
    Math.exp(
      logFactorial[BATCH] -
        logFactorial[k] -
        logFactorial[BATCH - k] +
        powerLog(BATCH - k, p) +
        powerLog(k, 1 - p),
    ),
  );

/** How a sequential test ends for an image with success probability `p`. */
export function sequentialEnding(p: number, looks: ReturnType<typeof boundaries>): Ending {
  const batch = batchOf(p);
  const first = batch.findIndex((probability) => probability > NOTHING);
  const end = batch.findLastIndex((probability) => probability > NOTHING) + 1;
  let [from, open] = [0, Float64Array.of(1)];
  let [certified, draws, left] = [0, 0, 1];
  for (const { draws: made, certify, giveUp } of looks) {
    const next = new Float64Array(open.length + BATCH);
    for (let i = 0; i < open.length; i++)
      for (let k = first; k < end; k++) next[i + k] += open[i] * batch[k];
    draws += left * BATCH;
    for (let i = 0; i < next.length && from + i <= certify; i++) certified += next[i];
    const start = Math.max(from, certify + 1);
    open = next.slice(start - from, Math.max(start - from, giveUp - from));
    from = start;
    left = open.reduce((sum, one) => sum + one, 0);
    if (left < REST || made === MOST) break;
  }
  return { certified, draws };
}

/** How the test of all draws ends. */
export function fixedEnding(p: number, needed: number): Ending {
  const k = least(MOST, (successes) => lowerBound(successes, MOST, ALPHA) >= needed);
  if (k > MOST) return { certified: 0, draws: MOST };
  return { certified: p >= 1 ? 1 : betaCdf(p, k, MOST - k + 1), draws: MOST };
}

/** The share of votes for the class of most votes, and whether that is the label. */
function votesOf({ components: [{ n, counts }], label }: CertificateRow) {
  const first = argmax(counts);
  return { share: counts[first] / n, isRight: first === label };
}

/** The probability that the target needs; null if the noise never reaches it, or is sampled in parts. */
function needed(noise: string): number | null {
  try {
    return probabilityFor(certificateOf(noise).noise, TARGET, SHAPE);
  } catch (error) {
    if (error instanceof UsageError) return null;
    throw error;
  }
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
const percent = (share: number): string => (100 * share).toFixed(1);
const whole = (draws: number): string => Math.round(draws).toLocaleString("en-US");

/** One line of the table. */
function lineOf(name: string, fixed: readonly Ending[], sequential: readonly Ending[]): string {
  const draws = mean(sequential.map((one) => one.draws));
  const cells = [
    name,
    String(fixed.length),
    percent(mean(fixed.map((one) => one.certified))),
    percent(mean(sequential.map((one) => one.certified))),
    whole(MOST),
    whole(draws),
    `${(MOST / draws).toFixed(0)} ×`,
  ];
  return `| ${cells.join(" | ")} |`;
}

/** The Markdown table of the networks whose noise reaches the target, from their rows by name. */
export function sequentialTable(networks: ReadonlyMap<string, readonly CertificateRow[]>): string {
  const [allFixed, allSequential]: [Ending[], Ending[]] = [[], []];
  const lines: string[] = [];
  const known = new Map<number, ReturnType<typeof boundaries>>();
  for (const [name, rows] of networks) {
    const p = needed(rows[0].noise);
    if (p === null) continue;
    const looks = known.get(p) ?? boundaries(p);
    known.set(p, looks);
    const shares = rows.map(votesOf);
    const counted = (ending: Ending, isRight: boolean): Ending =>
      isRight ? ending : { certified: 0, draws: ending.draws };
    const fixed = shares.map(({ share, isRight }) => counted(fixedEnding(share, p), isRight));
    const endings = new Map(
      [...new Set(shares.map(({ share }) => share))].map((share) => [
        share,
        sequentialEnding(share, looks),
      ]),
    );
    const sequential = shares.map(({ share, isRight }) =>
      counted(endings.get(share) as Ending, isRight),
    );
    allFixed.push(...fixed);
    allSequential.push(...sequential);
    lines.push(lineOf(`\`${name}\``, fixed, sequential));
  }
  return [
    "| sequential test | images | certified, fixed | certified, sequential | draws, fixed | draws, sequential | fewer |",
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ...lines,
    lineOf("all", allFixed, allSequential),
  ].join("\n");
}
