import { describe, expect, it } from "vitest";
import * as g from "../graph/expressions.ts";
import { tensor } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import { readModel } from "../onnx/model.ts";
import { nodeOf, onnxFile } from "../onnx/model-fixture.ts";
import { allowanceOf, demandOf, requireModest } from "./demand.ts";
import { importedNetwork } from "./imported.ts";

const x = g.input("x", [1, 100]); // 400 bytes

describe("what a network asks for", () => {
  it("of a chain is two neighbours at a time, of a fan all of it", () => {
    const chain = g.exp(g.sin(g.neg(g.abs(x))));
    expect(demandOf([chain])).toMatchObject({ alive: 800, written: 2000, work: 400 });
    const fan = g.add(g.add(g.sin(x), g.cos(x)), g.add(g.exp(x), g.abs(x)));
    // x and two of its functions, then their sum beside x and two more.
    expect(demandOf([fan]).alive).toBe(1600);
  });

  it("of a product are its multiply-adds; a view takes nothing, and what is known is no activation", () => {
    const w = g.constant(tensor([100, 7]));
    const product = g.matmul(g.reshape(x, [1, 100]), g.mul(w, w));
    const { alive, known, work } = demandOf([g.reshape(product, [7, 1])]);
    expect([alive, known, work]).toEqual([428, 2800, 700 + 700 + 7]);
  });

  it("may be more where the file stores more, or the caller brings larger pictures", () => {
    expect(allowanceOf(0, 0).alive).toBe(2 ** 27);
    expect(allowanceOf(2 ** 30, 0).alive).toBe(2 ** 33);
    expect(allowanceOf(0, 2 ** 22).alive).toBe(2 ** 30);
    const demand = { alive: 2 ** 29, known: 0, written: 2 ** 29, work: 0 };
    expect(() => requireModest(demand, allowanceOf(0, 0), 1)).toThrow(UsageError);
    expect(() => requireModest(demand, allowanceOf(0, 0), 1)).toThrow(
      "needs 0.500 GiB for values that are held at one time, and 0.125 GiB are allowed",
    );
    requireModest(demand, allowanceOf(2 ** 26, 0), 1);
  });
});

describe("a file that is refused before anything is allocated", () => {
  const size = (...lengths: number[]) => ({
    ...{ dtype: "int64" as const, shape: [lengths.length] },
    data: BigInt64Array.from(lengths, BigInt),
  });
  const open = (lengths: number[], input: (string | number)[]) =>
    importedNetwork(
      readModel(
        onnxFile(
          [
            nodeOf("Expand", ["x", "size"], ["wide"]),
            nodeOf("ReduceMax", ["wide"], ["y"], { axes: { ints: [2, 3] }, keepdims: { int: 0 } }),
          ],
          { inputs: { x: input }, outputs: { y: ["n", 3] }, arrays: { size: size(...lengths) } },
        ),
      ),
      "fixture",
    );
  it("makes much of a small picture, or states a huge one", () => {
    expect(open([1, 3, 8, 8], ["n", 3, 8, 8]).classes).toBe(3);
    expect(() => open([1, 3, 8192, 8192], ["n", 3, 1, 1])).toThrow("more than a classifier");
    expect(() => open([1, 3, 1, 1], ["n", 3, 2 ** 31, 2 ** 31])).toThrow("made to exhaust");
    expect(() => open([1, 3, 1, 1], [2 ** 31, 3, 8, 8])).toThrow("in batches of 2147483648");
  });
});
