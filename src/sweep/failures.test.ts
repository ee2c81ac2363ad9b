import { expect, it } from "vitest";
import { failureCode } from "../cli/sweep-output.ts";
import type { AttemptEnd } from "./attempts.ts";
import { finalFailure } from "./failures.ts";

const ends = (count: number, how: AttemptEnd["how"], retry = true): AttemptEnd[] =>
  Array.from({ length: count }, (_, i) => ({
    attempt: i + 1,
    owner: "a",
    how,
    message: "m",
    code: null,
    retry,
    at: "",
  }));

it("a cell has failed after its retries, at once if it would fail again, and not by being stopped", () => {
  expect(finalFailure([], 2)).toBeUndefined();
  expect(finalFailure(ends(2, "failed"), 2)).toBeUndefined();
  expect(finalFailure(ends(3, "failed"), 2)).toMatchObject({ attempt: 3 });
  expect(finalFailure(ends(1, "failed", false), 2)).toMatchObject({ attempt: 1 });
  expect(finalFailure(ends(99, "stopped"), 0)).toBeUndefined();
});

it("a cell that loses its worker eleven times has failed: it may be what kills them", () => {
  expect(finalFailure(ends(10, "lost"), 2)).toBeUndefined();
  expect(finalFailure(ends(11, "lost"), 2)).toMatchObject({ attempt: 11, how: "lost" });
});

it("the exit code is that of a bug if one cell failed by a bug", () => {
  expect(failureCode([])).toBe(0);
  expect(failureCode([{ code: "misfit" }])).toBe(2);
  expect(failureCode([{ code: "misfit" }, { code: null }])).toBe(1);
});
