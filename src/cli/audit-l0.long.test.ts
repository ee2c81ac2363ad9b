// `rampart audit` in ℓ0 on a linear network, whose smallest number of pixels is known for each image.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  count,
  data,
  good,
  labels,
  pixels,
  place,
  quarter,
  removeFolder,
  resultOf,
  rowsOf,
  size,
  typed,
  words,
} from "../../test/fixtures/audit-fixture.ts";
import { typed as typedWords } from "../../test/fixtures/typed-fixture.ts";

afterAll(removeFolder);

/** The smallest number of pixels that lifts the sum of another quarter above that of the label's. */
function smallest(index: number): number {
  const image = pixels.slice(index * size, (index + 1) * size);
  const of = (wanted: number) => image.filter((_, pixel) => quarter(pixel) === wanted);
  const sum = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b, 0);
  const own = of(labels[index]);
  const counts = [0, 1, 2, 3]
    .filter((other) => other !== labels[index])
    .map((other) => {
      const rival = of(other);
      const gains = [...own, ...rival.map((v) => 1 - v)].sort((a, b) => b - a);
      let margin = sum(own) - sum(rival);
      let needed = 0;
      while (margin >= 0) margin -= gains[needed++];
      return needed;
    });
  return Math.min(...counts);
}

describe("rampart audit --epsilon-l0", () => {
  const out = place();
  let printed: string;
  beforeAll(async () => {
    const radii = ["--norms", "linf", "--epsilon-linf", "0.05", "--epsilon-l0", "1,2,3"];
    const { code, out: text, err } = await typed(words(good, out, ...radii));
    expect([code, err]).toEqual([0, expect.anything()]);
    printed = text;
  }, 300_000);

  it("finds what so many pixels break, in each ball and over the norms", () => {
    const needed = Array.from({ length: count }, (_, i) => smallest(i));
    expect(new Set(needed).size).toBeGreaterThan(1);
    const { norms, union, weakestNorms, smallest: searched, diagnostics } = resultOf(out);
    const share = (most: number) => needed.filter((one) => one > most).length / count;
    expect(norms.map(({ norm, epsilon, accuracy }) => [norm, epsilon, accuracy.mean])).toEqual([
      ["linf", 0.05, 1],
      ["l0", 1, share(1)],
      ["l0", 2, share(2)],
      ["l0", 3, share(3)],
    ]);
    expect([union.mean, weakestNorms]).toEqual([share(3), ["l0"]]);
    expect(searched?.map(({ norm }) => norm)).toEqual(["linf"]);
    expect(diagnostics).toEqual([]);
    for (const { norm, l0, epsilon } of rowsOf(out))
      if (norm === "l0") expect(l0).toBeLessThanOrEqual(Number(epsilon));
  });

  it("states counts of pixels in its text and its page", () => {
    expect(printed).toContain("ℓ0 3 pixels");
    expect(printed).toContain("ℓ0, 3 pixels");
    expect(printed).not.toContain("ε 3");
    const page = readFileSync(join(out, "report.html"), "utf8");
    for (const text of [
      "ℓ0, 3 pixels",
      "ℓ0, 1 pixel:",
      "changed pixels (ℓ0)",
      "not broken up to 3",
    ])
      expect(page).toContain(text);
    expect(page).not.toMatch(/ε 3\b|ε in ℓ0/);
  });
});

it("rampart audit --prove says in which norm it has proofs", async () => {
  const out = place();
  const asked = ["--norms", "linf", "--epsilon-linf", "0.05", "--epsilon-l0", "1", "--prove"];
  const { code, out: text } = await typed(words(good, out, ...asked));
  expect(code).toBe(0);
  expect(text).toContain("ℓ∞ 0.05: Proven for 100.0 % of images");
  expect(resultOf(out).proofs?.balls.map(({ norm }) => norm)).toEqual(["linf"]);
});

it("rampart audit attacks no pixels unless it is told how many", async () => {
  const out = place();
  expect((await typed(words(good, out, "--norms", "linf"))).code).toBe(0);
  expect(new Set(rowsOf(out).map(({ norm }) => norm))).toEqual(new Set(["linf"]));
});

it("rampart audit in ℓ0 alone has no smallest radii, and a probe in ℓ∞", async () => {
  const out = place();
  const alone = ["--norms", "l0", "--epsilon-l0", "2", "--epsilon-linf", "0.05"];
  expect((await typed(words(good, out, ...alone))).code).toBe(0);
  const { norms, smallest: searched, checks } = resultOf(out);
  expect(norms.map(({ norm }) => norm)).toEqual(["l0"]);
  expect(searched).toBeNull();
  expect(checks.some(({ outcome }) => outcome === "passed")).toBe(true);
});

describe("a radius in ℓ0 that cannot be", () => {
  it.each([
    [["--norms", "l0"], "--norms l0 needs --epsilon-l0"],
    [["--epsilon-l0", "1.5"], "--epsilon-l0 is 1.5, but it must be a whole number"],
    [["--epsilon-l0", "0"], "--epsilon-l0 is 0, but it must be more than 0"],
    [["--epsilon-l0", "8/255"], "it must be a whole number"],
    [["--epsilon-l0", "16"], "an image has 16 pixels"],
    [["--epsilon-l0", "3", "--norms", "l0", "--prove"], "--prove has no proofs in ℓ0"],
  ])("is refused by audit: %j", async (given, message) => {
    const { code, err } = await typed(words(good, place(), ...given));
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
  });

  it("is refused by audit --minutes", async () => {
    const asked = ["audit", good, "--data", `npz:${data}`, "--out", place(), "--minutes", "1"];
    const { code, err } = await typedWords([...asked, "--epsilon-l0", "2"]);
    expect([code, err]).toEqual([2, expect.stringContaining("no timed attack in ℓ0")]);
  });

  it.each([
    ["2.5", "it must be a whole number"],
    ["-1", "it must be more than 0"],
    ["16", "an image has 16 pixels"],
  ])("is refused by evaluate: %s", async (epsilon, message) => {
    const asked = ["evaluate", good, "--data", `npz:${data}`, "--attacks", "sparse-rs-l0"];
    const { code, err } = await typedWords([
      ...asked,
      "--out",
      `${place()}.jsonl`,
      `--epsilon-l0=${epsilon}`,
    ]);
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
  });
});
