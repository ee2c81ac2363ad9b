import { describe, expect, it } from "vitest";
import { type NdArray, tensor } from "../../math/tensor.ts";
import type { Lowered } from "../graph/lowered.ts";
import { add, constant, input, mul, relu } from "../graph/ops.ts";
import type { Value } from "../graph/value.ts";
import { conv } from "../graph/windows.ts";
import { builder } from "../lowering/builder.ts";
import { compiler } from "./compiler.ts";
import { plainLowering } from "./lowerings.ts";
import { computationKey, PreparedArrays } from "./prepared-arrays.ts";
import type { LoweredGraph, Session } from "./session.ts";

const filled = (length: number, value: number): NdArray =>
  tensor([length], new Float32Array(length).fill(value));

describe("the key of a computation", () => {
  const key = (array: NdArray, low: number, shape = array.shape): string => {
    const b = builder(0);
    const x = b.make("Constant", [], { array }, array.dtype, array.shape);
    const y = b.make("Clip", [x], { low, high: Number.POSITIVE_INFINITY }, "float32", array.shape);
    return computationKey(b.make("Reshape", [y], { shape }, "float32", shape));
  };
  const large = filled(5000, 1);

  it("is the same in two graphs, for equal short arrays and the same long one", () => {
    expect(key(filled(4, 2), 0)).toBe(key(filled(4, 2), 0));
    expect(key(large, 0)).toBe(key(large, 0));
    expect(key({ ...large, shape: [5000] }, 0)).toBe(key(large, 0));
  });

  it.each([
    ["other numbers", key(filled(4, 2), 0), key(filled(4, 3), 0)],
    ["−0", key(filled(4, 0), 0), key(filled(4, -0), 0)],
    ["another long array", key(large, 0), key(filled(5000, 1), 0)],
    ["another attribute", key(large, 0), key(large, Number.NEGATIVE_INFINITY)],
    ["NaN instead of an infinity", key(large, Number.NaN), key(large, Number.NEGATIVE_INFINITY)],
    ["another shape", key(large, 0), key(large, 0, [50, 100])],
  ])("differs for %s", (_, one, other) => {
    expect(one).not.toBe(other);
  });
});

describe("prepared arrays", () => {
  it("are held by as many programs as use them", () => {
    const shared = new PreparedArrays();
    const [first, second] = [shared.use(), shared.use()];
    const array = filled(4, 1);
    expect(first.find("k")).toBeUndefined();
    expect(first.add("k", array)).toBe(array);
    expect(second.add("k", filled(4, 1))).toBe(array);
    expect(second.find("k")).toBe(array);
    first.release();
    expect(shared.size).toBe(1);
    second.release();
    second.release();
    expect(shared.size).toBe(0);
  });
});

describe("programs of one compiler", () => {
  /** Counts sessions and the arrays that they are fed; computes nothing. */
  function countingEngine() {
    const opened: string[][] = [];
    return {
      opened,
      engine: {
        async open(bytes: Uint8Array): Promise<Session<NdArray>> {
          // Names of prepared outputs are numbers; the main program's output is y.
          const text = new TextDecoder("latin1").decode(bytes);
          const names = [...text.matchAll(/output:(\w+)/g)].map(([, name]) => name);
          opened.push([...new Set(names)]);
          return {
            inputNames: [],
            run: async () =>
              Object.fromEntries(
                names.map((name) => [
                  `output:${name}`,
                  { type: "float32", dims: [5000], data: new Float32Array(5000) },
                ]),
              ),
            release: async () => undefined,
          };
        },
        toTensor: (array: NdArray) => array,
      },
    };
  }

  it("prepare equal arrays once, whatever their batch", async () => {
    const { engine, opened } = countingEngine();
    const shared = new PreparedArrays();
    const compile = compiler(engine, { ...plainLowering, prepares: true, lower }, shared);
    const w = constant(tensor([8, 8, 9, 9]));
    const scale = constant(tensor([8, 1, 1, 1]));
    const graph = (batch: number) => {
      // Equal products, but two nodes.
      const [first, second] = [mul(w, scale), mul(w, constant(tensor([8, 1, 1, 1])))];
      const x = input("x", [batch, 8, 9, 9]);
      return { y: add(relu(conv(x, first)), conv(x, second)) };
    };
    const [one, two] = [await compile(graph(1)), await compile(graph(2))];
    // One program prepares, and one runs, per batch.
    expect(opened).toEqual([["0"], ["y"], ["y"]]);
    expect(shared.size).toBe(1);
    await one.release();
    await two.release();
    expect(shared.size).toBe(0);
  });

  /** As the plain lowering, but it leaves products of constants to the runtime. */
  function lower(outputs: Readonly<Record<string, Value>>): LoweredGraph {
    const b = builder(0);
    const made = new Map<object, Lowered>();
    const visit = (value: Value): Lowered => {
      const found = made.get(value);
      if (found !== undefined) return found;
      const inputs = value.inputs.map(visit);
      const node = b.make(
        value.op as "Mul",
        inputs,
        value.attrs as never,
        value.dtype,
        value.shape,
      );
      made.set(value, node);
      return node;
    };
    return Object.fromEntries(Object.entries(outputs).map(([name, y]) => [name, visit(y)]));
  }
});
