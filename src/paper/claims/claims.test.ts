import { describe, expect, it } from "vitest";
import { rowWith } from "../../../test/fixtures/rows-fixture.ts";
import { printedTable4, thirteen } from "../printed.ts";
import { sectionsOf } from "../sections.ts";
import { type Claim, comparisonClaim, judged, protocolClaim } from "./claim.ts";
import { claims } from "./claims.ts";
import { compare, type Evidence } from "./compared.ts";
import { drawsClaim } from "./protocol.ts";

/** Rows of one attack, right on the first images. */
const rows = (attack: string, images: number, right: number) =>
  Array.from({ length: images }, (_, index) => {
    const correct = index < right ? 1 : 0;
    return rowWith({ index, attack, clean: 1, correct, correctChoose: correct });
  });

const scale = (name: string, byDefense: Readonly<Record<string, object>>): Evidence => ({
  scale: name,
  sections: new Map(
    Object.entries(byDefense).map(([defense, own]) => [
      defense,
      sectionsOf({ noise: "normal:0.25", rows: own as never }, 0.83),
    ]),
  ),
  sweeps: new Map(),
});

const about = { id: "x", says: "x", why: { holds: "It does." } };
const more = comparisonClaim(about, [["mat-max", "more", "at-linf", "pgd-linf"]]);

describe("a comparison", () => {
  const small = scale("small", {
    "mat-max": { sound: rows("pgd-linf", 200, 100) },
    "at-linf": { sound: rows("pgd-linf", 300, 50) },
  });

  it("is of the images that both have", () => {
    const found = compare({ a: "mat-max", b: "at-linf", protocol: "sound", measure: "pgd-linf" }, [
      small,
    ]);
    expect(found).toMatchObject({ examples: 200, meanA: 0.5, meanB: 0.25, scale: "small" });
    expect(found?.difference.mean).toBe(0.25);
  });

  it("is that of the first scale which has both defences", () => {
    const medium = scale("medium", { "mat-max": { sound: rows("pgd-linf", 500, 0) } });
    const about = { a: "mat-max", b: "at-linf", protocol: "sound", measure: "pgd-linf" } as const;
    expect(compare(about, [medium, small])?.scale).toBe("small");
    expect(compare(about, [medium])).toBeNull();
  });

  it("of a union needs all its attacks", () => {
    const about = { a: "mat-max", b: "at-linf", protocol: "sound", measure: "pgd-union" } as const;
    expect(compare(about, [small])).toBeNull();
  });

  it("decides a claim, with its reason", () => {
    expect(judged(more, [small])).toMatchObject({ verdict: "holds", why: "It does." });
    expect(judged(more, [])).toMatchObject({ verdict: "undecided", why: "Not measured yet." });
    expect(judged(more, []).lines[0].text).toBe("not measured yet");
  });
});

describe("an undecided claim", () => {
  const linf = (right: number) => ({ sound: rows("pgd-linf", 200, right) });
  const small = scale("small", {
    "mat-max": linf(100),
    "mat-rand": linf(60),
    "at-linf": linf(58),
    "at-l2": linf(59),
  });
  const why = (...others: readonly (readonly [string, string])[]) =>
    judged(
      comparisonClaim(
        about,
        others.map(([a, b]) => [a, "more", b, "pgd-linf"]),
      ),
      [small],
    ).why;

  it("says how many intervals contain 0", () => {
    const [open, decided] = [["mat-rand", "at-linf"] as const, ["mat-max", "at-linf"] as const];
    expect(why(open, ["mat-rand", "at-l2"])).toMatch(/^Every interval contains 0\. /);
    expect(why(open, decided)).toMatch(/^At least one interval contains 0\. /);
    expect(why(decided, ["ni-normal", "at-linf"])).toMatch(/^Not all of its comparisons/);
  });
});

it("a claim that only the published protocol shows is an artefact", () => {
  const of = (published: number, sound: number) => ({
    published: rows("cw-l2", 50, published),
    cw: rows("cw-l2", 100, sound),
  });
  const claim = protocolClaim(about, ["ni-normal", "more", "at-linf", "cw-l2"]);
  const evidence = [scale("small", { "ni-normal": of(25, 20), "at-linf": of(0, 30) })];
  expect(judged(claim, evidence).verdict).toBe("artefact");
});

