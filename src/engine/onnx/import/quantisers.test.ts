import { describe, expect, it } from "vitest";
import { nodeOf } from "../../../../test/fixtures/model-fixture.ts";
import { imported, numbersOf } from "../../../../test/fixtures/run-fixture.ts";
import { type NdArray, tensor } from "../../../math/tensor.ts";
import type { AttributeValue } from "../protos.ts";
import { quantiserDomains } from "./quantisers.ts";

type Attributes = Readonly<Record<string, AttributeValue>>;

const [domain] = quantiserDomains;
const one = (value: number): NdArray => tensor([], [value]);

/** An operator of the domain on x with stored parameters. */
function quantised(
  op: string,
  x: NdArray,
  parameters: readonly NdArray[],
  attributes: Attributes = {},
  of: string = domain,
): number[] {
  const arrays = Object.fromEntries(parameters.map((array, i) => [`a${i}`, array]));
  const node = nodeOf(op, ["x", ...Object.keys(arrays)], ["y"], attributes, { domain: of });
  return numbersOf([node], { x }, { arrays });
}

describe("a quantiser to integers", () => {
  const x = tensor([6], [-9, -2.5, -0.6, 0.6, 2.5, 9]);
  const quant = (parameters: readonly number[], attributes: Attributes, of?: string) =>
    quantised("Quant", x, parameters.map(one), attributes, of);

  it.each(quantiserDomains)("is imported from the domain %s", (of) => {
    expect(quant([1, 0, 3], { signed: { int: 1 }, narrow: { int: 0 } }, of)).toEqual([
      -4, -2, -1, 1, 2, 3,
    ]);
  });

  it.each([
    ["signed and narrow", 1, 1, [-3, -2, -1, 1, 2, 3]],
    ["signed and wide", 1, 0, [-4, -2, -1, 1, 2, 3]],
    ["unsigned and narrow", 0, 1, [0, 0, 0, 1, 2, 6]],
    ["unsigned and wide", 0, 0, [0, 0, 0, 1, 2, 7]],
  ])("keeps the range of 3 bits, %s", (_, signed, narrow, wanted) => {
    expect(quant([1, 0, 3], { signed: { int: signed }, narrow: { int: narrow } })).toEqual(wanted);
  });

  it("divides by a scale, adds a zero point, and dequantises", () => {
    const found = quant([0.5, 1, 4], { signed: { int: 1 }, narrow: { int: 0 } });
    // x/0.5 + 1 within [−8, 7], rounded to even, less 1, times 0.5.
    expect(found).toEqual([-4.5, -2.5, -0.5, 0.5, 2.5, 3]);
  });

  // The table of the operator's documentation.
  const table = tensor([10], [5.5, 2.5, 1.6, 1.1, 1, -1, -1.1, -1.6, -2.5, -5.5]);
  it.each([
    ["ROUND", [6, 2, 2, 1, 1, -1, -1, -2, -2, -6]],
    ["HALF_EVEN", [6, 2, 2, 1, 1, -1, -1, -2, -2, -6]],
    ["CEIL", [6, 3, 2, 2, 1, -1, -1, -1, -2, -5]],
    ["floor", [5, 2, 1, 1, 1, -1, -2, -2, -3, -6]],
    ["UP", [6, 3, 2, 2, 1, -1, -2, -2, -3, -6]],
    ["DOWN", [5, 2, 1, 1, 1, -1, -1, -1, -2, -5]],
    ["ROUND_TO_ZERO", [5, 2, 1, 1, 1, -1, -1, -1, -2, -5]],
    ["HALF_UP", [6, 3, 2, 1, 1, -1, -1, -2, -3, -6]],
    ["HALF_DOWN", [5, 2, 2, 1, 1, -1, -1, -2, -2, -5]],
  ])("rounds by %s as its documentation lists", (mode, wanted) => {
    const attributes = { rounding_mode: { string: mode }, signed: { int: 1 }, narrow: { int: 0 } };
    expect(quantised("IntQuant", table, [one(1), one(0), one(8)], attributes)).toEqual(wanted);
  });

  it("has a scale, a zero point and a width per channel", () => {
    const pixels = tensor([1, 2, 1, 2], [-9, 1.2, -9, 1.2]);
    const per = (a: number, b: number) => tensor([1, 2, 1, 1], [a, b]);
    const attributes = { signed: { int: 1 }, narrow: { int: 0 } };
    const found = quantised("Quant", pixels, [per(1, 0.5), per(0, 1), per(3, 5)], attributes);
    // First −4 … 3 in steps of 1; then −16 … 15 in steps of 0.5 around 1.
    expect(found).toEqual([-4, 1, -8.5, 1]);
  });

  it("gives the sign if signed with one bit", () => {
    const attributes = { signed: { int: 1 }, narrow: { int: 1 } };
    expect(quant([0.5, 0, 1], attributes)).toEqual([-0.5, -0.5, -0.5, 0.5, 0.5, 0.5]);
  });

  it("is refused for an unknown rounding mode", () => {
    const attributes = { rounding_mode: { string: "STOCHASTIC_ROUND" } };
    expect(() => quant([1, 0, 3], attributes)).toThrow(
      'attribute rounding_mode is "STOCHASTIC_ROUND", but only ROUND',
    );
  });
});

