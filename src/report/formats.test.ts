import { decode } from "fast-png";
import { describe, expect, it } from "vitest";
import { fileOf, fourExamples } from "../../test/fixtures/rows-fixture.ts";
import { parseNpz } from "../data/npz.ts";
import { summarize } from "../evaluate/summary.ts";
import { tensor } from "../math/tensor.ts";
import { amplified } from "./difference.ts";
import { evaluationsOf } from "./evaluations.ts";
import { percent, radius } from "./format.ts";
import { pngUri } from "./png.ts";
import { report } from "./report.ts";
import { summaryTable, textTable } from "./text-table.ts";

const evaluations = (changes = {}) =>
  evaluationsOf([fileOf(fourExamples(changes))], { summarize, parseNpz });

describe("an image", () => {
  it("comes back from its PNG, channels last, cut to [0, 1]", () => {
    const pixels = [0, 1, 0.2, 0.4, 2, -1, 0.6, 0.8, 0, 0, 0, 1];
    const uri = pngUri(tensor([1, 3, 2, 2], pixels), 0);
    const bytes = Uint8Array.from(atob(uri.slice("data:image/png;base64,".length)), (c) =>
      c.charCodeAt(0),
    );
    const { width, height, channels, data } = decode(bytes);
    expect([width, height, channels]).toEqual([2, 2, 3]);
    expect([...data]).toEqual([0, 255, 0, 255, 0, 0, 51, 153, 0, 102, 204, 255]);
  });

  it("has a difference with grey for zero, amplified as far as the largest one allows", () => {
    const { factor, images } = amplified(
      tensor([1, 1, 1, 3], [0.5, 0.5, 0.5]),
      tensor([1, 1, 1, 3], [0.5, 0.53125, 0.46875]),
    );
    expect(factor).toBe(10);
    expect([...images.data]).toEqual([0.5, 0.8125, 0.1875]);
    expect(amplified(images, images).factor).toBe(1);
  });
});

describe("numbers", () => {
  it.each([
    [8 / 255, "8/255"],
    [0.031, "0.031"],
    [0.2, "0.2"],
    [1 / 3, "85/255"],
    [0.123456789, "0.1235"],
  ])("the radius %d is written %s", (epsilon, text) => {
    expect(radius(epsilon)).toBe(text);
  });

  it("what was not measured has no percentage", () => {
    expect(percent(Number.NaN)).toBe("–");
  });
});

describe("text", () => {
  it("lines up by what is seen, and lets no name move the cursor", () => {
    expect(
      textTable([
        ["a", "1"],
        ["ε\u001b[2J", "20"],
      ]),
    ).toBe("a            1\nε\\u001b[2J  20");
  });

  it("has every accuracy with its interval, and the union beside the min of means", () => {
    expect(summaryTable(evaluations()[0].summary)).toBe(
      [
        "at (at-linf) on toy: sound protocol, 4 images",
        "                   accuracy  95 % interval",
        "clean                75.0 %      30.1–95.4",
        "pgd-linf, ε 0.031    50.0 %      15.0–85.0",
        "pgd-l2, ε 0.83       50.0 %      15.0–85.0",
        "union                25.0 %       4.6–69.9",
        "min of means         50.0 %",
      ].join("\n"),
    );
  });
});

describe("the published protocol", () => {
  const published = fourExamples({ protocol: "published" }).map((row) => ({ ...row, oneDraw: 0 }));
  const [evaluation] = evaluationsOf([fileOf(published)], { summarize, parseNpz });

  it("is named in the terminal, with the min of means first and as an upper bound", () => {
    expect(summaryTable(evaluation.summary)).toBe(
      [
        "at (at-linf) on toy: published protocol, 4 images, scored without its noise",
        "                   accuracy  95 % interval  one noisy draw",
        "clean                75.0 %      30.1–95.4",
        "pgd-linf, ε 0.031    50.0 %      15.0–85.0           0.0 %",
        "pgd-l2, ε 0.83       50.0 %      15.0–85.0           0.0 %",
        "min of means         50.0 %    upper bound",
        "union                25.0 %       4.6–69.9",
      ].join("\n"),
    );
  });

  it("is named in every line of the other formats", () => {
    const text = report([evaluation], "md");
    const [head, , line] = text.split("\n").filter((one) => one.startsWith("|"));
    expect(line).toContain("published: randomised, scored without it");
    expect(head.indexOf("min of means")).toBeLessThan(head.indexOf("union"));
    const { accuracies } = JSON.parse(report([evaluation], "json"));
    for (const { protocol } of accuracies) expect(protocol).toBe("published");
    expect(accuracies[1].oneDraw).toBe(0);
  });
});

describe("several numbers of EOT draws", () => {
  const sweep = [1, 4].flatMap((eot) =>
    fourExamples({ eot, draws: 20 }).map((row) => ({
      ...row,
      correct: eot === 1 ? 1 : row.correct,
    })),
  );
  const found = evaluationsOf([fileOf(sweep)], { summarize, parseNpz });

  it("are one evaluation, whose accuracies are those of the most draws", () => {
    expect(found).toHaveLength(1);
    const text = summaryTable(found[0].summary);
    expect(text).toMatch(/^pgd-linf, ε 0\.031 +50\.0 %/m);
    expect(text).toContain(
      "EOT, pgd-linf, ε 0.031: 100.0 % at 1 and 50.0 % at 4: not settled at 4, so more draws may lower it further",
    );
  });

  it("have their own kind of line in JSON, which no reader takes for further attacks", () => {
    const { accuracies } = JSON.parse(report(found, "json"));
    const kinds = accuracies.map(({ kind, eot }: { kind: string; eot: number }) => [kind, eot]);
    expect(kinds.filter(([kind]: [string]) => kind === "attack")).toEqual([
      ["attack", 4],
      ["attack", 4],
    ]);
    expect(kinds.filter(([kind]: [string]) => kind === "eot")).toEqual([
      ["eot", 1],
      ["eot", 4],
      ["eot", 1],
      ["eot", 4],
    ]);
  });
});

describe("other formats", () => {
  it("Markdown has one cell per column, whatever a model is called", () => {
    const lines = report(evaluations({ model: "a|b\n<i>" }), "md").split("\n");
    const table = lines.filter((line) => line.startsWith("|"));
    expect(table).toHaveLength(3);
    for (const line of table) expect(line.split(/(?<!\\)\|/)).toHaveLength(11);
    expect(table[2]).toContain("a\\|b \\<i\\>");
    expect(table[2]).toContain("25.0 % \\[4.6–69.9\\]");
  });

  it("CSV quotes what needs it, and no field is a formula", () => {
    const [head, ...lines] = report(evaluations({ model: "=1,2" }), "csv")
      .trimEnd()
      .split("\n");
    expect(head.split(",").slice(0, 2)).toEqual(["label", "model"]);
    expect(lines).toHaveLength(5);
    for (const line of lines)
      expect(line).toMatch(/^"'=1,2","'=1,2",at-linf,toy,sound,single,1,1,0,/);
  });

  it("JSON holds the same accuracies", () => {
    const { accuracies } = JSON.parse(report(evaluations(), "json"));
    expect(
      accuracies.map(({ kind, accuracy }: { kind: string; accuracy: number }) => [kind, accuracy]),
    ).toEqual([
      ["clean", 0.75],
      ["attack", 0.5],
      ["attack", 0.5],
      ["union", 0.25],
      ["min of means", 0.5],
    ]);
  });
});
