import { describe, expect, it } from "vitest";
import { rowWith as row } from "../../test/fixtures/rows-fixture.ts";
import { equalSections, leadingImages, sectionsOf } from "./sections.ts";

const rows = (attack: string, images: number) =>
  Array.from({ length: images }, (_, index) => row({ index, attack }));

describe("images that all defences have", () => {
  const many = { sound: [...rows("pgd-linf", 9), ...rows("pgd-l2", 9)], cw: rows("cw-l2", 3) };
  const few = { sound: [...rows("pgd-linf", 5), ...rows("pgd-l2", 4)], cw: rows("cw-l2", 7) };
  const all = new Map([
    ["a", sectionsOf({ noise: null, rows: many }, 0.83)],
    ["b", sectionsOf({ noise: "normal:0.25", rows: few }, 0.83)],
    ["none", sectionsOf({ noise: null, rows: {} }, 0.83)],
  ]);

  it("end where an attack has not tried the next one", () => {
    expect(leadingImages(few.sound)).toBe(4);
    expect(leadingImages([row({ index: 1 })])).toBe(0);
    expect(leadingImages([])).toBe(0);
  });

  it("are the fewest of any defence, attack by attack; a defence without rows does not count", () => {
    const equal = equalSections(all);
    for (const name of ["a", "b"]) {
      expect(equal.get(name)?.sound.pgd).toHaveLength(2 * 4);
      expect(equal.get(name)?.sound.cw).toHaveLength(3);
    }
    expect(equal.get("none")?.sound.pgd).toEqual([]);
  });
});
