import { describe, expect, it } from "vitest";
import { EvaluateOptions, resolved } from "./options.ts";
import { differences, type Settings, storedOptions } from "./settings.ts";
import { skipsBroken } from "./skip-options.ts";

const settingsWith = (options: Readonly<Record<string, unknown>>): Settings => ({
  model: {
    name: "m",
    path: "runs/m",
    defense: "standard",
    data: "shapes",
    architecture: "a",
    weights: "0123",
    parameters: 1,
    noise: null,
    noiseText: null,
    classNames: [],
    training: [],
    config: {},
  },
  data: "shapes",
  options,
  versions: { rampart: "1", engine: "e" },
  machine: {},
  target: {},
  command: null,
  started: "",
});
const stored = (given: object) => storedOptions(resolved(EvaluateOptions.parse(given)));

describe("skipBroken and its former name onlyStanding", () => {
  it.each([
    [{}, false],
    [{ skipBroken: true }, true],
    [{ onlyStanding: true }, true],
    [{ onlyStanding: false }, false],
    [{ skipBroken: true, onlyStanding: false }, true],
  ])("%o resolves to %o", (given, expected) => {
    const options = resolved(EvaluateOptions.parse(given));
    expect(options.skipBroken).toBe(expected);
    expect(options).not.toHaveProperty("onlyStanding");
    expect(skipsBroken(stored(given))).toBe(expected);
  });

  it.each([true, false])("%o: a file under either name resumes under either option", (value) => {
    const { onlyStanding: _, ...others } = stored({});
    const files = [
      { ...others, onlyStanding: value },
      { ...others, skipBroken: value },
    ];
    for (const file of files)
      for (const given of [{ skipBroken: value }, { onlyStanding: value }]) {
        const now = settingsWith(stored(given));
        expect(differences(now, settingsWith(file))).toBeNull();
        const difference = differences(
          settingsWith(stored({ skipBroken: !value })),
          settingsWith(file),
        );
        expect(difference).toEqual({
          before: `skipBroken ${value}`,
          now: `skipBroken ${!value}`,
        });
      }
  });

  it("a file that is older than the option skipped nothing", () => {
    const { onlyStanding: _, ...older } = stored({});
    expect(differences(settingsWith(stored({})), settingsWith(older))).toBeNull();
    expect(differences(settingsWith(stored({ skipBroken: true })), settingsWith(older))).toEqual({
      before: "skipBroken false",
      now: "skipBroken true",
    });
  });

  it("settings files keep the former name", () => {
    expect(stored({ skipBroken: true })).toMatchObject({ onlyStanding: true });
    expect(stored({})).not.toHaveProperty("skipBroken");
  });
});
