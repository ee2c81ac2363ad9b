import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { nodeOf } from "../../../../test/fixtures/model-fixture.ts";
import { numbersOf } from "../../../../test/fixtures/run-fixture.ts";
import { elementCount, type NdArray, type Shape, tensor } from "../../../math/tensor.ts";
import type { AttributeValue } from "../protos.ts";
import { importers } from "./importers.ts";
import { limitations, unsupported } from "./unsupported.ts";

const page = readFileSync(join(import.meta.dirname, "../../../../docs/operators.md"), "utf8");
const [table, refused] = page.split("## Unsupported operators");
const rowsOf = (text: string): string[][] =>
  text
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => line.split("|").map((cell) => cell.trim().replaceAll("`", "")));

/** Every operator with an importer, by its name on the page. */
const read = Object.entries(importers).flatMap(([domain, operators]) =>
  Object.keys(operators).map((op) => (domain === "" ? op : `${domain}.${op}`)),
);

describe("docs/operators.md", () => {
  it("lists all importers, and nothing else", () => {
    expect(
      rowsOf(table)
        .map(([, name]) => name)
        .toSorted(),
    ).toEqual(read.toSorted());
  });

  it("states all limitations, and no others", () => {
    const stated = rowsOf(table).flatMap(([, name, how]) =>
      how === "yes" ? [] : [[name, how.replace("yes: ", "")]],
    );
    expect(Object.fromEntries(stated)).toEqual(limitations);
  });

  it("lists unsupported operators with their reasons", () => {
    expect(Object.fromEntries(rowsOf(refused).map(([, name, why]) => [name, why]))).toEqual(
      unsupported,
    );
  });

  it("lists no operator twice", () => {
    expect(Object.keys(unsupported).filter((op) => Object.hasOwn(importers[""], op))).toEqual([]);
  });
});

it.each(Object.keys(unsupported))("%s is refused by name", (op) => {
  const x = tensor([1, 2], [1, 2]);
  expect(() => numbersOf([nodeOf(op, ["x"], ["y"])], { x })).toThrow(
    new RegExp(`${op}.*is not supported`),
  );
});

const whole = (shape: Shape, values: readonly number[]): NdArray => ({
  dtype: "int64",
  shape,
  data: BigInt64Array.from(values, BigInt),
});
const filled = (shape: Shape): NdArray =>
  tensor(shape, new Array<number>(elementCount(shape)).fill(0.5));

interface Limit {
  readonly op: string;
  readonly x: NdArray;
  readonly arrays?: Readonly<Record<string, NdArray>>;
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  readonly inputs?: string[];
  readonly domain?: string;
  readonly says: string;
}

const cube = filled([1, 2, 2, 2, 2]);
const indices = { i: whole([1, 2], [0, 0]), u: filled([1, 2]) };
const multiplied = { reduction: { string: "mul" } };
const bits = (op: string, attributes: Limit["attributes"] = {}): Limit => ({
  op,
  x: whole([1], [3]),
  arrays: { n: whole([1], [1]) },
  attributes,
  says: "64-bit",
});

const beyond: Readonly<Record<string, Limit>> = {
  AffineGrid: {
    op: "AffineGrid",
    x: filled([1, 3, 4]),
    arrays: { s: whole([5], [1, 1, 2, 2, 2]) },
    says: "3 spatial axes are not supported, only 2",
  },
  BitShift: bits("BitShift", { direction: { string: "LEFT" } }),
  BitwiseAnd: bits("BitwiseAnd"),
  BitwiseOr: bits("BitwiseOr"),
  BitwiseXor: bits("BitwiseXor"),
  ConvTranspose: {
    op: "ConvTranspose",
    x: cube,
    arrays: { w: filled([2, 1, 1, 1, 1]) },
    says: "3 spatial axes are not supported, only 1 or 2",
  },
  GridSample: {
    op: "GridSample",
    x: cube,
    arrays: { g: filled([1, 1, 1, 1, 3]) },
    says: "3 spatial axes are not supported, only 2",
  },
  MaxPool: {
    op: "MaxPool",
    x: cube,
    attributes: { kernel_shape: { ints: [1, 1, 1] }, storage_order: { int: 1 } },
    says: "over 3 spatial axes are not supported, only over 2",
  },
  NonZero: { op: "NonZero", x: filled([2]), says: "depends on the inputs of the model" },
  ScatterElements: {
    op: "ScatterElements",
    x: filled([1, 2]),
    arrays: indices,
    attributes: multiplied,
    says: "mul is not supported, only none and add",
  },
  ScatterND: {
    op: "ScatterND",
    x: filled([2, 2]),
    arrays: { i: whole([1, 1], [0]), u: filled([1, 2]) },
    attributes: multiplied,
    says: "mul is not supported, only none and add",
  },
  "com.microsoft.Attention": {
    op: "Attention",
    x: filled([1, 2, 2]),
    arrays: { w: filled([2, 6]) },
    attributes: { do_rotary: { int: 1 } },
    domain: "com.microsoft",
    says: "shared buffer",
  },
  "com.microsoft.RotaryEmbedding": {
    op: "RotaryEmbedding",
    x: filled([1, 2, 2]),
    attributes: { is_packed_batching: { int: 1 } },
    domain: "com.microsoft",
    says: "packed batches",
  },
  "qonnx.custom_op.general.FloatQuant": {
    op: "FloatQuant",
    x: filled([2]),
    arrays: { s: filled([]), e: filled([]), m: filled([]), b: filled([]) },
    attributes: { saturation: { int: 0 } },
    domain: "qonnx.custom_op.general",
    says: "saturation 0 is not supported",
  },
};

describe("a file beyond a limitation is refused:", () => {
  it.each(Object.entries(beyond))("%s", (name, limit) => {
    expect(limitations[name]).toBeDefined();
    const { op, x, arrays = {}, attributes = {}, domain = "", says } = limit;
    const outputs = op === "MaxPool" ? ["v", "y"] : ["y"];
    const node = nodeOf(op, ["x", ...Object.keys(arrays)], outputs, attributes, { domain });
    expect(() => numbersOf([node], { x }, { arrays, opset: 20 })).toThrow(says);
  });
});
