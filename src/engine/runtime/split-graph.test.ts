import { describe, expect, it } from "vitest";
import { elementCount, type Shape, type Tensor, tensor } from "../../math/tensor.ts";
import { interpret } from "../graph/interpret.ts";
import { isLowered, type Lowered } from "../graph/lowered.ts";
import { add, input, mul, relu } from "../graph/ops.ts";
import { topological } from "../graph/value.ts";
import { conv } from "../graph/windows.ts";
import { builder } from "../lowering/builder.ts";
import { nodeRuntime } from "./node.ts";
import { constantsAsInputs, partition, splitGraph } from "./split-graph.ts";

const numbers = (shape: Shape, seed: number): Tensor =>
  tensor(
    shape,
    Float32Array.from({ length: elementCount(shape) }, (_, i) => Math.sin(seed + 7.3 * i * i)),
  );

describe("a program with inputs that stay", () => {
  const [x, w, s] = [
    input("x", [2, 16, 4, 4]),
    input("w", [16, 16, 3, 3]),
    input("s", [1, 16, 1, 1]),
  ];
  const y = relu(add(mul(conv(x, w, { pads: [1, 1, 1, 1] }), s), x));

  it("sees each of them change, and the others too", async () => {
    const runtime = await nodeRuntime({ threads: 1 });
    const program = await runtime.compile({ y }, { fixed: ["w", "s"] });
    const first = { x: numbers(x.shape, 1), w: numbers(w.shape, 2), s: numbers(s.shape, 3) };
    const feeds = [
      first,
      { ...first, x: numbers(x.shape, 4) },
      { ...first, w: numbers(w.shape, 5) },
      { ...first, s: numbers(s.shape, 6) },
      first,
    ];
    for (const fed of feeds) {
      const got = (await program.run(fed)).y.data as Float32Array;
      const expected = interpret([y], fed)[0].data as Float32Array;
      for (const [i, value] of expected.entries()) expect(got[i]).toBeCloseTo(value, 4);
    }
    await program.release();
  });
});

describe("a split graph", () => {
  const b = builder();
  const given = (name: string) => b.make("Input", [], { name }, "float32", [4]);
  const both = (op: "Add" | "Mul", p: Lowered, q: Lowered) =>
    b.make(op, [p, q], {}, "float32", [4]);
  const [p, v, w] = [given("p"), given("v"), given("w")];
  const kept = both("Mul", v, w);
  const outputs = { y: both("Add", both("Mul", p, kept), v), kept };
  const { prepared, main } = splitGraph(outputs, (name) => name !== "p");
  const inputsOf = (graph: Readonly<Record<string, Lowered>>) =>
    topological<Lowered>(Object.values(graph))
      .flatMap((node) => (isLowered(node, "Input") ? [node.attrs.name] : []))
      .sort();

  it("prepares what depends on inputs that stay, and nothing else", () => {
    expect(Object.values(prepared)).toEqual([kept]);
    expect(inputsOf(prepared)).toEqual(["v", "w"]);
  });

  it("takes it from there in the rest, also where it is an output", () => {
    expect(inputsOf(main({}))).toEqual(["p", Object.keys(prepared)[0], "v"]);
  });

  it("holds as a constant what is known for good", () => {
    const known = b.make("Constant", [], { array: numbers([4], 1) }, "float32", [4]);
    expect(inputsOf(main({ [Object.keys(prepared)[0]]: known }))).toEqual(["p", "v"]);
  });
});

describe("a graph in parts", () => {
  const b = builder();
  const given = (name: string) => b.make("Input", [], { name }, "float32", [2000]);
  const sum = (p: Lowered, q: Lowered) => b.make("Add", [p, q], {}, "float32", [2000]);
  const [p, q] = [given("p"), given("q")];
  const shared = sum(p, q);
  const whole = {
    first: sum(shared, p),
    alone: sum(q, q),
    other: sum(p, p),
    second: sum(shared, q),
  };

  it("keeps together what has a computation in common, and holds every output once", () => {
    const names = partition(whole, 1).map((part) => Object.keys(part).sort());
    expect(names).toContainEqual(["first", "second"]);
    expect(names.flat().sort()).toEqual(Object.keys(whole).sort());
    expect(names).toHaveLength(3);
  });

  it("joins small parts up to the bytes that were asked for", () => {
    expect(partition(whole, 2 * 8000).map((part) => Object.keys(part).length)).toEqual([2, 2]);
    expect(partition(whole, 1e9)).toEqual([expect.objectContaining(whole)]);
  });

  it("has large constants as inputs, and small ones as they were", () => {
    const large = numbers([2000], 1);
    const known = b.make("Constant", [], { array: large }, "float32", [2000]);
    const small = b.make("Constant", [], { array: numbers([1], 2) }, "float32", [1]);
    const y = b.make("Mul", [sum(known, p), small], {}, "float32", [2000]);
    const { graph, fed } = constantsAsInputs({ y });
    expect(Object.values(fed)).toEqual([large]);
    const leaves = topological<Lowered>([graph.y]).filter(({ inputs }) => inputs.length === 0);
    expect(leaves.map(({ op }) => op).sort()).toEqual(["Constant", "Input", "Input"]);
    const got = leaves.flatMap((node) => (isLowered(node, "Input") ? [node.attrs.name] : []));
    expect(got.sort()).toEqual([...Object.keys(fed), "p"].sort());
  });
});
