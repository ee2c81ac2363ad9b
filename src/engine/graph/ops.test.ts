import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { tensor } from "../../math/tensor.ts";
import * as g from "./expressions.ts";
import { interpret } from "./interpret.ts";

const same = { strides: [1, 1], pads: [1, 1, 1, 1], dilations: [1, 1], groups: 1 };

describe("an ill-formed expression throws when it is built:", () => {
  const [a, b] = [g.input("a", [2, 3]), g.input("b", [4])];
  const double = g.input("d", [2, 3], "float64");
  const image = g.input("x", [1, 3, 4, 4]);
  const weights = g.input("w", [8, 2, 3, 3]);
  it.each([
    ["broadcast", () => g.add(a, b), "cannot broadcast [2, 3] with [4]"],
    ["types", () => g.add(a, double), "Add of float32 with float64; cast one of them first"],
    ["matmul", () => g.matmul(a, a), "cannot multiply matrices [2, 3] and [2, 3]"],
    ["reshape", () => g.reshape(a, [5]), "cannot reshape [2, 3] to [5]"],
    ["transpose", () => g.transpose(a, [0, 0]), "[0, 0] is not an order of the axes of [2, 3]"],
    ["expand", () => g.expand(a, [2, 4]), "cannot"],
    ["concat", () => g.concat([a, b], 0), "cannot join [2, 3] and [4] along axis 0"],
    ["conv channels", () => g.conv(image, weights), "weights [8, 2, 3, 3] in 1 groups do not fit"],
    [
      "conv size",
      () => g.conv(image, g.input("w", [8, 3, 7, 7])),
      "a kernel of [7, 7] does not fit",
    ],
  ])("%s", (_, build, message) => {
    expect(build).toThrow(message);
  });
});

describe("the interpreter", () => {
  const run = (value: ReturnType<typeof g.input>, x: ReturnType<typeof tensor>) =>
    [...interpret([value], { x })[0].data].map(Number);

  it("computes a convolution by its definition", () => {
    const x = g.input("x", [1, 1, 2, 2]);
    const w = g.constant(tensor([1, 1, 3, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9]));
    // Corner (0, 0): 5 · 1 + 6 · 2 + 8 · 3 + 9 · 4 = 77.
    expect(run(g.conv(x, w, same), tensor([1, 1, 2, 2], [1, 2, 3, 4]))).toEqual([77, 67, 47, 37]);
  });

  it("computes a softmax of large logits without overflow", () => {
    const x = g.input("x", [1, 2]);
    expect(run(g.softmax(x), tensor([1, 2], [1000, 0]))).toEqual([1, 0]);
  });

  it("transposing twice by inverse orders is the identity", () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray([0, 1, 2], { minLength: 3 }),
        fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 3, maxLength: 3 }),
        (perm, shape) => {
          const x = g.input("x", shape);
          const back = g.transpose(
            g.transpose(x, perm),
            [0, 1, 2].map((i) => perm.indexOf(i)),
          );
          const size = shape.reduce((n, m) => n * m, 1);
          const data = Array.from({ length: size }, (_, i) => i);
          expect(run(back, tensor(shape, data))).toEqual(data);
        },
      ),
    );
  });

  it("slices forwards, backwards and with steps", () => {
    const x = g.input("x", [7]);
    const data = tensor([7], [0, 1, 2, 3, 4, 5, 6]);
    expect(run(g.sliceAxis(x, 0, 1, 6, 2), data)).toEqual([1, 3, 5]);
    expect(run(g.sliceAxis(x, 0, 5, 0, -2), data)).toEqual([5, 3, 1]);
    expect(run(g.flip(x, 0), data)).toEqual([6, 5, 4, 3, 2, 1, 0]);
  });

  it("names a missing input", () => {
    expect(() => interpret([g.input("pixels", [1])])).toThrow("no value for input pixels");
  });
});
