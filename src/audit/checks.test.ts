import { describe, expect, it } from "vitest";
import { rowWith } from "../../test/fixtures/rows-fixture.ts";
import { checksOf, DECISIONS, PREPROCESSINGS, PROBE, SATURATION } from "./checks.ts";
import type { Diagnostic, DiagnosticCode, Facts } from "./diagnostic.ts";
import { nothingProbed } from "./probe.ts";

const probe = Object.assign({}, nothingProbed("linf"), {
  examples: 32,
  huge: { norm: "linf", epsilon: 0.5, cleanCorrect: 30, correct: 0 },
  norms: [
    { norm: "linf", epsilon: 0.03, cleanCorrect: 30, underNoise: 30, fewSteps: 9, manySteps: 8 },
  ],
}) as Facts["probe"];

const facts = (more: Partial<Facts> = {}): Facts =>
  Object.assign(
    {
      rows: [rowWith({}), rowWith({ attack: "square-linf" })],
      probe,
      preprocessings: null,
      classes: 2,
      notes: [],
    },
    more,
  );

const fired = (code: DiagnosticCode, severity: Diagnostic["severity"]): Diagnostic => ({
  code,
  severity,
  text: "",
  advice: "",
});

const outcomes = (given: Facts, diagnostics: readonly Diagnostic[] = []) =>
  new Map(checksOf(given, diagnostics).map(({ code, outcome }) => [code, outcome]));

describe("the outcome of a check", () => {
  it("is its severity where it fired, and passed where it found nothing", () => {
    const found = outcomes(facts(), [
      fired("zero-gradients", "warning"),
      fired("straight-through", "note"),
    ]);
    expect(found.get("zero-gradients")).toBe("warning");
    expect(found.get("straight-through")).toBe("note");
    expect(found.get("noise-breaks")).toBe("passed");
    expect(found.get("black-box-wins")).toBe("passed");
  });

  it("is not run where the probe failed or had no image, and where a comparison failed", () => {
    const unprobed = outcomes(facts({ probe: nothingProbed("linf") }));
    for (const code of [
      "zero-gradients",
      "huge-epsilon",
      "noise-breaks",
      "saturated-softmax",
    ] as const)
      expect(unprobed.get(code), code).toBe("not run");
    const failures = [DECISIONS, PREPROCESSINGS].map((what) => ({
      what,
      reason: "",
      fixable: true,
    }));
    const failed = outcomes(facts({ failures }));
    expect([failed.get("other-decision"), failed.get("other-preprocessing")]).toEqual([
      "not run",
      "not run",
    ]);
  });

  const failed = (what: string, more: Partial<Facts> = {}) =>
    outcomes(facts(Object.assign({ failures: [{ what, reason: "", fixable: true }] }, more)));

  it("of saturation is not run where its comparison failed, and its severity where the probe shows it", () => {
    expect(outcomes(facts()).get("saturated-softmax")).toBe("passed");
    expect(failed(SATURATION).get("saturated-softmax")).toBe("not run");
    const found = [fired("saturated-softmax", "note")];
    const failures = [{ what: SATURATION, reason: "", fixable: true }];
    expect(outcomes(facts({ failures }), found).get("saturated-softmax")).toBe("note");
  });

  it("of transfer is not run where the probe of a copy failed, unless objectives under noise answer it", () => {
    const unprobed = nothingProbed("linf");
    const notes = [{ code: "zero-gradient", text: "" }] as const;
    expect(failed(PROBE, { probe: unprobed, notes }).get("transfer-wins")).toBe("not run");
    expect(failed(PROBE, { probe: unprobed }).get("transfer-wins")).toBe("not applicable");
    const rows = ["ce", "transfer"].map((objective) => rowWith({ draws: 20, objective }));
    expect(failed(PROBE, { probe: unprobed, notes, rows }).get("transfer-wins")).toBe("passed");
  });

  it("of the search is not run where the time ended before its first image", () => {
    expect(outcomes(facts()).get("search-wins")).toBe("passed");
    expect(outcomes(facts({ isUnsearched: true })).get("search-wins")).toBe("not run");
  });

  it("is not applicable where there is nothing of the kind", () => {
    const found = outcomes(facts({ rows: [rowWith({})] }));
    for (const code of [
      "other-decision",
      "other-preprocessing",
      "black-box-wins",
      "transfer-wins",
    ] as const)
      expect(found.get(code), code).toBe("not applicable");
  });

  it("is explained where another check names the cause", () => {
    const constant = outcomes(facts(), [fired("constant-predictor", "invalid")]);
    expect([constant.get("one-class"), constant.get("chance")]).toEqual(["explained", "explained"]);
  });
});
