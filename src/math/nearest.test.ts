import { expect, it } from "vitest";
import { editDistance, nearest, unknownName } from "./nearest.ts";

it("counts the fewest edits", () => {
  expect(editDistance("kitten", "sitting")).toBe(3);
  expect(editDistance("", "abc")).toBe(3);
  expect(editDistance("abcd", "bcd")).toBe(1);
  expect(editDistance("bcd", "abcd")).toBe(1);
  expect(editDistance("same", "same")).toBe(0);
});

it("finds the word that was meant, and none when nothing is like it", () => {
  expect(nearest("pgd-lif", ["pgd-l2", "pgd-linf"])).toBe("pgd-linf");
  expect(nearest("epsilom", ["epsilon", "steps"])).toBe("epsilon");
  expect(nearest("zzzzzz", ["pgd-l2", "pgd-linf"])).toBeUndefined();
});

it("says what is known when nothing is near", () => {
  expect(unknownName("attack", "pgd-l3", ["pgd-l2"])).toBe(
    "unknown attack pgd-l3; did you mean pgd-l2?",
  );
  expect(unknownName("attack", "zzzz", ["pgd-l2", "pgd-linf"])).toBe(
    "unknown attack zzzz; choose from pgd-l2, pgd-linf",
  );
});
