import { afterEach, describe, expect, it } from "vitest";
import { keyOf } from "../math/random.ts";
import { type Tensor, tensor } from "../math/tensor.ts";
import { defineNoise, type NoiseSpecification, pixels } from "./define-noise.ts";
import { normal } from "./normal.ts";
import { describeNoise, noiseNamed, noises } from "./table.ts";

/** Noise that is plus or minus one length, as somebody else would define it. */
const specification: NoiseSpecification<"length"> = {
  name: "signs",
  parameters: { length: pixels(0.1, "absolute value of each pixel's noise") },
  source: "this test",
  describe: ({ length }) => `plus or minus ${length}`,
  sample: (keys, shape, { length }) => {
    const row = shape.slice(1).reduce((a, b) => a * b, 1);
    const sign = (i: number) => (keys[Math.floor(i / row)][0] % 2 === 0 ? 1 : -1);
    return tensor(
      shape,
      Array.from({ length: row * keys.length }, (_, i) => sign(i) * length),
    );
  },
};
const signs = defineNoise(specification);
const keys = [keyOf(1), keyOf(2)];
afterEach(() => noises.remove("signs"));

it("a definition from outside is used as a value, and by name once it is added", () => {
  const noise = signs({ length: 0.25 });
  expect(noise.name).toBe("signs:0.25");
  expect(noise.sample(keys, [2, 3]).data.map(Math.abs)).toEqual(new Float32Array(6).fill(0.25));
  expect(() => noiseNamed("signs")).toThrow("unknown noise signs");
  noises.add(signs);
  expect(noiseNamed("signs:64/255").name).toBe(`signs:${64 / 255}`);
  expect(noiseNamed("signs").sample(keys, [2, 3])).toEqual(signs().sample(keys, [2, 3]));
  expect(describeNoise("signs:0.5")).toBe("plus or minus 0.5 on pixels in [0, 1]");
  expect(() => noiseNamed("signs:64")).toThrow("did you mean signs:64/255?");
});

it("a noise that no table lists describes itself, as a listed one does", () => {
  expect(signs({ length: 0.25 }).describe?.()).toBe("plus or minus 0.25 on pixels in [0, 1]");
  expect(normal().describe?.()).toBe(describeNoise("normal"));
  expect(noiseNamed("mix:0.3:0.1").describe?.()).toBe(describeNoise("mix:0.3:0.1"));
});

it("a built-in definition makes the noise of its name", () => {
  const [byValue, byName] = [normal({ sigma: 0.5 }), noiseNamed("normal:0.5")];
  expect(byValue.name).toBe(byName.name);
  expect(byValue.sample(keys, [2, 4])).toEqual(byName.sample(keys, [2, 4]));
});

it.each([
  [{ sigma: 64 }, "sigma is 64, but it must be less than 1"],
  [{ sigma: -1 }, "sigma is -1, but it must be more than 0"],
  [{ scale: 1 }, 'unknown option "scale"'],
])("refuses the parameters %o", (values, message) => {
  expect(() => normal(values as object)).toThrow(message);
});

it("every parameter of every noise is described, and every noise has a source", () => {
  for (const { name, parameters, source } of noises.all) {
    expect(source, name).not.toBe("");
    for (const { text } of Object.values(parameters)) expect(text, name).not.toBe("");
  }
});

describe("bad-plugin:", () => {
  const given = (part: Partial<NoiseSpecification<"length">>) =>
    defineNoise(Object.assign({}, specification, part));

  it.each([
    ["throws", () => expect.fail("no entropy"), "noise signs threw in sample: no entropy"],
    ["returns another shape", () => tensor([1]), "returned float32 [1] from sample, and must"],
    ["returns NaN", () => tensor([2, 3]).data.fill(Number.NaN), "returned object from sample"],
    [
      "returns a tensor with NaN",
      () => tensor([2, 3], new Float32Array(6).fill(Number.NaN)),
      "returned NaN from sample",
    ],
  ])("a sampler that %s", (_, sample, message) => {
    const noise = given({ sample: sample as () => Tensor })();
    expect(() => noise.sample(keys, [2, 3])).toThrow(
      expect.objectContaining({ code: "bad-plugin", message: expect.stringContaining(message) }),
    );
  });

  it("a name with a colon or a capital, and a default out of range", () => {
    for (const name of ["a:b", "Signs", ""])
      expect(() => given({ name })).toThrow(expect.objectContaining({ code: "bad-plugin" }));
    expect(() => given({ parameters: { length: pixels(8, "too much") } })).toThrow(
      "noise signs has a default out of range: length",
    );
  });
});
