import { parseHTML } from "linkedom";
import { describe, expect, it } from "vitest";
import { rowWith } from "../../test/fixtures/rows-fixture.ts";
import type { CertificateRow } from "../certify/row.ts";
import { parseNpz } from "../data/npz.ts";
import { summarize } from "../evaluate/summary.ts";
import type { ProofRow } from "../verify/proof-row.ts";
import { evaluationsOf } from "./evaluations.ts";
import {
  certifiedRadii,
  certifiedSteps,
  provenBalls,
  provenSentence,
  roundedDown,
} from "./proven-balls.ts";
import { report } from "./report.ts";

const proof = (
  index: number,
  epsilon: number,
  status: ProofRow["status"],
  method: string | null,
): ProofRow => ({
  index,
  label: 0,
  norm: "l2",
  epsilon,
  status,
  method,
  margin: null,
  floatError: null,
  seconds: 0,
  runtime: {},
});

const certificate = (index: number, l2: number, pLower: number, label = 0): CertificateRow => ({
  index,
  label,
  prediction: l2 > 0 ? 0 : null,
  noise: "normal:0.25",
  alpha: 0.001,
  n0: 100,
  components: [{ noise: "normal:0.25", n: 1000, counts: [1000, 0], pLower }],
  radius: { l2, l1: 0, linf: 0 },
  sampling: "sound",
  runtime: {},
  seconds: 1,
});

const proofs = [
  proof(0, 0.5, "proven", "smoothing"),
  proof(1, 0.5, "broken", "clean"),
  proof(2, 0.5, "broken", "pgd-l2"),
  proof(3, 0.5, "broken", "pgd-l2"),
  proof(4, 0.5, "undecided", null),
  proof(0, 0.25, "proven", "smoothing"),
];
const certificates = [
  certificate(0, 0.6, 0.99),
  certificate(1, 0.3, 0.9),
  certificate(2, 0.3, 0.92),
  certificate(3, 0, 0.4),
  certificate(4, 0.7, 0.997, 1),
];

describe("proofs by ball", () => {
  it("are counted by status and method, the smallest radius first", () => {
    const [small, large] = provenBalls(proofs);
    expect(small).toMatchObject({ epsilon: 0.25, examples: 1, proven: 1, broken: 0, undecided: 0 });
    expect(large).toMatchObject({ epsilon: 0.5, examples: 5, proven: 1, broken: 3, undecided: 1 });
    expect(large.methods).toEqual([
      { status: "proven", method: "smoothing", images: 1 },
      { status: "broken", method: "pgd-l2", images: 2 },
      { status: "broken", method: "clean", images: 1 },
    ]);
    expect(provenSentence(large, "proof")).toBe(
      "Proven for 20.0 % of images, broken for 60.0 %, undecided for 20.0 %.",
    );
    expect(provenSentence(large, "certificate")).toMatch(/^Certified for 20.0 % of images, /);
  });
});

describe("certified radii", () => {
  it("count images of the right class with a radius above 0", () => {
    expect(certifiedRadii(certificates, "l2")).toEqual([0.3, 0.3, 0.6]);
    expect(certifiedRadii(certificates, "l1")).toEqual([]);
  });

  it("are shown for the shares of images that are reached", () => {
    // Of 5 images 3 have 0.3 or more, and 1 has 0.6.
    expect(certifiedSteps(certificates, "l2")).toEqual([
      { norm: "l2", radius: 0.3, share: 0.6 },
      { norm: "l2", radius: 0.6, share: 0.2 },
    ]);
  });
});

it("a certified radius is never rounded up", () => {
  expect([0.37399, 0.00269, 1].map(roundedDown)).toEqual(["0.3739", "0.0026", "1.0000"]);
});

describe("a report of rows with proofs beside them", () => {
  const rows = [0, 1, 2, 3, 4].map((index) => rowWith({ index, attack: "pgd-l2", norm: "l2" }));
  const source = { file: "r.jsonl", rows, settings: null, examples: null, notes: [] };
  const tools = { summarize, parseNpz };
  const evaluations = evaluationsOf([{ ...source, proofs, certificates }], tools);
  const { document } = parseHTML(report(evaluations, "html"));

  it("has a bar per ball, whose parts are as long as their counts", () => {
    const bars = [...document.querySelectorAll(".bar")];
    const parts = bars.map((bar) =>
      [...bar.querySelectorAll("span")].map((span) => [span.className, span.textContent]),
    );
    expect(parts).toEqual([
      [["proven", "1"]],
      [
        ["proven", "1"],
        ["broken", "3"],
        ["undecided", "1"],
      ],
    ]);
    expect(bars[1].querySelectorAll("span")[1].getAttribute("style")).toBe("flex-grow:3");
  });

  it("draws certified accuracy as steps, and attacked accuracy as dots without a line", () => {
    const figure = [...document.querySelectorAll("#certified ~ div figure, section figure")].find(
      (one) => one.textContent?.includes("Certified and attacked accuracy in ℓ2"),
    );
    const steps = figure?.querySelector('g[data-mark="line"] path')?.getAttribute("d") ?? "";
    // A step goes straight up or along; a line between points would have pairs of numbers after L.
    expect(steps).toMatch(/^M[\d.]+,[\d.]+([VH][\d.]+|L[\d.]+,[\d.]+)+$/);
    const corners = [...steps.matchAll(/L([\d.]+),([\d.]+)/g)].map(([, x, y]) => [+x, +y]);
    let before = /^M([\d.]+),([\d.]+)/.exec(steps)?.slice(1).map(Number) ?? [];
    for (const corner of corners) {
      expect(corner[0] === before[0] || corner[1] === before[1]).toBe(true);
      before = corner;
    }
    expect(figure?.querySelectorAll('g[data-mark="line"]').length).toBe(1);
    expect(figure?.querySelectorAll('g[data-mark="dot"] *').length).toBe(2);
  });

  it("counts lower bounds of p, abstentions apart", () => {
    const table = [...document.querySelectorAll("table")].find((one) =>
      one.textContent?.includes("at most 0.5 (abstained)"),
    );
    const lines: unknown = table?.querySelectorAll("tbody tr") ?? [];
    const counts = Array.from(
      lines as Iterable<{ querySelector(name: string): { textContent: string } | null }>,
      (line) => Number(line.querySelector("td")?.textContent),
    );
    expect(counts).toEqual([1, 0, 0, 0, 1, 1, 1, 1, 0]);
  });

  it("states the same in Markdown and in JSON", () => {
    const text = report(evaluations, "md");
    expect(text).toContain("| ℓ2 0.5 | 5 | 20.0 % | 60.0 % | 20.0 % |");
    expect(text).toContain("| ℓ2 | 0.3000 | 60.0 % |");
    const [one] = JSON.parse(report(evaluations, "json")).evaluations;
    expect(one.proven).toHaveLength(2);
    expect(one.certified[1]).toEqual({ norm: "l2", radii: [0.3, 0.3, 0.6] });
  });

  it("has nothing of it without proofs", () => {
    const plain = evaluationsOf([source], tools);
    expect(report(plain, "html")).not.toContain('id="proven"');
    expect(report(plain, "md")).not.toContain("proven");
    expect(JSON.parse(report(plain, "json")).evaluations[0]).toMatchObject({
      proven: null,
      certified: null,
    });
  });
});
