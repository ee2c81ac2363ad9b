import { describe, expect, it } from "vitest";
import { compare, resultOf, rowsOf, tools } from "../../test/fixtures/compared-rows.ts";
import { rowWith, settingsText } from "../../test/fixtures/rows-fixture.ts";
import { comparedResults, type ResultFile } from "./compared-results.ts";
import { comparisonOf } from "./comparison.ts";
import { comparisonReport } from "./comparison-report.ts";
import { comparisonLines } from "./comparison-text.ts";

const before = rowsOf("a", ["11", "11", "10", "11", "00", "10"]);
const after = rowsOf("b", ["11", "10", "11", "10", "11", "10"]);

describe("a comparison", () => {
  it("counts each image as lost or gained, and takes the mean of the differences", () => {
    const { accuracies, headline } = compare(resultOf(before), resultOf(after));
    expect(accuracies).toMatchObject([
      { name: "clean", examples: 6, before: 5 / 6, after: 1, lost: 0, gained: 1, p: 1 },
      { name: "linf@0.031", before: 0.5, after: 0.5, lost: 2, gained: 2, p: 1 },
    ]);
    expect(accuracies[0].difference.mean).toBeCloseTo(1 / 6, 12);
    expect(headline).toBe("linf@0.031");
  });

  it("takes the strongest attack of each image inside a ball, and then over norms", () => {
    const l2 = { attack: "pgd-l2", norm: "l2", epsilon: 0.5 };
    const more = { attack: "apgd-ce-linf" };
    const rows = [
      ...rowsOf("a", ["11", "11", "10"]),
      ...rowsOf("a", ["10", "11", "11"], more),
      ...rowsOf("a", ["11", "10", "11"], l2),
    ];
    const { accuracies } = compare(resultOf(rows), resultOf(rows));
    expect(accuracies.map(({ name, before: share }) => [name, share])).toEqual([
      ["clean", 1],
      ["linf@0.031", 1 / 3],
      ["l2@0.5", 2 / 3],
      ["linf@0.031+l2@0.5", 0],
    ]);
  });

  it("counts what breaks in a smaller ball in the larger one, and a wrong clean image everywhere", () => {
    const small = { epsilon: 0.01 };
    const rows = [...rowsOf("a", ["10", "11", "01"], small), ...rowsOf("a", ["11", "11", "01"])];
    const { accuracies } = compare(resultOf(rows), resultOf(rows));
    expect(accuracies.map(({ before: share }) => share)).toEqual([2 / 3, 1 / 3, 1 / 3]);
  });

  it("keeps an image that a later attack skipped because it was broken", () => {
    const first = rowsOf("a", ["10", "11"]);
    const second = rowsOf("a", ["11", "11"], { attack: "square-linf" }).slice(1);
    const { accuracies } = compare(resultOf([...first, ...second]), resultOf(first));
    expect(accuracies[1]).toMatchObject({ examples: 2, before: 0.5 });
  });

  it("leaves out an image that an attack has not tried, and says so", () => {
    const first = rowsOf("a", ["11", "11", "10"]);
    const second = rowsOf("a", ["11"], { attack: "square-linf" });
    const { accuracies, notes } = compare(resultOf([...first, ...second]), resultOf(first));
    expect(accuracies[1].examples).toBe(2);
    expect(notes.map(({ code }) => code)).toContain("unfinished");
  });

  it("calls a randomised classifier right where half of its draws are, and averages shares", () => {
    const noisy = (shares: readonly number[]) =>
      shares.map((correct, index) =>
        rowWith({ model: "r", index, draws: 20, clean: 1, correct, correctChoose: correct }),
      );
    const { accuracies } = compare(resultOf(noisy([0.9, 0.4])), resultOf(noisy([0.4, 0.5])));
    expect(accuracies[1]).toMatchObject({ lost: 1, gained: 1 });
    expect(accuracies[1].difference.mean).toBeCloseTo(-0.2, 12);
  });
});

