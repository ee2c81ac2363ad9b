import { expect, it } from "vitest";
import { rowWith } from "../../../test/fixtures/rows-fixture.ts";
import { smallestByImage, smallestOf, smallestRadii } from "./smallest.ts";
import { smallestSentence } from "./words.ts";

const radii = (...values: readonly number[]) => new Map(values.map((value, i) => [i, value]));

it("the median is the radius at which half of the images are broken", () => {
  const { median, deciles, broken, images } = smallestRadii(
    "l2",
    radii(0, 0.1, 0.4, 0.3, Infinity),
  );
  expect([images, broken, median]).toEqual([5, 4, 0.3]);
  expect(deciles).toEqual([0, 0, 0.1, 0.1, 0.3, 0.3, 0.4, 0.4, null]);
  expect(smallestRadii("l2", radii(0.2, 0.1)).median).toBe(0.1);
  expect(smallestRadii("l2", radii(0.2, Infinity, Infinity)).median).toBeNull();
});

it("the smallest radius of an image is the best of attacks and searches in its norm", () => {
  const attacked = rowWith({ index: 3, norm: "l2", epsilon: 0.5, clean: 1, majority: 0, l2: 0.4 });
  const survived = rowWith({ index: 4, norm: "l2", epsilon: 0.5, clean: 1, majority: 1, l2: 0.5 });
  const searched = { label: 0, norm: "l2", attack: "fmn-l2", epsilon: null } as const;
  const rows = [
    Object.assign({ index: 3, radius: 0.45 }, searched),
    Object.assign({ index: 4, radius: 0.7 }, searched),
    Object.assign({ index: 5, radius: null }, searched),
  ];
  const found = smallestByImage([attacked, survived], rows, "l2");
  expect([...found]).toEqual([
    [3, 0.4],
    [4, 0.7],
    [5, Infinity],
  ]);
  expect(smallestByImage([attacked], rows, "linf").size).toBe(0);
});

it("a search whose time ended is about the images that it attacked, or that are wrong", () => {
  const attacked = [0, 1, 2, 3].map((index) =>
    rowWith({ index, norm: "l2", epsilon: 0.5, clean: 1, majority: 0, l2: 0.4 }),
  );
  const clean = { label: 0, norm: "l2", attack: "none", epsilon: null } as const;
  const searched = [
    Object.assign({ index: 0, radius: null }, clean),
    Object.assign({ index: 1, radius: 0 }, clean),
    Object.assign({ index: 2, radius: null }, clean),
    Object.assign({}, clean, { index: 0, attack: "fmn-l2", radius: 0.1 }),
  ];
  const found = smallestOf(attacked, searched, ["linf", "l2"]);
  expect(found).toMatchObject([{ norm: "l2", images: 2, broken: 2, median: 0 }]);
  expect(smallestOf(attacked, searched.slice(2, 3), ["l2"])).toBeNull();
});

it("what attacks and searches in other norms found counts with its length in this one", () => {
  const survived = { norm: "linf", epsilon: 0.1, clean: 1, correct: 1, majority: 1, linf: 0.1 };
  const linf = [0, 1, 2, 3].map((index) => rowWith(Object.assign({ index }, survived)));
  const broken = { norm: "l2", epsilon: 0.5, l2: 0.4, linf: 0.02, clean: 1 };
  const rows = [
    ...linf,
    rowWith(Object.assign({ index: 0 }, broken)),
    // One that survived, one under noise, and one without a row in ℓ∞ say nothing.
    rowWith(Object.assign({ index: 1, correct: 1 }, broken)),
    rowWith(Object.assign({ index: 2, draws: 100 }, broken)),
    rowWith(Object.assign({ index: 9 }, broken)),
  ];
  const found = { prediction: 7, linf: 0.03, l2: 0.2, l1: 2.5, correct8bit: 1 };
  const searched = [0, 3].map((index) =>
    Object.assign({ index, radius: 0.2, found }, {
      label: 0,
      norm: "l2",
      attack: "fmn-l2",
      epsilon: null,
    } as const),
  );
  expect([...smallestByImage(rows, searched, "linf")]).toEqual([
    [0, 0.02],
    [1, Infinity],
    [2, Infinity],
    [3, 0.03],
  ]);
});

it("one sentence says where half of the images break", () => {
  const half = (norm: "linf" | "l2", ...values: readonly number[]) =>
    smallestRadii(norm, radii(...values));
  expect(smallestSentence([half("linf", 1.234 / 255), half("l2", 0.1149)])).toBe(
    "Half of the images break at ℓ∞ 1.2/255, ℓ2 0.11.",
  );
  expect(smallestSentence([half("linf", 0.1), half("l2", 0.2, Infinity, Infinity, Infinity)])).toBe(
    "Half of the images break at ℓ∞ 26/255. Fewer than half of the images break: 25.0 % in ℓ2.",
  );
  expect(smallestSentence([half("linf", 0, 0, 0.1)])).toBe(
    "At least half of the images are wrong without an attack.",
  );
});
