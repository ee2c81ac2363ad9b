import { describe, expect, it } from "vitest";
import { rowWith } from "../../../test/fixtures/rows-fixture.ts";
import { thirteen } from "../printed.ts";
import { sectionsOf } from "../sections.ts";
import { type Claim, comparisonClaim, judged, protocolClaim } from "./claim.ts";
import { claims } from "./claims.ts";
import { compare, type Evidence } from "./compared.ts";

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
    expect(judged(more, [])).toMatchObject({ verdict: "undecided" });
    expect(judged(more, []).lines[0].text).toBe("not measured yet");
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

it("each claim of the paper has a name of its own, and is undecided without evidence of accuracies", () => {
  expect(new Set(claims.map(({ id }) => id)).size).toBe(claims.length);
  const empty = [scale("small", Object.fromEntries(thirteen.map((name) => [name, {}])))];
  const verdict = (claim: Claim) => judged(claim, empty).verdict;
  const others = claims.filter(({ id }) => id !== "volume");
  expect(new Set(others.map(verdict))).toEqual(new Set(["undecided"]));
});
