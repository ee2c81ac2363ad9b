import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { elementCount, type NdArray, type Shape, tensor } from "../../math/tensor.ts";
import { constantValue } from "./constant-cache.ts";
import * as g from "./expressions.ts";
import { interpret } from "./interpret.ts";
import { strided } from "./interpret-arrays.ts";
import type { Value } from "./value.ts";

const numbers = (shape: Shape) =>
  tensor(
    shape,
    Float32Array.from({ length: elementCount(shape) }, (_, i) => i),
  );
const dataOf = (value: Value, inputs: readonly NdArray[]) => constantValue(value, inputs);

describe("a value that depends on no input", () => {
  const x = numbers([5, 7]);
  const transposed = g.transpose(g.constant(x), [1, 0]);

  it("is computed once per array object", () => {
    expect(dataOf(transposed, [x])).toBe(dataOf(g.transpose(g.constant(x), [1, 0]), [x]));
    expect(dataOf(transposed, [numbers([5, 7])])).not.toBe(dataOf(transposed, [x]));
  });

  it("transposed twice is the original array", () => {
    const once = dataOf(transposed, [x]);
    expect(dataOf(g.transpose(g.constant(once), [1, 0]), [once])).toBe(x);
  });

  it("depends on attributes, dtype and the numbers of short operands", () => {
    const scaled = (by: number) => {
      const operand = tensor([1], [by]);
      return dataOf(g.mul(g.constant(x), g.constant(operand)), [x, operand]);
    };
    expect(scaled(2)).toBe(scaled(2));
    expect(scaled(2)).not.toBe(scaled(3));
    expect(1 / (scaled(-0).data[1] as number)).toBe(Number.NEGATIVE_INFINITY);
    expect(1 / (scaled(0).data[1] as number)).toBe(Number.POSITIVE_INFINITY);
    const low = (n: number) => dataOf(g.clip(g.constant(x), n, 9), [x]).data[0];
    expect([low(Number.NEGATIVE_INFINITY), low(1), low(Number.POSITIVE_INFINITY)]).toEqual([
      0, 1, 9,
    ]);
    expect(dataOf(g.cast(g.constant(x), "int32"), [x]).dtype).toBe("int32");
    expect(dataOf(g.cast(g.constant(x), "float64"), [x]).dtype).toBe("float64");
  });
});

describe("a view with strides", () => {
  const lengths = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 5 });
  const axes = fc.record({ shape: lengths, seed: fc.nat() });

  it("reads each element at offset + Σ index · stride, for any lengths and strides", () => {
    fc.assert(
      fc.property(axes, fc.constantFrom(1, 40), ({ shape: stated, seed }, long) => {
        const shape = stated.map((n, i) => (i === seed % 5 ? n * long : n));
        const strides = shape.map((_, i) => ((seed >> (3 * i)) % 7) - 3);
        const offset = shape.reduce((sum, n, i) => sum + Math.max(0, -strides[i] * (n - 1)), 0);
        const length = 1 + shape.reduce((sum, n, i) => sum + Math.abs(strides[i]) * n, 0);
        const x = numbers([length]);
        const found = strided(x, shape, strides, offset);
        const expected: number[] = [];
        const walk = (axis: number, at: number): void => {
          if (axis === shape.length) expected.push(at);
          else for (let i = 0; i < shape[axis]; i++) walk(axis + 1, at + i * strides[axis]);
        };
        walk(0, offset);
        expect([...found.data]).toEqual(expected);
      }),
      { seed: 3 },
    );
  });

  it("transposes int64", () => {
    const x: NdArray = {
      dtype: "int64",
      shape: [40, 3],
      data: new BigInt64Array(120).map((_, i) => BigInt(i)),
    };
    const [y] = interpret([g.transpose(g.constant(x), [1, 0])]);
    expect([...y.data].slice(0, 3)).toEqual([0n, 3n, 6n]);
  });
});