it("a claim under two protocols shows another defence beside it, and does not judge it", () => {
  const of = (published: number, sound: number) => ({
    published: rows("cw-l2", 50, published),
    cw: rows("cw-l2", 100, sound),
  });
  const said = ["ni-normal", "more", "at-linf", "cw-l2"] as const;
  const small = scale("small", {
    "ni-normal": of(25, 20),
    "at-linf": of(0, 30),
    standard: of(0, 0),
  });
  const found = judged(protocolClaim(about, said, "standard"), [small]);
  expect(found.verdict).toBe(judged(protocolClaim(about, said), [small]).verdict);
  expect(found.lines).toHaveLength(3);
  expect(found.lines[2].text).toBe("C&W: NI N 0.20, Baseline 0.00");
});

it("the claim about draws shows the largest difference, and the lowest end of all intervals", () => {
  const draws = (eot: number, images: number, right: number) =>
    Array.from({ length: images }, (_, index) =>
      rowWith({ index, attack: "pgd-linf", eot, correct: index < right ? 1 : 0 }),
    );
  const sweeps = new Map([
    ["ni-normal", [...draws(16, 1000, 500), ...draws(64, 1000, 495)]],
    ["ni-uniform", [...draws(16, 200, 100), ...draws(64, 200, 100)]],
  ]);
  const found = judged(drawsClaim, [Object.assign(scale("small", {}), { sweeps })]);
  expect(found.lines[0].text).toMatch(
    /^the largest of 2 differences, uncorrected, NI N under PGD-ℓ∞: 0\.500 .* 0\.495/,
  );
  expect(found.lines[0].difference).toMatch(/^−0\.005 \[/);
  // Of 200 equal pairs at most 1.83 % differ: the interval is wider than that of NI N.
  expect(found.lines[1].text).toBe("the lowest end of the 2 intervals: −0.018");
  expect(found.verdict).toBe("does not hold");
});

it("Theorem 1 holds, and the number of Table 1 does not", () => {
  const of = (id: string) => judged(claims.find((one) => one.id === id) as Claim, []);
  expect(of("volume").verdict).toBe("holds");
  expect(of("volume").lines[0].text).toContain("10^−81.2 for d = 3072");
  expect(of("volume-printed")).toMatchObject({ verdict: "does not hold", found: [] });
  expect(of("volume-printed").lines[0].text).toBe("10^−81.2 (exact)");
});

it("what the claims say about Table 4 is printed there", () => {
  const {
    "rat-l2-normal": ratN,
    "rat-l2-uniform": ratU,
    "ni-normal": n,
    "ni-uniform": u,
  } = printedTable4;
  expect(ratN).toEqual(n);
  expect(ratU).toEqual({ ...u, pgdL2: 0.37, cwL2: 0.34 });
  expect([u.pgdL2, u.cwL2, n.cwL2]).toEqual([0.36, 0.53, 0.33]);
  const { "at-linf": linf, "at-l2": l2, "mat-max": max, "mat-rand": random } = printedTable4;
  expect([linf.pgdLinf, l2.pgdLinf, linf.pgdL2, l2.pgdL2]).toEqual([0.43, 0.37, 0.37, 0.52]);
  expect([max.pgdLinf, max.pgdL2, random.pgdLinf]).toEqual([0.37, 0.5, 0.4]);
  expect(random.pgdL2).toBeGreaterThan(l2.pgdL2);
});

it("each claim of the paper has a unique name, and is undecided without evidence of accuracies", () => {
  expect(new Set(claims.map(({ id }) => id)).size).toBe(claims.length);
  const empty = [scale("small", Object.fromEntries(thirteen.map((name) => [name, {}])))];
  const verdict = (claim: Claim) => judged(claim, empty).verdict;
  const others = claims.filter(({ id }) => !id.startsWith("volume"));
  expect(new Set(others.map(verdict))).toEqual(new Set(["undecided"]));
});
