import type { Interval } from "../../math/statistics.ts";
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
  /** The comparisons behind the lines; empty for a claim that is not about pairs of defences. */
  readonly found: readonly Compared[];
  readonly verdict: Verdict;
  /** One or two sentences: why that is the verdict. */
  readonly why: string;
}

/** Why a verdict is given: a sentence, or one that is made of the comparisons. */
export type Reason = string | ((found: readonly Compared[]) => string);

/** What a claim makes of the evidence. `found` is left out by a claim that is not about pairs of defences. */
export type Judgement = Pick<JudgedClaim, "lines" | "verdict"> &
  Partial<Pick<JudgedClaim, "found">>;

/** A claim as it is written down, before anything is known. */
export interface Claim {
  readonly id: string;
  readonly says: string;
  /** A reason for each verdict that can be explained; `undecided` has one by default. */
  readonly why: Readonly<Partial<Record<Verdict, Reason>>>;
  judge(evidence: readonly Evidence[]): Judgement;
}

const MISSING = "not measured yet";

const containsZero = ({ difference: { low, high } }: Compared): boolean => low <= 0 && high >= 0;

/** Why a claim is undecided. */
function undecided({ lines, found = [] }: Judgement): string {
  const missing = lines.filter(({ text }) => text === MISSING).length;
  if (missing === lines.length) return "Not measured yet.";
  const open = found.filter(containsZero).length;
  if (open === 0 && missing > 0) return "Not all of its comparisons are measured yet.";
  const next = "Deciding needs more images or a larger scale.";
  if (open === 0) return `The intervals do not decide. ${next}`;
  const which = open === found.length ? "Every interval" : "At least one interval";
  return `${which} contains 0. ${next}`;
}

/** Judges a claim. */
export function judged(
  { id, says, why, judge }: Claim,
  evidence: readonly Evidence[],
): JudgedClaim {
  const judgement = judge(evidence);
  const { lines, verdict, found = [] } = judgement;
  const reason = why[verdict] ?? undecided(judgement);
  const text = typeof reason === "string" ? reason : reason(found);
  return { id, says, lines, found, verdict, why: text };
}

/** A number with its sign: `+0.03`, `−0.10`, and 0 without one. */
export function signed(value: number, digits = 2): string {
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return text;
  return `${value < 0 ? "−" : "+"}${text}`;
}

/** An interval for a reader: `−0.03 [−0.05, −0.01]`. */
export const intervalText = ({ mean, low, high }: Interval, digits = 2): string =>
  `${signed(mean, digits)} [${signed(low, digits)}, ${signed(high, digits)}]`;

/** A difference for a reader: `−0.03 [−0.05, −0.01], n 1000, small`. */
export const differenceText = (
  { difference, examples, scale }: Omit<Compared, keyof Comparison>,
  digits = 2,
) => `${intervalText(difference, digits)}, n ${examples}, ${scale}`;

/** The name of a defence in the paper: `MAT Max`. */
export const title = (defense: string): string => titles[defense] ?? defense;

/** A measure, and the protocol unless it is the sound one: `C&W, published`. */
export const measureText = ({ measure, protocol }: Pick<Comparison, "measure" | "protocol">) =>
  `${measureNames[measure]}${protocol === "published" ? ", published" : ""}`;

/** A comparison for a reader: `PGD-ℓ∞: MAT Max 0.28, AT ℓ∞ 0.28`. */
export const comparisonText = (compared: Compared): string => {
  const { a, b, meanA, meanB } = compared;
  return `${measureText(compared)}: ${title(a)} ${meanA.toFixed(2)}, ${title(b)} ${meanB.toFixed(2)}`;
};

/** The lines of some comparisons. */
export const linesOf = (found: readonly (Compared | null)[]): ClaimLine[] =>
  found.map((one) =>
    one === null
      ? { text: MISSING, difference: "" }
      : { text: comparisonText(one), difference: differenceText(one) },
  );

const measured = (found: readonly (Compared | null)[]): Compared[] =>
  found.flatMap((one) => one ?? []);

/** A comparison with the claimed outcome: a is `more`, `less` or as much as b. */
export type Said = readonly [a: string, expected: Expected, b: string, measure: Measure];

/**
 * A claim of comparisons under the sound protocol, all of which have to hold. AutoAttack is part of it where it was run.
 */
export const comparisonClaim = (
  about: Pick<Claim, "id" | "says" | "why">,
  said: readonly Said[],
): Claim => ({
  ...about,
  judge(evidence) {
    const found = said
      .map(([a, expected, b, measure]) => {
        const compared = compare({ a, b, protocol: "sound", measure }, evidence);
        const verdict = compared === null ? "undecided" : verdictOf(compared.difference, expected);
        return { compared, verdict, measure };
      })
      .filter(({ compared, measure }) => compared !== null || measure !== "autoattack-union");
    const all = found.map(({ compared }) => compared);
    return {
      lines: linesOf(all),
      found: measured(all),
      verdict: allOf(found.map(({ verdict }) => verdict)),
    };
  },
});

/**
 * A claim of one comparison that the paper makes under its own protocol: that one first, then the sound one. The sound
 * comparison of `a` with `beside` is shown, too, but not judged.
 */
export const protocolClaim = (
  about: Pick<Claim, "id" | "says" | "why">,
  [a, expected, b, measure]: Said,
  beside?: string,
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
    const other =
      beside === undefined ? [] : [compare({ a, b: beside, protocol: "sound", measure }, evidence)];
    const all = [published, sound, ...other];
    return { lines: linesOf(all), found: measured(all), verdict };
  },
});
