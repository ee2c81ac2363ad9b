// The claims of the paper about accuracies, each with its comparisons and one sentence for each verdict.
import { type Claim, comparisonClaim, protocolClaim, type Said } from "./claim.ts";
import { printedVolumeClaim, regionsClaim, shiftClaim, volumeClaim } from "./geometry.ts";
import { drawsClaim, minimumClaim, unboundedClaim } from "./protocol.ts";
import { gapsOfSingleNorms, matBelow, noiseWithinRadius } from "./reasons.ts";

const each = (defenses: readonly string[], of: (defense: string) => readonly Said[]): Said[] =>
  defenses.flatMap(of);

const mat = ["mat-max", "mat-rand"] as const;

const singleNorm = comparisonClaim(
  {
    id: "single-norm",
    says: "AT in one norm is less robust in the other norm than the AT of that norm: 0.37 against 0.43 in ℓ∞, 0.37 against 0.52 in ℓ2 (Tables 2 and 4)",
    why: {
      holds: gapsOfSingleNorms,
      "does not hold": "One AT is better in the norm of the other one.",
    },
  },
  [
    ["at-linf", "more", "at-l2", "pgd-linf"],
    ["at-linf", "less", "at-l2", "pgd-l2"],
  ],
);

const mixedBest = comparisonClaim(
  {
    id: "mat",
    says: "MAT is more robust than AT in both norms (§4.1)",
    why: {
      holds: "MAT is above the best AT in each norm.",
      "does not hold": matBelow,
    },
  },
  each(mat, (defense) => [
    [defense, "more", "at-linf", "pgd-linf"],
    [defense, "more", "at-l2", "pgd-l2"],
  ]),
);

const noiseAgainstCw = protocolClaim(
  {
    id: "noise-cw",
    says: "Noise injection protects better than AT against C&W: 0.33 against 0.00 (§4.2)",
    why: {
      holds: "The advantage stays when C&W is bounded and fresh draws are scored.",
      artefact: noiseWithinRadius,
      "does not hold": "Within the radius and scored on fresh draws, noise is worse than AT.",
    },
  },
  ["ni-normal", "more", "at-linf", "cw-l2"],
  "standard",
);

const uniformNoise = protocolClaim(
  {
    id: "uniform-noise",
    says: "Uniform noise is better than normal noise against C&W: 0.53 against 0.33 (§4.2)",
    why: {
      holds: "Uniform noise is better within the radius, too.",
      artefact: "The advantage vanishes once C&W is bounded and fresh draws are scored.",
      "does not hold": "The order is reversed once C&W is bounded and fresh draws are scored.",
    },
  },
  ["ni-uniform", "more", "ni-normal", "cw-l2"],
);

const mixedNoise = comparisonClaim(
  {
    id: "mni",
    says: "Mixing noises (MNI) does not improve over uniform noise (§4.2)",
    why: {
      holds: "No mixture is better than uniform noise by 0.05.",
      "does not hold":
        "At least one mixture is better than uniform noise, which is the weakest noise here.",
    },
  },
  [
    ["mni-mix", "not more", "ni-uniform", "pgd-union"],
    ["mni-conv", "not more", "ni-uniform", "pgd-union"],
  ],
);

const ratBest = protocolClaim(
  {
    id: "rat-best",
    says: "RAT-ℓ∞ with uniform noise has the best robustness against all attacks, min accuracy 0.39; MAT has 0.00 (§4.3, conclusion)",
    why: {
      holds: "RAT is ahead of MAT with a bounded C&W, too.",
      artefact:
        "RAT leads only where C&W has no bound, which leaves models without noise almost nothing; with a bound the lead is gone. The union takes the strongest attack of each image, so it is below the min accuracy of the table.",
      "does not hold": "With a bounded C&W, RAT is behind MAT.",
    },
  },
  ["rat-linf-uniform", "more", "mat-rand", "pgd-cw-union"],
);

/** RAT against MAT, with the attacks that both were trained for. */
const ratAgainstMat = comparisonClaim(
  {
    id: "rat-mat",
    says: "RAT beats MAT (the same, without C&W)",
    why: {
      holds: "RAT is ahead of both MATs.",
      "does not hold": "At least one RAT is behind a MAT on the same images.",
    },
  },
  each(["rat-linf-uniform", "rat-linf-normal"], (rat) =>
    mat.flatMap((defense): Said[] => [
      [rat, "more", defense, "pgd-union"],
      [rat, "more", defense, "autoattack-union"],
    ]),
  ),
);

const ratNorms = comparisonClaim(
  {
    id: "rat-norm",
    says: "RAT-ℓ∞ is more robust than RAT-ℓ2 (§4.3)",
    why: {
      holds: "RAT-ℓ∞ is ahead with both noises.",
      "does not hold": "RAT-ℓ∞ is behind RAT-ℓ2 with at least one noise.",
    },
  },
  [
    ["rat-linf-normal", "more", "rat-l2-normal", "pgd-union"],
    ["rat-linf-uniform", "more", "rat-l2-uniform", "pgd-union"],
  ],
);

const ratRepeats = comparisonClaim(
  {
    id: "rat-ni",
    says: "RAT-ℓ2 is no more robust than noise alone (Table 4: the columns of N are equal; those of U differ in PGD-ℓ2, 0.37 against 0.36, and C&W, 0.34 against 0.53)",
    why: {
      holds: "RAT-ℓ2 is within 0.05 of noise alone.",
      "does not hold":
        "RAT-ℓ2 is far above noise alone, so the equal columns look like a copying slip.",
    },
  },
  [
    ["rat-l2-normal", "equal", "ni-normal", "pgd-linf"],
    ["rat-l2-uniform", "equal", "ni-uniform", "pgd-linf"],
  ],
);

/** All claims, in the order of the paper. */
export const claims: readonly Claim[] = [
  volumeClaim,
  printedVolumeClaim,
  regionsClaim,
  shiftClaim,
  singleNorm,
  mixedBest,
  unboundedClaim,
  noiseAgainstCw,
  uniformNoise,
  mixedNoise,
  ratBest,
  ratAgainstMat,
  ratNorms,
  ratRepeats,
  minimumClaim,
  drawsClaim,
];
