import { describe, expect, it } from "vitest";
import { input } from "../engine/graph/ops.ts";
import { is, topological, type Value } from "../engine/graph/value.ts";
import { keyOf } from "../math/random.ts";
import { elementCount } from "../math/tensor.ts";
import { parameterCount } from "./architecture.ts";
import { architecture } from "./architectures.ts";
import { dropoutMasks } from "./dropout.ts";
import { initialParameters } from "./initial.ts";

const cifar = (classes: number) => ({
  shape: [3, 32, 32],
  classes,
  mean: [0.5, 0.5, 0.5],
  std: [0.25, 0.25, 0.25],
});

describe("a Wide ResNet has the published number of parameters:", () => {
  // Zagoruyko & Komodakis 2016, Table 4 and their code: 36.5 M, 2.7 M (10 classes).
  it.each([
    ["wrn-28-10", 10, 36_479_194],
    ["wrn-28-10", 100, 36_536_884],
    ["wrn-16-4", 10, 2_748_890],
    ["wrn-40-2", 10, 2_243_546],
    ["wrn-10-1", 10, 77_850],
  ])("%s with %i classes", (name, classes, count) => {
    expect(parameterCount(architecture(name, cifar(classes)))).toBe(count);
  });
});

describe("architecture", () => {
  it("suggests the nearest name for an unknown one", () => {
    expect(() => architecture("cnn-smal", cifar(10))).toThrow("did you mean cnn-small?");
  });

  it("refuses a depth that no Wide ResNet has", () => {
    expect(() => architecture("wrn-12-1", cifar(10))).toThrow(
      expect.objectContaining({ code: "unknown-name" }),
    );
  });
});

describe("initialParameters", () => {
  it("are He-normal by fan-out, and depend on the key", () => {
    const model = architecture("wrn-16-4", cifar(10));
    const { "group2.block1.conv2": w } = initialParameters(model, keyOf(1));
    const variance = w.data.reduce((sum, v) => sum + v * v, 0) / w.data.length;
    expect(variance).toBeCloseTo(2 / (128 * 9), 4);
    expect(initialParameters(model, keyOf(1))["fc.weight"]).toEqual(
      initialParameters(model, keyOf(1))["fc.weight"],
    );
    expect(initialParameters(model, keyOf(2))["fc.weight"]).not.toEqual(
      initialParameters(model, keyOf(1))["fc.weight"],
    );
  });
});

describe("dropout", () => {
  it("keeps a share 1 − rate, scaled so that the mean stays", () => {
    const model = architecture("wrn-10-1", cifar(10), { dropout: 0.3 });
    const masks = dropoutMasks(model, [keyOf(1), keyOf(2)]);
    const mask = masks["dropout/group1.block0"];
    expect(mask.shape).toEqual([2, 16, 32, 32]);
    expect(mask.data.filter((m) => m === 0).length / mask.data.length).toBeCloseTo(0.3, 1);
    expect(mask.data.reduce((sum, m) => sum + m, 0) / elementCount(mask.shape)).toBeCloseTo(1, 1);
  });

  it("is part of batch mode only", () => {
    const model = architecture("wrn-10-1", cifar(10), { dropout: 0.3 });
    const inputs = new Set<string>();
    const parameter = (name: string) => input(name, shapeOf(name));
    const shapeOf = (name: string) => model.parameters.find((p) => p.name === name)?.shape ?? [];
    for (const mode of ["frozen", "batch"] as const) {
      const { logits } = model.forward(input("x", [1, 3, 32, 32]), parameter, mode);
      for (const value of topological<Value>([logits]))
        if (is(value, "Input")) inputs.add(`${mode} ${value.attrs.name}`);
    }
    expect(inputs.has("batch dropout/group1.block0")).toBe(true);
    expect(inputs.has("frozen dropout/group1.block0")).toBe(false);
  });
});
