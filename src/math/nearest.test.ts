import { expect, it } from "vitest";
import { editDistance, nearest, unknownName } from "./nearest.ts";

it("editDistance counts the fewest edits", () => {
  expect(editDistance("kitten", "sitting")).toBe(3);
  expect(editDistance("", "abc")).toBe(3);
  expect(editDistance("abcd", "bcd")).toBe(1);
  expect(editDistance("bcd", "abcd")).toBe(1);
  expect(editDistance("same", "same")).toBe(0);
});

it("nearest finds a misspelt word, and nothing if no candidate is near", () => {
  expect(nearest("pgd-lif", ["pgd-l2", "pgd-linf"])).toBe("pgd-linf");
  expect(nearest("epsilom", ["epsilon", "steps"])).toBe("epsilon");
  expect(nearest("zzzzzz", ["pgd-l2", "pgd-linf"])).toBeUndefined();
});

it("unknownName suggests the nearest name, or lists all names", () => {
  expect(unknownName("attack", "pgd-l3", ["pgd-l2"])).toBe(
    "unknown attack pgd-l3; did you mean pgd-l2?",
  );
  expect(unknownName("attack", "zzzz", ["pgd-l2", "pgd-linf"])).toBe(
    "unknown attack zzzz; choose from pgd-l2, pgd-linf",
  );
});

it("unknownName suggests all names that begin with the word", () => {
  const known = ["pgd-linf", "fab-t-linf", "pgd-l2", "pgd-t-linf"];
  expect(unknownName("attack", "pgd", known)).toBe(
    "unknown attack pgd; did you mean pgd-linf, pgd-l2 or pgd-t-linf?",
  );
  expect(unknownName("attack", "fab", known)).toBe("unknown attack fab; did you mean fab-t-linf?");
});
