import { afterEach, expect, it, vi } from "vitest";
import { threadCount } from "./thread-count.ts";

afterEach(() => vi.unstubAllGlobals());

it("is 1 where the page is not isolated, whatever was asked for", () => {
  vi.stubGlobal("crossOriginIsolated", false);
  vi.stubGlobal("navigator", { hardwareConcurrency: 8 });
  expect([threadCount(0), threadCount(1), threadCount(3)]).toEqual([1, 1, 1]);
});

it.each([
  [2, 2],
  [16, 4],
])("is one per core up to four: of %i cores %i", (hardwareConcurrency, expected) => {
  vi.stubGlobal("crossOriginIsolated", true);
  vi.stubGlobal("navigator", { hardwareConcurrency });
  expect(threadCount(0)).toBe(expected);
  expect(threadCount(7)).toBe(7);
});
