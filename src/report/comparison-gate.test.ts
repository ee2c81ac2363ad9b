import { describe, expect, it } from "vitest";
import { compare, resultOf, rowsOf } from "../../test/fixtures/compared-rows.ts";
import { settingsText } from "../../test/fixtures/rows-fixture.ts";
import type { Row } from "../evaluate/row.ts";
import type { ResultFile } from "./compared-results.ts";
import { comparisonLines } from "./comparison-text.ts";

const before = rowsOf("a", ["11", "11", "10", "11", "00", "10"]);

describe("the largest drop that passes, between other radii", () => {
  const gated = (a: readonly Row[], b: readonly Row[]) => () =>
    compare(resultOf(a), resultOf(b), { maxDrop: 0.02 });
  const at = (epsilon: number, images: readonly string[] = ["11", "10"]) =>
    rowsOf("a", images, { epsilon });
  const l2 = rowsOf("a", ["11", "10"], { attack: "pgd-l2", norm: "l2", epsilon: 0.5 });

  it("is not decided by clean accuracy alone where a norm has no radius in both", () => {
    const broken = ["10", "10"];
    expect(gated(at(0.0313725), at(8 / 255, broken))).toThrow(
      /no radius is in both results in ℓ∞ \(0\.03137 \(0\.0313725\) before, 8\/255 \(0\.0313725490.*\) after\)/,
    );
    expect(gated(at(4 / 255), at(8 / 255))).toThrow(/4\/255 .* before, 8\/255 .* after/);
    expect(gated(at(0.01, ["11"]), at(0.03))).toThrow(/ℓ∞ \(0\.01 before, 0\.03 after\)/);
    // The ℓ2 ball is in both, and must not stand for ℓ∞.
    expect(gated([...at(0.01), ...l2], [...at(0.03, broken), ...l2])).toThrow(/in ℓ∞ \(0\.01 /);
    const clean = rowsOf("a", ["11"], { attack: "none", norm: null, epsilon: null });
    expect(gated(clean, clean)).toThrow(/neither result has attacks/);
  });

  it("is decided at the radii in both where there are some, and the sentence names them", () => {
    const comparison = gated([...at(0.01), ...at(0.03)], [...at(0.01), ...at(0.02)])();
    expect(comparison.drop).toMatchObject({ passed: true, decides: ["clean", "linf@0.01"] });
    expect(comparisonLines(comparison).join(" ")).toContain("(clean; under attack in ℓ∞ 0.01)");
    expect(comparison.notes.map(({ code }) => code)).toContain("other-balls");
  });
});

describe("two audits with --minutes", () => {
  const timed = (more: object = {}, summary: object = {}, rows = before) => {
    const right = { norm: "linf", epsilon: 0.031, attacked: 4, right: 5 };
    const stated = { valid: true, budget: "10 minutes", examples: rows.length };
    const auditSummary = JSON.stringify(
      Object.assign(stated, { convergence: [Object.assign(right, more)] }, summary),
    );
    return resultOf(rows, { auditSummary });
  };
  const codes = (a: ResultFile, b: ResultFile) => compare(a, b).notes.map(({ code }) => code);

  it("are not the same attacks where the clock ended one of them, which --max-drop refuses", () => {
    const ended = timed({ finished: true, attacked: 5 });
    expect(codes(ended, ended)).not.toContain("other-attacks");
    // An audit of an earlier version does not say whether its rounds ended.
    for (const cut of [timed({ finished: false }), timed()]) {
      expect(codes(ended, cut)).toContain("other-attacks");
      expect(codes(cut, ended)).toContain("other-attacks");
      expect(() => compare(ended, cut, { maxDrop: 1 })).toThrow(
        /before, 5 of 5 images in ℓ∞ 0\.031 got the first steps; after, 4 of 5 .* same --budget/s,
      );
    }
    const searched = timed({ finished: true }, { smallest: [{ images: 3 }] });
    expect(codes(ended, searched)).toContain("other-attacks");
    const all = timed({ finished: true }, { smallest: [{ images: before.length }] });
    expect(codes(ended, all)).not.toContain("other-attacks");
  });

  it("are recognised by their settings where the summary is missing", () => {
    const settings = JSON.parse(settingsText("a"));
    settings.options = { "attack adaptive-linf": [{ epsilon: 0.031, options: { minutes: 10 } }] };
    const bare = resultOf(before, { settings: JSON.stringify(settings) });
    const { notes } = compare(bare, bare);
    expect(notes.map(({ text }) => text).join()).toContain("nothing says how far they came");
  });
});
