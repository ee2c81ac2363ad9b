import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isSlow } from "../../test/fixtures/slow.ts";
import { permutation, uniform } from "../math/distributions.ts";
import { fold, keyOf } from "../math/random.ts";
import { assignment, likelyPermutation } from "./permutation.ts";

/** Counts of `each` examples per label; a share of `accuracy` is at the output, the rest anywhere. */
function confusionOf(
  order: readonly number[],
  { each = 20, accuracy = 0.8, outputs = order.length, seed = 0 } = {},
): number[][] {
  return order.map((output, label) => {
    const row = new Array<number>(outputs).fill(0);
    const draws = uniform([fold(keyOf(seed), label)], [1, 2 * each]).data;
    for (let i = 0; i < each; i++)
      row[draws[2 * i] < accuracy ? output : Math.floor(draws[2 * i + 1] * outputs)]++;
    return row;
  });
}

const sum = (rows: readonly (readonly number[])[], columns: readonly number[]) =>
  columns.reduce((total, column, i) => total + rows[i][column], 0);

describe("assignment", () => {
  it("gives each row a different column, with the largest sum", () => {
    const rows = fc.integer({ min: 1, max: 5 }).chain((n) =>
      fc.integer({ min: n, max: 6 }).chain((m) =>
        fc.array(fc.array(fc.integer({ min: -9, max: 9 }), { minLength: m, maxLength: m }), {
          minLength: n,
          maxLength: n,
        }),
      ),
    );
    const best = (gains: readonly (readonly number[])[], used: readonly number[] = []): number => {
      const [row, ...rest] = gains;
      if (row === undefined) return 0;
      const free = row.flatMap((gain, j) =>
        used.includes(j) ? [] : [gain + best(rest, [...used, j])],
      );
      return Math.max(...free);
    };
    fc.assert(
      fc.property(rows, (gains) => {
        const columns = assignment(gains);
        expect(new Set(columns).size).toBe(gains.length);
        expect(sum(gains, columns)).toBe(best(gains));
      }),
    );
  });
});

describe("likelyPermutation", () => {
  it("finds any permutation that most predictions follow, and what it explains", () => {
    for (let seed = 0; seed < 20; seed++) {
      const order = permutation(12, keyOf(seed));
      const identity = order.filter((output, i) => output === i).length;
      if (identity > 2) continue;
      const confusion = confusionOf(order, { seed });
      const found = likelyPermutation(confusion);
      expect(found).toMatchObject({ outputs: order, examples: 240 });
      expect(found?.explained).toBe(sum(confusion, order));
      expect(found?.name).toMatch(/^1\d of 12 labels have another output: \d+ → \d+, /);
    }
  });

  it.each([11, 12, 20])(
    "names text order of %d classes, of which label minus one explains much",
    (n) => {
      const order = Array.from({ length: n }, (_, i) => String(i))
        .sort()
        .map(Number);
      const found = likelyPermutation(confusionOf(order, { each: 3, accuracy: 1, outputs: n }));
      expect(found?.name).toContain("sorted as text");
      expect(found?.explained).toBe(3 * n);
    },
  );

  const shift = (n: number, by: number) => Array.from({ length: n }, (_, i) => i + by);
  const asText = Array.from({ length: 30 }, (_, i) => String(i))
    .sort()
    .map(Number);
  it.each([
    ["label plus one, as where output 0 is a background class", shift(30, 1), 31],
    ["label minus one", shift(30, -1).map((i) => (i + 30) % 30), 30],
    ["reverse order", shift(30, 0).reverse(), 30],
    ["the labels are the outputs' numbers sorted as text", asText, 30],
    [
      "the outputs are the labels' numbers sorted as text",
      shift(30, 0).map((i) => asText.indexOf(i)),
      30,
    ],
  ])("names %s, from one example of each class on", (name, order, outputs) => {
    const found = likelyPermutation(confusionOf(order, { each: 1, accuracy: 0.7, outputs }));
    expect(found?.name).toContain(name);
    expect(found?.outputs).toEqual(order);
  });

  it("names an exchange of two labels", () => {
    expect(
      likelyPermutation([
        [1, 9],
        [8, 2],
      ]),
    ).toMatchObject({
      name: "labels 0 and 1 are exchanged",
      outputs: [1, 0],
      explained: 17,
      identity: 3,
    });
  });

  it("names an exchange among labels that are otherwise right", () => {
    const swapped = [0, 1, 2, 6, 4, 5, 3, 7, 8, 9];
    expect(likelyPermutation(confusionOf(swapped))?.name).toBe("labels 3 and 6 are exchanged");
    expect(likelyPermutation(confusionOf([1, 0, 2, 3]))?.name).toBe("labels 0 and 1 are exchanged");
    const turned = [0, 2, 3, 1, 4, 5, 6, 7, 8, 9];
    expect(likelyPermutation(confusionOf(turned))?.outputs).toEqual(turned);
  });

  it("sees nothing in labels that are right, or that a network cannot tell apart", () => {
    expect(likelyPermutation(confusionOf(shift(10, 0)))).toBeNull();
    const confused = (row: readonly number[], other: readonly number[]) => {
      const counts = confusionOf(shift(10, 0));
      for (const [label, [own, wrong]] of [row, other].entries()) {
        counts[label].fill(0);
        counts[label][label] = own;
        counts[label][1 - label] = wrong;
      }
      return counts;
    };
    expect(likelyPermutation(confused([6, 14], [6, 14]))).toBeNull();
    expect(likelyPermutation(confused([0, 20], [20, 0]))).toBeNull();
    expect(likelyPermutation(confused([4, 16], [4, 16]))?.name).toMatch(/0 and 1 are exchanged/);
  });

  const networks = isSlow ? 400 : 96;
  it(`sees nothing in random predictions, of ${networks} networks of 10 to 100 classes`, () => {
    for (let seed = 0; seed < networks; seed++) {
      const n = [10, 30, 100][seed % 3];
      const each = [1, 2, 10, 50][seed % 4];
      expect(likelyPermutation(confusionOf(shift(n, 0), { each, accuracy: 0, seed }))).toBeNull();
    }
  });

  it("sees nothing where all predictions are one class, or there are none", () => {
    expect(
      likelyPermutation(Array.from({ length: 10 }, () => [0, 0, 0, 50, 0, 0, 0, 0, 0, 0])),
    ).toBeNull();
    expect(
      likelyPermutation([
        [0, 0],
        [0, 0],
      ]),
    ).toBeNull();
    expect(likelyPermutation([])).toBeNull();
  });

  it("leaves labels without examples where they are, if nobody else is there", () => {
    const order = [3, 0, 5, 1, 4, 2];
    const confusion = confusionOf(order, { accuracy: 1 });
    confusion[4] = [0, 0, 0, 0, 0, 0];
    confusion[5] = [0, 0, 0, 0, 0, 0];
    expect(likelyPermutation(confusion)?.outputs).toEqual(order);
  });
});
