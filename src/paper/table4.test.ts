import { describe, expect, it } from "vitest";
import { rowWith as row } from "../../test/fixtures/rows-fixture.ts";
import { printedTable4, thirteen } from "./printed.ts";
import { table4 } from "./table4.ts";
import { table4Grids } from "./table4-grids.ts";

const published = { protocol: "published" as const, draws: 1 };
const deterministic = [0, 1, 2, 3].flatMap((index) => [
  row({ ...published, index, attack: "none", norm: null, epsilon: null, clean: 1, correct: 1 }),
  // Each attack breaks other images: the means are ¾ and ½, the union is ¼.
  row({ ...published, index, attack: "pgd-linf", clean: 1, ...broken(index === 0) }),
  row({
    ...published,
    index,
    attack: "pgd-l2",
    norm: "l2",
    epsilon: 0.83,
    clean: 1,
    ...broken(index === 1 || index === 2),
  }),
  row({
    ...published,
    index,
    attack: "cw-l2",
    norm: "l2",
    epsilon: null,
    clean: 1,
    ...broken(true),
    l2: 0.5 + index / 5,
  }),
]);
function broken(is: boolean) {
  const correct = is ? 0 : 1;
  return { correct, correctChoose: correct, majority: correct };
}

const draws = { draws: 10, eot: 2, protocol: "sound" as const };
const noisy = [0, 1].map((index) =>
  row({ ...draws, index, attack: "pgd-linf", clean: 0.8, correct: 0.4, correctChoose: 0.4 }),
);
const oneDraw = [0, 1].map((index) =>
  row({ ...published, index, attack: "pgd-linf", eot: 4, clean: 1, correct: 1, oneDraw: index }),
);

const result = (rows: object, seconds: number, noise: string | null = null) => ({
  noise,
  rows: rows as Record<string, ReturnType<typeof row>[]>,
  seconds,
  flops: 10 * seconds,
});
const columns = table4(
  {
    standard: result({ published: deterministic }, 30),
    "at-linf": result({}, 60),
    "ni-normal": result({ sound: noisy, published: oneDraw }, 15, "normal:0.25"),
  },
  { radiusL2: 0.83, images: "all" },
);
const of = (defense: string) => {
  const found = columns.find((one) => one.defense === defense);
  if (found === undefined) throw new Error(`no ${defense}`);
  return found;
};

describe("Table 4", () => {
  it("has the thirteen columns of the paper, in its order, with what it prints", () => {
    expect(columns.map(({ defense }) => defense)).toEqual(thirteen);
    expect(thirteen.length).toBe(13);
    expect(columns.every(({ defense, printed }) => printed === printedTable4[defense])).toBe(true);
  });

  it("counts unbounded C&W under published, and C&W within the radius under sound", () => {
    expect(of("standard").published.cwL2?.mean).toBe(0);
    expect(of("standard").sound.cwL2?.mean).toBe(0.5); // norms 0.5, 0.7, 0.9 and 1.1
  });

  it("shows the union beside the min of means, which hides it", () => {
    const { sound } = of("standard");
    expect(sound.unionPgd?.mean).toBe(0.25);
    expect(sound.minOfMeans).toBe(0.5);
    // The one image that PGD leaves falls to C&W, but only outside the ball.
    expect(sound.union?.mean).toBe(0.25);
    expect(of("standard").published.union?.mean).toBe(0);
  });

  it("keeps the protocols of a randomised model apart", () => {
    const { sound, published: theirs, oneDraw: drawn } = of("ni-normal");
    expect(sound.pgdLinf?.examples).toBe(2);
    expect(sound.pgdLinf?.mean).toBeCloseTo(0.4, 12);
    expect(theirs.pgdLinf).toMatchObject({ mean: 1 });
    expect(drawn?.pgdLinf).toBe(0.5);
  });

  it("gives no number where no row is", () => {
    expect(of("mat-max").sound).toEqual(of("mat-max").published);
    expect(of("mat-max").sound.natural).toBeNull();
    expect(of("ni-normal").sound.union).toBeNull();
  });

  it("says training time relative to AT-ℓ∞", () => {
    expect(of("standard").trainingTime).toBe(0.5);
    expect(of("ni-normal").trainingWork).toBe(0.25);
    expect(of("mat-rand").trainingTime).toBeNull();
  });

  it("has an interval in every measured cell, n where it differs, and marks the best digits", () => {
    const [{ rows }] = table4Grids(columns, "here");
    const at = (label: string) => rows.find((one) => one.label.startsWith(label));
    expect(at("PGD-ℓ∞ 20")?.label).toBe("PGD-ℓ∞ 20");
    expect(at("PGD-ℓ∞ 20")?.cells[0]).toMatchObject({ text: "0.75", value: 0.75, best: true });
    expect(at("PGD-ℓ∞ 20")?.cells[0].detail).toMatch(/^0\.\d\d–0\.\d\d, n 4$/);
    expect(at("PGD-ℓ∞ 20")?.cells[5]).toMatchObject({ text: "0.40", best: false });
    expect(at("PGD-ℓ2 20")?.label).toBe("PGD-ℓ2 20, n 4");
    // A single value is not the best of anything.
    expect(at("PGD-ℓ2 20")?.cells[0]).toMatchObject({ text: "0.50", best: false });
    expect(at("AutoAttack")).toBeUndefined();
  });
});