describe("a bipolar quantiser", () => {
  it("gives ± its scale, and + at 0", () => {
    const x = tensor([4], [-2, -0.1, 0, 3]);
    expect(quantised("BipolarQuant", x, [one(0.5)])).toEqual([-0.5, -0.5, 0.5, 0.5]);
  });

  it("has a scale per channel", () => {
    const x = tensor([2, 2], [-1, 1, 2, -2]);
    const scale = tensor([1, 2], [0.5, 3]);
    expect(quantised("BipolarQuant", x, [scale])).toEqual([-0.5, 3, 0.5, -3]);
  });
});

describe("a quantiser to minifloats", () => {
  const format = (exponents: number, mantissa: number, bias: number, most: number) =>
    [1, exponents, mantissa, bias, most].map(one);

  it("rounds to E4M3, with subnormal numbers, and saturates", () => {
    const x = tensor([8], [1, 1.0625, 1.1875, -3.3, 500, -500, 2 ** -9, 1.4 * 2 ** -9]);
    const found = quantised("FloatQuant", x, format(4, 3, 7, 448));
    expect(found).toEqual([1, 1, 1.25, -3.25, 448, -448, 2 ** -9, 2 ** -9]);
  });

  it("is exact at powers of two, where the logarithm is rounded", () => {
    const powers = Array.from({ length: 241 }, (_, i) => 2 ** (i - 120));
    const odd = powers.map((power) => 1.75 * power);
    const largest = 1.75 * 2 ** 127;
    for (const values of [powers, odd])
      expect(quantised("FloatQuant", tensor([241], values), format(8, 2, 127, largest))).toEqual(
        values,
      );
  });

  it("divides by its scale and rounds by its mode", () => {
    const x = tensor([2], [0.53, -0.53]);
    const parameters = [0.5, 4, 3, 7, 448].map(one);
    const found = quantised("FloatQuant", x, parameters, { rounding_mode: { string: "FLOOR" } });
    // 1.06 and −1.06 in steps of 1/8.
    expect(found).toEqual([0.5, -0.5625]);
  });

  it("is refused if it does not saturate", () => {
    const attributes = { saturation: { int: 0 } };
    const x = tensor([1], [1]);
    expect(() => quantised("FloatQuant", x, format(4, 3, 7, 448), attributes)).toThrow(
      "saturation 0 is not supported",
    );
  });
});

describe("truncation", () => {
  const x = tensor([4], [-2.75, 1, 1.75, 3.25]);

  it("removes bits and keeps the scale in version 1", () => {
    // x/0.25 = −11, 4, 7, 13; two bits cut off by floor: −3, 1, 1, 3.
    expect(quantised("Trunc", x, [0.25, 0, 8, 6].map(one))).toEqual([-0.75, 0.25, 0.25, 0.75]);
  });

  it("has a new scale and stays in range in version 2", () => {
    const attributes = {
      rounding_mode: { string: "ROUND" },
      signed: { int: 1 },
      narrow: { int: 0 },
    };
    const found = quantised("Trunc", x, [0.25, 0, 8, 1, 3].map(one), attributes);
    // −2.75, 1, 1.75, 3.25 in steps of 1, within −4 … 3.
    expect(found).toEqual([-3, 1, 2, 3]);
    const narrower = quantised("Trunc", x, [0.25, 0, 8, 1, 2].map(one), attributes);
    expect(narrower).toEqual([-2, 1, 1, 1]);
  });
});

describe("gradients of these quantisers", () => {
  const file = (op: string, parameters: readonly number[], straightThrough: boolean) => {
    const arrays = Object.fromEntries(parameters.map((value, i) => [`a${i}`, one(value)]));
    const node = nodeOf(op, ["x", ...Object.keys(arrays)], ["y"], {}, { domain });
    return imported(
      [node],
      { x: tensor([3], [0.3, -0.6, 9]) },
      {
        arrays,
        importOptions: { straightThrough },
      },
    );
  };
  const cases: [string, number[]][] = [
    ["Quant", [0.5, 0, 4]],
    ["IntQuant", [0.5, 0, 4]],
    ["BipolarQuant", [0.5]],
    ["FloatQuant", [1, 4, 3, 7, 448]],
    ["Trunc", [0.25, 0, 8, 6]],
  ];
  it.each(cases)(
    "%s gets a note: its gradient is zero, or approximate if differentiated straight through",
    (op, parameters) => {
      const codes = (straightThrough: boolean) =>
        file(op, parameters, straightThrough).notes.map(({ code }) => code);
      expect(codes(false)).toEqual(["zero-gradient"]);
      expect(codes(true)).toEqual(["straight-through"]);
    },
  );

  it("quantisers of stored weights get no note", () => {
    const arrays = { w: tensor([3], [0.3, -0.6, 9]), s: one(0.5), z: one(0), b: one(4) };
    const nodes = [
      nodeOf("Quant", ["w", "s", "z", "b"], ["q"], {}, { domain }),
      nodeOf("Mul", ["x", "q"], ["y"]),
    ];
    const x = tensor([3], [1, 1, 1]);
    expect(imported(nodes, { x }, { arrays }).notes).toEqual([]);
    expect(numbersOf(nodes, { x }, { arrays })).toEqual([0.5, -0.5, 3.5]);
  });
});
