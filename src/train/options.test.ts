import { describe, expect, it } from "vitest";
import { refuseOtherOptions, resolveOptions } from "./options.ts";

const asked = { defense: "at-linf", model: "wrn-28-10", data: "cifar10" } as const;

describe("options of a run", () => {
  it("are by default those of Zagoruyko & Komodakis and the paper", () => {
    expect(resolveOptions(asked)).toEqual({
      ...asked,
      recipe: "zagoruyko",
      epochs: 200,
      batch: 128,
      rate: 0.1,
      weightDecay: 5e-4,
      dropout: 0,
      epsilonLinf: 0.031,
      epsilonL2: 0.83,
      epsilonL1: 12,
      steps: 10,
      stepSize: null,
      awp: null,
      noise: null,
      matChoice: null,
      ratNoise: null,
      examples: null,
      augment: "crop-flip",
      attackMode: "frozen",
      seed: 0,
    });
  });

  it("are the authors' with their recipe, and each can be overridden", () => {
    expect(resolveOptions({ ...asked, recipe: "authors", batch: 64 })).toMatchObject({
      recipe: "authors",
      epochs: 200,
      batch: 64,
      rate: 0.1,
      weightDecay: 2e-4,
      dropout: 0.3,
    });
  });

  it("name data that exists", () => {
    expect(() => resolveOptions({ ...asked, data: "cifra10" })).toThrow("did you mean cifar10?");
  });

  it("never mirror digits", () => {
    expect(resolveOptions({ ...asked, data: "mnist" }).augment).toBe("crop");
  });

  it("must include a defence, a model and a data set", () => {
    expect(() => resolveOptions({ ...asked, defense: undefined })).toThrow(
      "--defense is missing: how",
    );
    expect(() => resolveOptions({ defense: "standard" })).toThrow(
      expect.objectContaining({ code: "missing-option" }),
    );
  });

  it("may be omitted or repeated on a resume", () => {
    const stored = resolveOptions({ ...asked, examples: 100 });
    expect(() => refuseOtherOptions({}, stored, "runs/a")).not.toThrow();
    expect(() => refuseOtherOptions({ ...asked, examples: 100 }, stored, "runs/a")).not.toThrow();
  });

  it("that differ on a resume are all named", () => {
    const stored = resolveOptions(asked);
    const given = { ...asked, model: "wrn-16-4", weightDecay: 1e-4, examples: 100 };
    expect(() => refuseOtherOptions(given, stored, "runs/a")).toThrow(
      "runs/a was started with other options: --model wrn-16-4 (was wrn-28-10), " +
        "--examples 100 (was not set), --weight-decay 0.0001 (was 0.0005);\n  resume without them",
    );
  });
});
