import { expect, it } from "vitest";
import { EvaluateOptions } from "../../evaluate/options.ts";
import { fieldsOf, flagsOf } from "./flags.ts";

const flags = fieldsOf(EvaluateOptions).flatMap(flagsOf);
const shown = (flag: string) => flags.filter(({ long }) => long === flag).map((one) => !one.hidden);

it("help shows the new name of a switch, and its former name stays valid", () => {
  expect(shown("--skip-broken")).toEqual([true]);
  expect(shown("--no-skip-broken")).toEqual([false]);
  expect(shown("--only-standing")).toEqual([false]);
  expect(shown("--no-only-standing")).toEqual([false]);
});
