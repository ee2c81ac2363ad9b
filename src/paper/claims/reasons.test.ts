import { describe, expect, it } from "vitest";
import type { Compared } from "./compared.ts";
import { gapsOfSingleNorms, matBelow, noiseWithinRadius } from "./reasons.ts";

const compared = (
  a: string,
  b: string,
  mean: number,
  changes: Partial<Compared> = {},
): Compared => ({
  a,
  b,
  protocol: "sound",
  measure: "cw-l2",
  scale: "small",
  examples: 100,
  meanA: 0.3,
  meanB: 0.3 - mean,
  difference: { mean, low: mean - 0.02, high: mean + 0.02 },
  ...changes,
});

const text = (reason: typeof matBelow, found: readonly Compared[]): string =>
  typeof reason === "string" ? reason : reason(found);

describe("a reason", () => {
  it("has the gap in each norm, whatever its sign", () => {
    const found = [
      compared("at-linf", "at-l2", -0.034, { measure: "pgd-l2" }),
      compared("at-linf", "at-l2", 0.05, { measure: "pgd-linf" }),
    ];
    expect(text(gapsOfSingleNorms, found)).toContain("by 0.05 in ℓ∞ and 0.03 in ℓ2");
  });

  it("names the mixed trainings that are below, and claims nothing false about the others", () => {
    const below = compared("mat-max", "at-l2", -0.03, { measure: "pgd-l2" });
    const open = compared("mat-rand", "at-l2", 0, { measure: "pgd-l2" });
    const above = compared("mat-rand", "at-linf", 0.1, { measure: "pgd-linf" });
    expect(text(matBelow, [below, open])).toMatch(
      /^Here MAT Max is below AT ℓ2 under PGD-ℓ2; the other intervals contain 0\. /,
    );
    expect(text(matBelow, [below, open, above])).toMatch(/under PGD-ℓ2\. /);
    expect(text(matBelow, [below, above])).not.toContain("MAT Rand is below");
  });

  it("states what the intervals show about noise within the radius", () => {
    const published = compared("ni-normal", "at-linf", 0.3, { protocol: "published" });
    const of = (adversarial: number, none: number) =>
      text(noiseWithinRadius, [
        published,
        compared("ni-normal", "at-linf", adversarial),
        compared("ni-normal", "standard", none),
      ]);
    expect(of(-0.07, 0.2)).toMatch(
      /worse than adversarial training, though better than no defence\.$/,
    );
    expect(of(-0.07, 0.01)).toMatch(/worse than adversarial training\.$/);
    expect(of(-0.01, 0.2)).toMatch(/the advantage is gone, though better than no defence\.$/);
    expect(text(noiseWithinRadius, [published])).toMatch(
      /within the radius, the advantage is gone\.$/,
    );
  });
});
