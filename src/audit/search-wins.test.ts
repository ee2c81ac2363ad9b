import { expect, it } from "vitest";
import { rowWith } from "../../test/fixtures/rows-fixture.ts";
import { searchWins } from "./attack-diagnostics.ts";

const right = { correct: 1, correctChoose: 1, majority: 1 };
const rows = Array.from({ length: 100 }, (_, index) => rowWith(Object.assign({ index }, right)));
const won = (attack: string, index: number) => rowWith({ attack, index });
const texts = (...more: readonly ReturnType<typeof rowWith>[]) => {
  const found = searchWins({ rows: [...rows, ...more] });
  return found === null ? null : [found.severity, found.text.replace(/ inside .*/, "")];
};

it("a search, or an attack in another ball, that breaks what the attacks of a ball left right is reported", () => {
  expect(texts(rowWith(Object.assign({ attack: "smallest-linf" }, right)))).toBeNull();
  expect(texts(won("smallest-linf", 1))).toEqual([
    "note",
    "the search for smallest radii broke 1 image",
  ]);
  expect(texts(won("other-balls-linf", 1))).toEqual([
    "note",
    "attacks in other balls broke 1 image",
  ]);
});

it("an image that both broke counts once, and 2 % of the images are a warning", () => {
  const both = "attacks in other balls and the search for smallest radii broke";
  const [one, two] = [won("other-balls-linf", 1), won("smallest-l2", 2)];
  expect(texts(one, won("smallest-l2", 1))).toEqual(["note", `${both} 1 image`]);
  expect(texts(one, two)).toEqual(["warning", `${both} 2 images`]);
});
