import { describe, expect, it } from "vitest";
import { nodeOf, onnxFile } from "../../test/fixtures/model-fixture.ts";
import * as g from "../engine/graph/expressions.ts";
import { readModel } from "../engine/onnx/model.ts";
import { tensor } from "../math/tensor.ts";
import { type ImportedOptions, importedNetwork } from "./imported-network.ts";
import { estimateResources, requireWithinLimits, resourceLimits } from "./resources.ts";

const x = g.input("x", [1, 100]); // 400 bytes
const size = (...lengths: number[]) => ({
  dtype: "int64" as const,
  shape: [lengths.length],
  data: BigInt64Array.from(lengths, BigInt),
});

describe("the estimated cost of a network", () => {
  it("in memory is two neighbours of a chain, and all values of a fan", () => {
    const chain = g.exp(g.sin(g.neg(g.abs(x))));
    expect(estimateResources([chain])).toMatchObject({ alive: 800, written: 2000, work: 400 });
    const fan = g.add(g.add(g.sin(x), g.cos(x)), g.add(g.exp(x), g.abs(x)));
    // x and two of its functions, then their sum beside x and two more.
    expect(estimateResources([fan]).alive).toBe(1600);
  });

  it("counts multiply-adds; views cost nothing, and constants are not activations", () => {
    const w = g.constant(tensor([100, 7]));
    const product = g.matmul(g.reshape(x, [1, 100]), g.mul(w, w));
    const { alive, constants: known, work } = estimateResources([g.reshape(product, [7, 1])]);
    expect([alive, known, work]).toEqual([428, 2800, 700 + 700 + 7]);
  });

  it("may grow with the stored constants and with the caller's images", () => {
    expect(resourceLimits({ stored: 0, image: 0 }).alive).toBe(2 ** 27);
    expect(resourceLimits({ stored: 2 ** 30, image: 0 }).alive).toBe(2 ** 33);
    expect(resourceLimits({ stored: 0, image: 2 ** 22 }).alive).toBe(2 ** 30);
    const resources = {
      alive: 2 ** 29,
      constants: 0,
      generated: 0,
      slow: 0,
      written: 2 ** 29,
      work: 0,
      constantWork: 0,
    };
    expect(() =>
      requireWithinLimits(resources, resourceLimits({ stored: 0, image: 0 }), 1),
    ).toThrow(expect.objectContaining({ code: "bad-file" }));
    expect(() =>
      requireWithinLimits(resources, resourceLimits({ stored: 0, image: 0 }), 1),
    ).toThrow("needs 0.500 GiB for values that are held at one time, and 0.125 GiB are allowed");
    requireWithinLimits(resources, resourceLimits({ stored: 2 ** 26, image: 0 }), 1);
  });
});

describe("weights that a file generates", () => {
  /** A layer [inputs, width] whose weights are one number spread over their shape, then a sum per class. */
  const generated = (width: number, more: Partial<ImportedOptions> = {}) =>
    importedNetwork(
      readModel(
        onnxFile(
          [
            nodeOf("ConstantOfShape", ["shape"], ["w"]),
            nodeOf("Gemm", ["x", "w"], ["h"], { transB: { int: 1 } }),
            nodeOf("MatMul", ["h", "columns"], ["y"]),
          ],
          {
            inputs: { x: ["n", 4096] },
            outputs: { y: ["n", 2] },
            arrays: { shape: size(width, 4096), columns: tensor([width, 2]) },
          },
        ),
      ),
      "fixture",
      more,
    ).resources;

  it("are counted once, transposed or not, and may be as large as those of VGG-19", () => {
    expect(generated(2048)).toMatchObject({ constants: 2 ** 25, generated: 2 ** 25 });
    expect(generated(32_768).constants).toBe(2 ** 29);
  });

  it("are refused beyond 768 MiB unless --max-constants allows them", () => {
    const attempt = () => generated(65_536);
    expect(attempt).toThrow(expect.objectContaining({ code: "bad-file" }));
    expect(attempt).toThrow(
      "makes 1.00 GiB of constants of its own, and 0.750 GiB are allowed; if you trust it, allow more: --max-constants 2GiB",
    );
    expect(generated(65_536, { maxConstants: 2 ** 31 }).constants).toBe(2 ** 30);
    expect(() => generated(2048, { maxConstants: 2 ** 20 })).toThrow("0.000977 GiB are allowed");
  });

  it("raise the limit of work, but neither of memory nor of work on constants", () => {
    const none = resourceLimits({ stored: 0, image: 0 });
    const some = resourceLimits({ stored: 0, image: 0, generated: 2 ** 29 });
    expect(some.work).toBeGreaterThan(8 * none.work);
    expect(some).toMatchObject({
      alive: none.alive,
      written: none.written,
      constantWork: none.constantWork,
    });
    const trusted = resourceLimits({
      stored: 0,
      image: 0,
      generated: 2 ** 29,
      maxConstants: 2 ** 29,
    });
    expect(trusted).toEqual({
      ...resourceLimits({ stored: 2 ** 29, image: 0 }),
      constants: 2 ** 29,
      computed: 2 ** 29,
      slow: 2 ** 29,
    });
  });

  it("may be computed with, but not into larger constants", () => {
    const w = g.expand(g.scalar(1), [4096, 4096]);
    const {
      constants: known,
      generated: spread,
      constantWork,
    } = estimateResources([g.matmul(x, g.exp(g.sliceAxis(w, 0, 0, 100)))]);
    expect([known, spread]).toEqual([2 ** 26 + 2 * 100 * 4096 * 4, 2 ** 26]);
    expect(constantWork).toBeGreaterThan(2 ** 24);
    const squared = estimateResources([g.matmul(w, w)]);
    expect(() =>
      requireWithinLimits(
        squared,
        resourceLimits({ stored: 0, image: 0, generated: squared.generated }),
        1,
      ),
    ).toThrow(
      "multiplies or sorts 0.0625 GiB of constants of its own, and 0.0313 GiB are allowed; if you trust it, allow more with --max-constants SIZE",
    );
    const chain = estimateResources([g.exp(g.exp(w))]);
    expect(() =>
      requireWithinLimits(
        chain,
        resourceLimits({ stored: 0, image: 0, generated: chain.generated }),
        1,
      ),
    ).toThrow("makes 0.125 GiB of constants of its own, and 0.0625 GiB are allowed");
  });
});

describe("a file that is refused before anything is allocated", () => {
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
  it("expands a small image, or states a huge one", () => {
    expect(open([1, 3, 8, 8], ["n", 3, 8, 8]).classes).toBe(3);
    const refused = expect.objectContaining({ code: "bad-file" });
    expect(() => open([1, 3, 8192, 8192], ["n", 3, 1, 1])).toThrow(refused);
    expect(() => open([1, 3, 1, 1], ["n", 3, 2 ** 31, 2 ** 31])).toThrow(refused);
    expect(() => open([1, 3, 1, 1], [2 ** 31, 3, 8, 8])).toThrow("in batches of 2147483648");
  });
});
