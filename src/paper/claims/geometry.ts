// Claims about where adversarial examples lie: shares of examples, and the ratio of volumes.
import type { Row } from "../../evaluate/row.ts";
import { clopperPearson, type Interval } from "../../math/statistics.ts";
import { titles } from "../grids.ts";
import { PAPER_RADII, type RegionsOf, table2, table3 } from "../regions.ts";
import { table1 } from "../theory/table1.ts";
import { type Claim, differenceText } from "./claim.ts";
import { type Evidence, pairedShares, type Shares } from "./compared.ts";
import { allOf, MARGIN, type Verdict, verdictOf } from "./verdict.ts";

/** Pixels and channels of CIFAR-10. */
const DIMENSION = 3072;

/** The dimensions of Table 1. */
const DIMENSIONS = [2, 784, DIMENSION, 150_528] as const;

/** The paper's Table 1 for CIFAR-10: log₁₀ of the ratio of volumes, printed and computed. */
export function ratioOfVolumes(): { readonly printed: number; readonly ratio: number } {
  const [{ printed, ratio }] = table1([DIMENSION]);
  return { printed: printed ?? Number.NaN, ratio };
}

/** A power of ten for a reader: `10^−81.2`. */
export const powerOfTen = (exponent: number, digits: number): string =>
  `10^${exponent < 0 ? "−" : ""}${Math.abs(exponent).toFixed(digits)}`;

/** The volume of the intersection over that of either ball, since both balls have the same volume. */
export const volumeClaim: Claim = {
  id: "volume",
  says: "The intersection of two balls of equal volume vanishes, relative to either, as d grows (Theorem 1)",
  why: {
    holds: "The theorem is right: Σxᵢ²/d tends to 1/3 in the cube, which is outside the ℓ2 ball.",
  },
  judge() {
    const rows = table1([...DIMENSIONS]);
    const texts = rows.map(
      ({ dimension, ratio }) => `${powerOfTen(ratio, ratio > -1 ? 2 : 1)} for d = ${dimension}`,
    );
    const falls = rows.every(({ ratio }, i) => i === 0 || ratio < rows[i - 1].ratio);
    return {
      lines: [{ text: `${texts.join(", ")} (exact)`, difference: "" }],
      verdict: falls ? "holds" : "does not hold",
    };
  },
};

/** Exponents of ten that differ by less count as rounded. */
const EXPONENT_ROUNDING = 0.5;

export const printedVolumeClaim: Claim = {
  id: "volume-printed",
  says: "The intersection is 10^−578 of either ball for d = 3072 (Table 1)",
  why: {
    "does not hold":
      "The number is neither the ratio nor an upper bound of it. It follows from E[x²] = 2/3 instead of 1/3, r₂ instead of r₂², and Hoeffding's exponent without its factor 2.",
  },
  judge() {
    const { printed, ratio } = ratioOfVolumes();
    return {
      lines: [{ text: `${powerOfTen(ratio, 1)} (exact)`, difference: "" }],
      verdict: Math.abs(printed - ratio) <= EXPONENT_ROUNDING ? "holds" : "does not hold",
    };
  },
};

/** The published rows of each defence at the scale that has the most of them. */
function publishedRows(evidence: readonly Evidence[]): {
  readonly scale: string;
  readonly rows: Readonly<Record<string, readonly Row[]>>;
} {
  const all = evidence.map(({ scale, sections }) => ({
    scale,
    rows: Object.fromEntries(
      [...sections].map(([defense, { published }]) => [
        defense,
        [...published.pgd, ...published.cw],
      ]),
    ),
  }));
  const count = ({ rows }: (typeof all)[number]) => rows["at-linf"]?.length ?? 0;
  return all.reduce((most, one) => (count(one) > count(most) ? one : most));
}

/** A share as Tables 2 and 3 show it, and an end of its interval. */
const percent = (value: number): string => `${(100 * value).toFixed(0)} %`;
const endOf = (value: number): string => `${(100 * value).toFixed(1)} %`;

/** Whether a share is nearly 0. */
function nearlyNone({ low, high }: Interval): Verdict {
  if (high < MARGIN) return "holds";
  return low > MARGIN ? "does not hold" : "undecided";
}

/** The share of a column's examples that are inside the other ball, with its exact interval. */
function insideOther({ regions, examples, attack }: RegionsOf): Interval {
  const only = attack === "pgd-l2" ? regions.linfOnly : regions.l2Only;
  return clopperPearson(Math.round((regions.both.mean + only.mean) * examples), examples);
}

export const regionsClaim: Claim = {
  id: "regions",
  says: "PGD examples of one norm lie outside the other norm's ball (Table 2)",
  why: {
    holds:
      "Not one example is inside the other ball; the printed rows “inside” of PGD-ℓ∞ are swapped.",
    "does not hold": "Some examples are inside the other ball.",
  },
  judge(evidence) {
    const { scale, rows } = publishedRows(evidence);
    const columns = table2(rows, PAPER_RADII);
    const shares = columns.map(insideOther);
    return {
      lines: columns.map(({ attack, defense, examples, meanL2, meanLinf }, i) => ({
        text: `${attack === "pgd-l2" ? "PGD-ℓ2" : "PGD-ℓ∞"} on ${titles[defense]}: ${percent(shares[i].mean)} inside the other ball (at most ${endOf(shares[i].high)}), mean ℓ2 ${meanL2.toFixed(2)}, mean ℓ∞ ${meanLinf.toFixed(3)}, n ${examples}, ${scale}`,
        difference: "",
      })),
      verdict: allOf(shares.map(nearlyNone)),
    };
  },
};

/** For each image that is right and then broken by unbounded C&W: 1 if the example is in the ℓ∞ ball, else 0. */
const insideLinf = (rows: readonly Row[]): Shares =>
  new Map(
    rows
      .filter(({ attack, epsilon, clean, correct }) => {
        return attack === "cw-l2" && epsilon === null && clean === 1 && correct === 0;
      })
      .map(({ index, linf }) => [index, linf <= PAPER_RADII.linf * (1 + 1e-5) ? 1 : 0]),
  );

export const shiftClaim: Claim = {
  id: "shift",
  says: "C&W finds its examples in both balls without a defence, and outside the ℓ∞ ball under AT-ℓ∞ (Table 3: 70 %, then 29 % in both)",
  why: {
    holds:
      "AT-ℓ∞ moves the examples out of the ℓ∞ ball; most of them also leave the ℓ2 ball, which the paper does not say.",
  },
  judge(evidence) {
    const { scale, rows } = publishedRows(evidence);
    const columns = table3(rows, PAPER_RADII);
    const [baseline, at] = ["standard", "at-linf"].map((name) => insideLinf(rows[name] ?? []));
    const paired = pairedShares(at, baseline, `${scale} shift`);
    const difference =
      paired === null
        ? ""
        : `share in the ℓ∞ ball, AT ℓ∞ − Baseline, of images broken in both: ${differenceText({ scale, ...paired })}`;
    return {
      lines: columns.map(({ defense, regions, examples, meanL2 }, i) => ({
        text: `${titles[defense]}: ${percent(regions.both.mean)} in both balls, ${percent(regions.l2Only.mean)} in the ℓ2 ball only, ${percent(regions.neither.mean)} in neither, mean ℓ2 ${meanL2.toFixed(2)}, n ${examples}`,
        difference: i === 1 ? difference : "",
      })),
      verdict: paired === null ? "undecided" : verdictOf(paired.difference, "less"),
    };
  },
};
