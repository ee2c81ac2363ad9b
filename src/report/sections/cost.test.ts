import { parseHTML } from "linkedom";
import { expect, it } from "vitest";
import { fileOf, fourExamples, settingsText } from "../../../test/fixtures/rows-fixture.ts";
import { parseNpz } from "../../data/npz.ts";
import { summarize } from "../../evaluate/summary.ts";
import { accuracyTables } from "../accuracy-table.ts";
import { evaluationsOf } from "../evaluations.ts";
import { costSection } from "./cost.ts";

/** The rows of a model whose prediction costs `macs`; its settings do not say so if that is undefined. */
function costing(model: string, macs: number | undefined, changes = {}) {
  const settings = JSON.parse(settingsText(model));
  const stated = { ...settings, model: { ...settings.model, macs } };
  const rows = fourExamples({ model, ...changes });
  return fileOf(rows, { file: `${model}.jsonl`, settings: JSON.stringify(stated) });
}

function sectionOf(...files: readonly ReturnType<typeof fileOf>[]) {
  const evaluations = evaluationsOf(files, { summarize, parseNpz });
  const places = new Map(evaluations.map(({ label }, i) => [label, i]));
  const section = costSection(accuracyTables(evaluations)[0], "cost", places);
  return section === null ? null : parseHTML(section.markup).document;
}

const textsOf = (document: ReturnType<typeof sectionOf>, selector: string) =>
  Array.from(document?.querySelectorAll(selector) ?? [], ({ textContent }) => textContent?.trim());

it("lists models by the cost of a prediction, with clean accuracy and accuracy under all attacks", () => {
  const section = sectionOf(costing("large", 2_500_000), costing("small", 12_345));
  expect(textsOf(section, "tbody th")).toEqual(["small", "large"]);
  // Of four images three are right when clean, and one under the stronger of the two attacks.
  const shares = ["75.0 %30.1–95.4", "25.0 %4.6–69.9"];
  expect(textsOf(section, "tbody td")).toEqual(["12.3 k", ...shares, "2.5 M", ...shares]);
});

it("draws a point per model, the cheaper one to the left, between powers of ten", () => {
  const section = sectionOf(costing("a", 1e6), costing("b", 1e4), costing("c", 3e4));
  expect(textsOf(section, "figcaption")).toEqual([
    "Clean accuracy against the cost of a prediction",
    "Accuracy under attack (union, ℓ∞ 0.031 and ℓ2 0.83) against the cost of a prediction",
  ]);
  const [chart] = section?.querySelectorAll("figure") ?? [];
  const ticks = chart?.querySelectorAll('[data-mark="x-axis tick label"] text') ?? [];
  expect(Array.from(ticks, ({ textContent }) => textContent)).toEqual(["10k", "100k", "1M"]);
  const places = [...chart.querySelectorAll('[data-mark="dot"] > *')].map((dot) =>
    Number(dot.getAttribute("cx") ?? /\(([\d.]+)/.exec(dot.getAttribute("transform") ?? "")?.[1]),
  );
  expect(places).toHaveLength(3);
  const [a, b, c] = places;
  // On a logarithmic axis 3e4 lies at log10(3) / 2 of the way from 1e4 to 1e6.
  expect((c - b) / (a - b)).toBeCloseTo(Math.log10(3) / 2, 3);
});

it("leaves out models of unknown cost, and needs two others", () => {
  expect(sectionOf(costing("a", 1e6), costing("b", undefined))).toBeNull();
  expect(sectionOf(costing("a", 1e6))).toBeNull();
  const section = sectionOf(costing("a", 1e6), costing("b", undefined), costing("c", 2e6));
  expect(textsOf(section, "tbody th")).toEqual(["a", "c"]);
});

it("compares under equal radii only", () => {
  const other = costing("b", 2e6, { epsilon: 0.5 });
  expect(sectionOf(costing("a", 1e6), other)).toBeNull();
  const section = sectionOf(costing("a", 1e6), other, costing("c", 3e6));
  expect(textsOf(section, "tbody th")).toEqual(["a", "c"]);
});