describe("results that do not fit each other", () => {
  const refused = (a: ResultFile, b: ResultFile) => () => compare(a, b);

  it("are refused where an image has another label or file, no image is common, or protocols differ", () => {
    const relabelled = rowsOf("b", ["11"], { label: 3 });
    expect(refused(resultOf(before), resultOf(relabelled))).toThrow(
      /test image 0 is not the same in both results: label 1 before, label 3 after/,
    );
    const renamed = (file: string) => resultOf(rowsOf("b", ["11"], { file }));
    expect(refused(renamed("x.png"), renamed("y.png"))).toThrow(/x\.png.*y\.png/);
    const later = rowsOf("b", ["11"]).map((row) => Object.assign({}, row, { index: 9 }));
    expect(refused(resultOf(before), resultOf(later))).toThrow(/0 to 5.*9 to 9/);
    const published = rowsOf("b", ["11"], { protocol: "published" });
    expect(refused(resultOf(before), resultOf(published))).toThrow(/--protocol/);
  });

  const withImages = (images: readonly (readonly [label: number, file?: string])[]) =>
    resultOf(
      rowsOf(
        "b",
        images.map(() => "11"),
      ).map((row, i) => {
        const [label, file] = images[i % images.length];
        return Object.assign({}, row, file === undefined ? { label } : { label, file });
      }),
    );

  it("are refused with the order of the classes where that is what differs, and files show it", () => {
    const [cats, dogs] = ["cat/1.png", "dog/1.png"];
    const a = withImages([
      [0, cats],
      [1, dogs],
    ]);
    const b = withImages([
      [0, dogs],
      [1, cats],
    ]);
    const relabelled = withImages([
      [1, cats],
      [0, dogs],
    ]);
    const moved = "label 0 before is 1 after and 1 before is 0 after;";
    const order = `the classes are in another order: ${moved}`;
    expect(refused(a, b)).toThrow(order);
    expect(refused(a, relabelled)).toThrow(order);
    expect(refused(withImages([[0], [1]]), withImages([[1], [0]]))).toThrow(
      `the classes are in another order, or the images are others: ${moved}`,
    );
  });

  it("are refused as other files, other labels or another order where that is what differs", () => {
    const a = withImages([
      [0, "1.png"],
      [1, "2.png"],
    ]);
    const shuffled = withImages([
      [1, "2.png"],
      [0, "1.png"],
    ]);
    expect(refused(a, shuffled)).toThrow(/the same files, but in another order/);
    // Two labels became one, which no order of classes does.
    expect(refused(withImages([[0], [1]]), withImages([[2], [2]]))).toThrow(/test image 0 is not/);
    const others = withImages([
      [0, "3.png"],
      [1, "2.png"],
    ]);
    expect(refused(a, others)).toThrow(/1\.png.*3\.png/);
  });

  it("are refused where one file holds two models", () => {
    const two = resultOf([...before, ...after]);
    expect(refused(two, resultOf(before))).toThrow(/2 evaluations \(a.*b/);
  });

  it.each([
    ["more images", resultOf(after.slice(0, 4)), "other-images"],
    ["another radius", resultOf(rowsOf("b", ["11", "10"], { epsilon: 0.01 })), "other-balls"],
    ["another data set", resultOf(rowsOf("b", ["11"], { data: "other" })), "other-data"],
    ["another seed", resultOf(rowsOf("b", ["11"], { seed: 4 })), "other-judging"],
    ["other attacks", resultOf(rowsOf("b", ["11"], { attack: "square-linf" })), "other-attacks"],
    ["more steps", resultOf(rowsOf("b", ["11"], { steps: 100 })), "other-attacks"],
  ])("are compared as far as possible with a note on %s", (_, other, code) => {
    const { notes } = compare(resultOf(before), other);
    expect(notes.map((note) => note.code)).toContain(code);
  });

  it("say that budgets or options differ, and that an audit is invalid", () => {
    const audit = (budget: string, valid = true) => JSON.stringify({ budget, valid });
    const withOptions = (name: string, options: object) => {
      const settings = JSON.parse(settingsText(name));
      settings.options = options;
      return JSON.stringify(settings);
    };
    const one = resultOf(before, {
      auditSummary: audit("quick"),
      settings: withOptions("a", { squareQueries: 500, examples: 4, eot: [8] }),
    });
    const other = resultOf(after, {
      auditSummary: audit("standard", false),
      settings: withOptions("b", { squareQueries: 5000, examples: 6, eot: [16] }),
    });
    const { notes, sameSettings } = compare(one, other);
    const text = notes.map((note) => note.text).join("\n");
    expect(text).toContain("quick before, standard after");
    expect(text).toContain("squareQueries (500 before, 5000 after)");
    expect(text).not.toMatch(/eot|examples \(/);
    expect(text).toMatch(/audit after \(b\.jsonl\) is invalid/);
    expect(sameSettings).toBe(false);
  });
});

describe("the largest drop that passes", () => {
  const worse = resultOf(rowsOf("b", ["11", "11", "10", "10", "00", "10"]));

  it("is decided by the point estimate, and exactly that drop passes", () => {
    const drop = (maxDrop: number) => compare(resultOf(before), worse, { maxDrop }).drop;
    expect(drop(1 / 6)).toMatchObject({ passed: true, decidedBy: "estimate", dropped: [] });
    expect(drop(0.16)).toMatchObject({ passed: false, dropped: ["linf@0.031"] });
    expect(drop(0)?.decides).toEqual(["clean", "linf@0.031"]);
  });

  it("also watches clean accuracy, and an improvement never fails", () => {
    const unclean = resultOf(rowsOf("b", ["00", "11", "10", "11", "00", "11"]));
    expect(compare(resultOf(before), unclean, { maxDrop: 0.1 }).drop?.dropped).toEqual(["clean"]);
    expect(compare(worse, resultOf(before), { maxDrop: 0 }).drop?.passed).toBe(true);
  });

  it("is not decided between different attacks, and never passes an invalid audit", () => {
    const stronger = resultOf(rowsOf("b", ["11"], { steps: 100 }));
    expect(() => compare(resultOf(before), stronger, { maxDrop: 0.1 })).toThrow(
      /same attacks\. .*[^.];\n {2}run both/,
    );
    const invalid = resultOf(before, { auditSummary: '{"valid":false,"budget":"quick"}' });
    expect(compare(invalid, resultOf(before), { maxDrop: 1 }).drop?.passed).toBe(false);
  });
});

describe("the text of a comparison", () => {
  const results = comparedResults(resultOf(before), resultOf(after), tools);
  const comparison = comparisonOf(...results, { maxDrop: 0.01 });
  const evaluations = results.map(({ evaluation }) => evaluation);

  it("names the change, what was lost and gained, and what chance explains", () => {
    const text = comparisonLines(comparison).join("\n");
    expect(text).toContain(
      "Accuracy under attack in ℓ∞ 0.031 stays at 50.0 %: 2 images lost and 2 gained.",
    );
    expect(text).toContain("This may be chance (McNemar p = 1.000).");
    expect(text).toMatch(/clean +83\.3 % +100\.0 % +\+16\.7 points/);
    expect(text).toContain(
      "Passes: no drop above 1.0 points (clean; under attack in ℓ∞ 0.031). The point estimate decides",
    );
  });

  it("has the same numbers in HTML, Markdown and JSON", () => {
    const page = comparisonReport(comparison, evaluations, "html");
    expect(page).toContain('<span class="badge pass">PASS</span>');
    expect(page).toContain("+16.7 points");
    expect(comparisonReport(comparison, evaluations, "md")).toContain(
      "| clean | 83.3 % | 100.0 % |",
    );
    const { accuracies, noteCodes } = JSON.parse(comparisonReport(comparison, evaluations, "json"));
    expect(accuracies[0].difference.mean).toBeCloseTo(1 / 6, 12);
    expect(Array.isArray(noteCodes)).toBe(true);
  });

  it("of one name before and after has the labels and the title that it is given, and no paths", () => {
    const same = [resultOf(before), resultOf(before, { file: "other.jsonl" })] as const;
    const labels = ["before", "after"] as const;
    const [a, b] = comparedResults(...same, tools, labels);
    const one = comparisonOf(a, b);
    const both = [a.evaluation, b.evaluation];
    const page = comparisonReport(one, both, "html", "a before and after hardening");
    expect(page).toContain("<h1>a before and after hardening</h1>");
    expect(page).toContain("<caption>a before and after hardening, on 6 images.</caption>");
    expect(page).not.toMatch(/a \([^)]*jsonl\)/);
    expect(comparisonLines(one).slice(0, 2)).toEqual(["before: a on toy", "after:  a on toy"]);
  });
});
