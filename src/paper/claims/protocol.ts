// Claims that depend on how accuracy is measured: C&W without a bound, draws per step, and the minimum of means.
import { groupBy } from "../../evaluate/row-statistics.ts";
import { mean } from "../../math/statistics.ts";
import { type Claim, differenceText, signed, title } from "./claim.ts";
import { type Evidence, type Measure, measureNames, pairedShares, sharesOf } from "./compared.ts";
import { MARGIN, type Verdict } from "./verdict.ts";

/** One defence under C&W with and without a bound. */
function boundOf(defense: string, evidence: readonly Evidence[]) {
  for (const { scale, sections } of evidence) {
    const own = sections.get(defense);
    if (own === undefined) continue;
    const [within, unbounded] = [own.sound, own.published].map((one) => sharesOf(one, "cw-l2"));
    const paired = pairedShares(within, unbounded, `${scale} bound ${defense}`);
    if (paired !== null) return { scale, defense, ...paired };
  }
  return null;
}

/** Adversarial training under C&W: 0.00 in the paper. */
export const unboundedClaim: Claim = {
  id: "unbounded",
  says: "Adversarial training and MAT fail against C&W: accuracy 0.00 (Table 4)",
  why: {
    artefact: "An attack without a bound on the norm breaks every deterministic classifier.",
    holds: "C&W within the radius of PGD-ℓ2 leaves no accuracy either.",
  },
  judge(evidence) {
    const found = ["at-linf", "at-l2", "mat-max", "mat-rand"].flatMap(
      (defense) => boundOf(defense, evidence) ?? [],
    );
    const isArtefact = found.every(({ difference }) => difference.low > MARGIN);
    const isBroken = found.every(({ meanA }) => meanA < MARGIN);
    let verdict: Verdict = "undecided";
    if (found.length > 0 && isBroken) verdict = "holds";
    else if (found.length > 0 && isArtefact) verdict = "artefact";
    return {
      lines: found.map((one) => ({
        text: `C&W on ${title(one.defense)}: ${one.meanB.toFixed(2)} without a bound, ${one.meanA.toFixed(2)} within ℓ2 0.83`,
        difference: differenceText(one),
      })),
      verdict,
    };
  },
};

/** Draws per step that the claim about EOT compares; the sweep over draws has 64, not 80. */
const DRAWS = [16, 64] as const;
/** The largest change that more draws may make, if they are not needed. */
const SMALL_CHANGE = 0.02;

/** The change from 16 to 64 draws of each attack on each randomised defence. */
function changes(evidence: readonly Evidence[]) {
  for (const { scale, sweeps } of evidence) {
    const found = [...sweeps].flatMap(([defense, rows]) =>
      [...groupBy(rows, ({ attack }) => attack)].flatMap(([attack, own]) => {
        const [few, many] = DRAWS.map(
          (eot) =>
            new Map(
              own.filter((row) => row.eot === eot).map(({ index, correct }) => [index, correct]),
            ),
        );
        const paired = pairedShares(many, few, `${scale} eot ${defense} ${attack}`);
        return paired === null ? [] : [{ scale, defense, attack, ...paired }];
      }),
    );
    if (found.length > 0) return found;
  }
  return [];
}

export const drawsClaim: Claim = {
  id: "draws",
  says: "Attacks on noise need 80 draws per step (EOT; the authors' setting, the text has no number)",
  why: {
    "does not hold": `Four times as many draws lower no accuracy by ${SMALL_CHANGE}, so 16 suffice here.`,
    holds: "More draws still make the attack stronger.",
  },
  judge(evidence) {
    const all = changes(evidence);
    const [largest] = all.toSorted((a, b) => a.difference.mean - b.difference.mean);
    const lowest = Math.min(...all.map(({ difference }) => difference.low));
    const isSmall = all.every(({ difference }) => difference.low > -SMALL_CHANGE);
    const isNeeded = all.some(({ difference }) => difference.high < -SMALL_CHANGE);
    let verdict: Verdict = "undecided";
    if (isNeeded) verdict = "holds";
    else if (all.length > 0 && isSmall) verdict = "does not hold";
    if (largest === undefined) return { lines: [], verdict };
    const { defense, attack, meanA, meanB } = largest;
    return {
      lines: [
        {
          text: `the largest of ${all.length} differences, uncorrected, ${title(defense)} under ${measureNames[attack as Measure] ?? attack}: ${meanB.toFixed(3)} with 16 draws, ${meanA.toFixed(3)} with 64`,
          difference: differenceText(largest, 3),
        },
        {
          text: `the lowest end of the ${all.length} intervals: ${signed(lowest, 3)}`,
          difference: "",
        },
      ],
      verdict,
    };
  },
};

/** The attack of the lowest accuracy against the union, on the same images. */
function minimumOf(defense: string, evidence: readonly Evidence[]) {
  for (const { scale, sections } of evidence) {
    const own = sections.get(defense)?.sound;
    if (own === undefined) continue;
    const union = sharesOf(own, "pgd-cw-union");
    const single = (["pgd-linf", "pgd-l2", "cw-l2"] as const).map((measure) => {
      const shares = new Map([...sharesOf(own, measure)].filter(([index]) => union.has(index)));
      return { shares, accuracy: mean([...shares.values()]) };
    });
    if (union.size === 0) continue;
    const [lowest] = single.toSorted((a, b) => a.accuracy - b.accuracy);
    const paired = pairedShares(lowest.shares, union, `${scale} minimum ${defense}`);
    if (paired !== null) return { scale, defense, ...paired };
  }
  return null;
}

export const minimumClaim: Claim = {
  id: "minimum",
  says: "“Min accuracy”, the minimum of the attacks' accuracies, is the accuracy against all attacks",
  why: {
    "does not hold":
      "Taking the strongest attack of each image leaves fewer images correct than any single attack.",
  },
  judge(evidence) {
    const found = ["at-linf", "mat-max", "mat-rand"].flatMap(
      (defense) => minimumOf(defense, evidence) ?? [],
    );
    const isAbove = found.length > 0 && found.every(({ difference }) => difference.low > 0);
    return {
      lines: found.map((one) => ({
        text: `${title(one.defense)}: minimum of means ${one.meanA.toFixed(3)}, union ${one.meanB.toFixed(3)}`,
        difference: differenceText(one, 3),
      })),
      verdict: isAbove ? "does not hold" : "undecided",
    };
  },
};
