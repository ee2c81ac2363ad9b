import { parseHTML } from "linkedom";
import { beforeAll, describe, expect, it } from "vitest";
import { auditedPage } from "../../../test/fixtures/audited-page.ts";
import { rowWith } from "../../../test/fixtures/rows-fixture.ts";
import { decidedBalls, decidedOverNorms } from "./decided.ts";
import { breakingRadii, edgesOf } from "./radii.ts";

const small = { examples: 50, stored: 1, side: 4 };

const documentOf = (text: string) => parseHTML(text).document;

describe("the first screen of an audit's report", () => {
  const badge = (more: object) =>
    documentOf(auditedPage(Object.assign({}, small, more)).text).querySelector(".badge")
      ?.textContent;

  it("says PASS, FAIL or INVALID, and that nothing was required where nothing was", () => {
    expect(badge({ required: 0.3 })).toBe("PASS");
    expect(badge({ required: 0.9 })).toBe("FAIL");
    expect(badge({ required: 0.3, valid: false })).toBe("INVALID");
    expect(badge({ required: null })).toBe("NO THRESHOLD");
  });

  it("has one large number, the file, its hash and the date", () => {
    const { text, result } = auditedPage(small);
    const document = documentOf(text);
    const large = [...document.querySelectorAll(".big")].map((one) => one.textContent);
    expect(large).toEqual([`${(100 * result.union.mean).toFixed(1)} %`]);
    const facts = document.querySelector(".facts")?.textContent ?? "";
    expect(facts).toContain("made-up-classifier.onnx");
    expect(facts).toContain("0123456789abcdef".repeat(4));
    expect(facts).toContain("29 November 2026, 15:09 UTC");
  });

  it("says for how many images it is proven, broken and undecided over all norms", () => {
    const bar = documentOf(auditedPage(small).text).querySelector(".between")?.textContent;
    // In ℓ∞ 8/255 half of every ten break, and image 25 is wrong when clean; two of every ten are proven in both balls.
    expect(bar).toContain("Proven for 20.0 % of images, broken for 52.0 %, undecided for 28.0 %.");
  });
});

describe("what is decided over all norms", () => {
  const ball = {
    norms: [
      { norm: "linf", epsilon: 1 },
      { norm: "l2", epsilon: 2 },
    ],
  };
  const result = (more: object) =>
    Object.assign({ examples: 4, union: { mean: 0.5 }, noise: null }, ball, more) as never;
  const proof = (index: number, norm: string, epsilon: number, status: string) =>
    ({ index, norm, epsilon, status }) as never;

  it("is proven only where every norm is, and broken where one is", () => {
    const proofs = [
      proof(0, "linf", 1, "proven"),
      proof(0, "l2", 2, "proven"),
      proof(1, "linf", 1, "proven"),
      proof(1, "l2", 2, "undecided"),
      proof(2, "linf", 1, "proven"),
      proof(2, "l2", 2, "broken"),
      proof(2, "linf", 0.5, "proven"),
    ];
    expect(decidedOverNorms(result({}), { proofs, rows: [] })).toEqual({
      examples: 3,
      proven: 1,
      broken: 1,
      undecided: 1,
    });
  });

  const l0 = { norm: "l0", epsilon: 3 };
  const proofs = [
    proof(0, "linf", 1, "proven"),
    proof(1, "linf", 1, "undecided"),
    proof(2, "linf", 1, "proven"),
    proof(3, "linf", 1, "broken"),
  ];
  const attacked = (index: number, more: object) =>
    rowWith(Object.assign({ index, attack: "sigma-zero-l0", correct: 0, clean: 1 }, l0, more));

  it("counts what attacks broke in ℓ0, where nothing is proven", () => {
    const rows = [
      attacked(0, { correct: 1 }),
      attacked(1, {}),
      attacked(2, {}),
      attacked(3, { correct: 1 }),
      // Not asked for by a resumed audit with fewer images.
      attacked(9, {}),
    ];
    const audited = result({ norms: [{ norm: "linf", epsilon: 1 }, l0] });
    expect(decidedOverNorms(audited, { proofs, rows })).toEqual({
      examples: 4,
      proven: 0,
      broken: 3,
      undecided: 1,
    });
  });

  it("leaves ℓ0 out under noise, where an attack breaks a share of the draws", () => {
    const audited = result({ norms: [{ norm: "linf", epsilon: 1 }, l0], noise: "normal:0.1" });
    const rows = [attacked(1, { draws: 100 }), attacked(2, { draws: 100, clean: 0 })];
    expect(decidedBalls(audited)).toEqual([{ norm: "linf", epsilon: 1 }]);
    expect(decidedOverNorms(audited, { proofs, rows })).toEqual({
      examples: 4,
      proven: 2,
      broken: 1,
      undecided: 1,
    });
  });

  it("is what attacks broke without proofs, and nothing under noise", () => {
    expect(decidedOverNorms(result({}), { rows: [] })).toMatchObject({
      proven: 0,
      broken: 2,
      undecided: 2,
    });
    expect(decidedOverNorms(result({ noise: "normal:0.1" }), { rows: [] })).toBeNull();
  });
});

