import { titles } from "../grids.ts";
import {
  type Compared,
  type Comparison,
  compare,
  type Evidence,
  type Measure,
  measureNames,
} from "./compared.ts";
import { allOf, type Expected, protocolVerdict, type Verdict, verdictOf } from "./verdict.ts";

/** One measurement behind a claim. */
export interface ClaimLine {
  readonly text: string;
  /** The paired difference with its interval, images and scale; empty where none is behind it. */
  readonly difference: string;
}

/** A claim of the paper after the measurement. */
export interface JudgedClaim {
  /** A short name, for links and tests. */
  readonly id: string;
  /** What the paper says, with the place. */
  readonly says: string;
  readonly lines: readonly ClaimLine[];
  readonly verdict: Verdict;
  /** One sentence: why that is the verdict. */
  readonly why: string;
}

/** A claim as it is written down, before anything is known. */
export interface Claim {
  readonly id: string;
  readonly says: string;
  /** A sentence for each verdict that can be explained; `undecided` has one by default. */
  readonly why: Readonly<Partial<Record<Verdict, string>>>;
  judge(evidence: readonly Evidence[]): Omit<JudgedClaim, "id" | "says" | "why">;
}

const UNDECIDED =
  "The intervals allow both signs: more images, or a larger scale, would have to decide.";

/** Judges a claim. */
export function judged(
  { id, says, why, judge }: Claim,
  evidence: readonly Evidence[],
): JudgedClaim {
  const found = judge(evidence);
  return { id, says, ...found, why: why[found.verdict] ?? UNDECIDED };
}

/** A number with its sign: `+0.03`, `−0.10`. */
const signed = (value: number): string => {
  const digits = Math.abs(value).toFixed(2);
  if (digits === "0.00") return digits;
  return `${value < 0 ? "−" : "+"}${digits}`;
};

/** A difference for a reader: `−0.03 [−0.05, −0.01], n 1000, small`. */
export const differenceText = ({ difference, examples, scale }: Omit<Compared, keyof Comparison>) =>
  `${signed(difference.mean)} [${signed(difference.low)}, ${signed(difference.high)}], n ${examples}, ${scale}`;

const title = (defense: string): string => titles[defense] ?? defense;

/** A comparison for a reader: `PGD-ℓ∞: MAT Max 0.28, AT ℓ∞ 0.28`. */
export const comparisonText = ({ a, b, measure, protocol, meanA, meanB }: Compared): string =>
  `${measureNames[measure]}${protocol === "published" ? ", published" : ""}: ${title(a)} ${meanA.toFixed(2)}, ${title(b)} ${meanB.toFixed(2)}`;

const MISSING = "not measured yet";

/** The lines of some comparisons. */
export const linesOf = (found: readonly (Compared | null)[]): ClaimLine[] =>
  found.map((one) =>
    one === null
      ? { text: MISSING, difference: "" }
      : { text: comparisonText(one), difference: differenceText(one) },
  );

/** A comparison and what the claim says of it: a is `more`, `less` or as much as b. */
export type Said = readonly [a: string, expected: Expected, b: string, measure: Measure];

/**
 * A claim of comparisons under the sound protocol, all of which have to hold. AutoAttack is part of it where it was run.
 */
export const comparisonClaim = (
  about: Pick<Claim, "id" | "says" | "why">,
  all: readonly Said[],
): Claim => ({
  ...about,
  judge(evidence) {
    const found = all
      .map(([a, expected, b, measure]) => {
        const compared = compare({ a, b, protocol: "sound", measure }, evidence);
        const verdict = compared === null ? "undecided" : verdictOf(compared.difference, expected);
        return { compared, verdict, measure };
      })
      .filter(({ compared, measure }) => compared !== null || measure !== "autoattack-union");
    const verdicts = found.map(({ verdict }) => verdict);
    return { lines: linesOf(found.map(({ compared }) => compared)), verdict: allOf(verdicts) };
  },
});

/** A claim of one comparison that the paper makes under its own protocol: that one first, then the sound one. */
export const protocolClaim = (
  about: Pick<Claim, "id" | "says" | "why">,
  [a, expected, b, measure]: Said,
): Claim => ({
  ...about,
  judge(evidence) {
    const [published, sound] = (["published", "sound"] as const).map((protocol) =>
      compare({ a, b, protocol, measure }, evidence),
    );
    const verdict =
      published === null || sound === null
        ? "undecided"
        : protocolVerdict(published.difference, sound.difference, expected);
    return { lines: linesOf([published, sound]), verdict };
  },
});