describe("the smallest breaking radius", () => {
  it("is the length of the smallest perturbation, 0 where the clean image is wrong, and infinite where nothing broke", () => {
    const rows = [
      rowWith({ index: 0, epsilon: 0.1, linf: 0.08, majority: 0 }),
      rowWith({ index: 0, epsilon: 0.2, linf: 0.05, majority: 0 }),
      rowWith({ index: 1, clean: 0, majority: 0 }),
      rowWith({ index: 2, correct: 1, majority: 1 }),
      // Rounding carries a perturbation past its radius.
      rowWith({ index: 3, epsilon: 0.1, linf: 0.1000001, majority: 0 }),
      rowWith({ index: 4, norm: "l2", epsilon: 0.1, l2: 0.01, majority: 0 }),
    ];
    expect(breakingRadii(rows, "linf")).toEqual([0.05, 0, Number.POSITIVE_INFINITY, 0.1]);
    expect(breakingRadii(rows, "l2")).toEqual([0.01]);
  });

  it("cut a single radius into quarters only where something smaller broke an image", () => {
    const [one, none] = [{ epsilon: 0.4 }, Number.POSITIVE_INFINITY];
    expect(edgesOf([one], [0, 0.4, 0.39, none])).toEqual([0.4]);
    expect(edgesOf([one], [0.4, 0.25])).toEqual([0.1, 0.2, 0.30000000000000004, 0.4]);
    expect(edgesOf([{ epsilon: 0.2 }, one], [0.1])).toEqual([0.2, 0.4]);
  });
});

describe("the sections of an audit's report", () => {
  let document: ReturnType<typeof documentOf>;
  beforeAll(() => {
    document = documentOf(auditedPage(small).text);
  });
  const section = (id: string) => document.querySelector(`[aria-labelledby="${id}"]`);

  it("list every check with its outcome, not only those that fired", () => {
    const text = section("diagnostics")?.textContent ?? "";
    expect(section("diagnostics")?.querySelectorAll("tbody tr")).toHaveLength(20);
    expect(text).toMatch(/20 checks: .*passed/);
    for (const claim of ["Gradients are not zero", "No other order of the classes fits better"])
      expect(text).toContain(claim);
    expect(text).toContain("not applicable");
  });

  it("count every image once in the confusion of classes and in the histogram of radii", () => {
    const sum = (cells: Iterable<{ readonly textContent: string | null }>) =>
      [...cells].reduce((total, cell) => total + (Number(cell.textContent) || 0), 0);
    const all = (selector: string) => [...document.querySelectorAll(selector)];
    expect(sum(all(".matrix td"))).toBe(small.examples);
    const tables = all('[aria-labelledby="radii"] tbody');
    expect(tables).toHaveLength(2);
    for (const table of tables)
      expect(sum(table.querySelectorAll("td:nth-child(2)"))).toBe(small.examples);
  });

  it("format settings for people, list none that is unused, and show the command", () => {
    const text = section("settings")?.textContent ?? "";
    expect(text).toContain("23.5 GiB");
    expect(text).not.toMatch(/25276510208|cw ?steps/i);
    expect(text).toContain("25,557,032");
    expect(text).toContain("rampart audit models/a/rather/deep");
  });

  it("nest headings without a gap", () => {
    const levels = [...document.querySelectorAll("h1, h2, h3, h4")].map(({ tagName }) =>
      Number(tagName[1]),
    );
    expect(levels[0]).toBe(1);
    for (const [i, level] of levels.entries())
      if (i > 0) expect(level - levels[i - 1]).toBeLessThanOrEqual(1);
  });
});
