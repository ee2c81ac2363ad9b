import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type NodeProto,
  SparseTensorProtoSchema,
} from "onnx-buf";
import { describe, expect, it } from "vitest";
import {
  type FixtureOptions,
  graphOf,
  nodeOf,
  onnxFile,
} from "../../../../test/fixtures/model-fixture.ts";
import { type NdArray, tensor } from "../../../math/tensor.ts";
import { UsageError } from "../../../math/usage-error.ts";
import * as g from "../../graph/expressions.ts";
import { interpret } from "../../graph/interpret.ts";
import { readModel } from "../model.ts";
import { tensorProto } from "../protos.ts";
import { importGraph } from "./import-graph.ts";

const int64 = (values: readonly number[]): NdArray => ({
  dtype: "int64",
  shape: [values.length],
  data: BigInt64Array.from(values, BigInt),
});
const flag = (value: boolean): NdArray => ({
  dtype: "bool",
  shape: [],
  data: Uint8Array.of(value ? 1 : 0),
});

/** The numbers that a file computes from x. */
function run(nodes: NodeProto[], x: NdArray, options: Partial<FixtureOptions> = {}): number[] {
  const file = onnxFile(nodes, { inputs: { x: x.shape }, outputs: { y: [] }, ...options });
  const { outputs } = importGraph(readModel(file), { x: g.input("x", x.shape, x.dtype) });
  return [...interpret([outputs.y], { x })[0].data].map(Number);
}

const vector = tensor([4], [1, -2, 3, -4]);
const branch = (name: string, op: string): AttributeProto =>
  create(AttributeProtoSchema, {
    name,
    type: AttributeProto_AttributeType.GRAPH,
    g: graphOf([nodeOf(op, ["x"], [name])], { inputs: {}, outputs: { [name]: [] } }),
  });

describe("an imported file", () => {
  it("has its shape arithmetic folded", () => {
    const nodes = [
      nodeOf("Shape", ["x"], ["s"]),
      nodeOf("Gather", ["s", "zero"], ["n"], { axis: { int: 0 } }),
      nodeOf("Div", ["n", "two"], ["half"]),
      nodeOf("Concat", ["two", "half"], ["shape"], { axis: { int: 0 } }),
      nodeOf("Reshape", ["x", "shape"], ["pairs"]),
      nodeOf("ReduceSum", ["pairs", "zero"], ["y"]),
    ];
    const arrays = { zero: int64([0]), two: int64([2]) };
    expect(run(nodes, vector, { arrays })).toEqual([4, -6]);
  });

  it("has only the branch that a constant condition chooses", () => {
    const choose = (value: boolean) => {
      const attribute = [branch("then_branch", "Neg"), branch("else_branch", "NoSuchOperator")];
      const node = nodeOf("If", ["c"], ["y"], {}, { attribute });
      return run([node], vector, { arrays: { c: flag(value) } });
    };
    expect(choose(true)).toEqual([-1, 2, -3, 4]);
    expect(() => choose(false)).toThrow("NoSuchOperator");
  });

  it("has its loops unrolled, with their scan outputs in order", () => {
    const body = graphOf(
      [
        nodeOf("Cast", ["turn"], ["t"], { to: { int: 1 } }),
        nodeOf("Add", ["before", "t"], ["after"]),
        nodeOf("Less", ["turn", "two"], ["on"]),
        nodeOf("Mul", ["after", "x"], ["each"]),
      ],
      { inputs: { turn: [], going: [], before: [4] }, outputs: { on: [], after: [4], each: [4] } },
    );
    const attribute = [
      create(AttributeProtoSchema, {
        name: "body",
        type: AttributeProto_AttributeType.GRAPH,
        g: body,
      }),
    ];
    const node = nodeOf("Loop", ["many", "", "x"], ["last", "y"], {}, { attribute });
    const arrays = { many: int64([9]), two: int64([2]) };
    // Iterations 0, 1 and 2: x, x + 1, x + 1 + 2, each times x.
    expect(run([node], vector, { arrays })).toEqual([1, 4, 9, 16, 2, 2, 12, 12, 4, -2, 18, 4]);
    const open = nodeOf("ReduceSum", ["x"], ["s"], { keepdims: { int: 0 } });
    const endless = nodeOf("Loop", ["n", "", "x"], ["last", "y"], {}, { attribute });
    const turns = [open, nodeOf("Cast", ["s"], ["n"], { to: { int: 7 } }), endless];
    expect(() => run(turns, vector, { arrays })).toThrow("depends on the inputs of the model");
  });

  it("has a scan with one iteration per slice, in either direction", () => {
    const body = graphOf(
      [nodeOf("Add", ["sum", "slice"], ["next"]), nodeOf("Identity", ["next"], ["seen"])],
      {
        inputs: { sum: [], slice: [] },
        outputs: { next: [], seen: [] },
      },
    );
    const attribute = [
      create(AttributeProtoSchema, {
        name: "body",
        type: AttributeProto_AttributeType.GRAPH,
        g: body,
      }),
    ];
    const backwards = { num_scan_inputs: { int: 1 }, scan_input_directions: { ints: [1] } };
    const node = nodeOf("Scan", ["start", "x"], ["last", "y"], backwards, { attribute });
    expect(run([node], vector, { arrays: { start: tensor([], [10]) } })).toEqual([6, 9, 7, 8]);
  });

  it("has its sequences resolved", () => {
    const nodes = [
      nodeOf("SplitToSequence", ["x"], ["parts"], { keepdims: { int: 0 } }),
      nodeOf("SequenceAt", ["parts", "last"], ["d"]),
      nodeOf("SequenceErase", ["parts", "zero"], ["less"]),
      nodeOf("SequenceInsert", ["less", "d", "zero"], ["more"]),
      nodeOf("ConcatFromSequence", ["more"], ["y"], { axis: { int: 0 }, new_axis: { int: 1 } }),
    ];
    const whole = (value: number) => ({ ...int64([value]), shape: [] });
    const arrays = { zero: whole(0), last: whole(-1) };
    expect(run(nodes, vector, { arrays })).toEqual([-4, -2, 3, -4]);
  });

  it("has its sparse tensors decoded to dense arrays", () => {
    const model = readModel(
      onnxFile([nodeOf("Add", ["x", "b"], ["y"])], { inputs: { x: [2, 2] }, outputs: { y: [] } }),
    );
    const sparse = (at: NdArray) =>
      create(SparseTensorProtoSchema, {
        values: tensorProto("b", tensor([2], [5, 7])),
        dims: [2n, 2n],
        indices: tensorProto("", at),
      });
    const read = (at: NdArray) => {
      model.graph.sparseInitializer = [sparse(at)];
      const { y } = importGraph(model, { x: g.constant(tensor([2, 2], [1, 2, 3, 4])) }).outputs;
      return [...interpret([y])[0].data];
    };
    expect(read(int64([0, 3]))).toEqual([6, 2, 3, 11]);
    expect(read({ ...int64([0, 1, 1, 0]), shape: [2, 2] })).toEqual([1, 7, 10, 4]);
    expect(() => read(int64([0, 4]))).toThrow("has the index 4, but only 4 elements");
  });

  it("has functions inlined, with the attributes of the caller", () => {
    const slope = create(AttributeProtoSchema, { name: "alpha", refAttrName: "slope" });
    const body = [
      nodeOf("LeakyRelu", ["a"], ["b"], {}, { attribute: [slope] }),
      nodeOf("Neg", ["b"], ["c"]),
    ];
    const functions = [
      { name: "Twist", input: ["a"], output: ["c"], attribute: ["slope"], node: body },
    ];
    const call = nodeOf("Twist", ["x"], ["y"], { slope: { float: 0.5 } }, { domain: "own" });
    expect(run([call], vector, { functions })).toEqual([-1, 1, -3, 2]);
  });

  it("may have its nodes in any order", () => {
    const nodes = [nodeOf("Neg", ["a"], ["y"]), nodeOf("Abs", ["x"], ["a"])];
    expect(run(nodes, vector)).toEqual([-1, -2, -3, -4]);
  });

  it("aligns an operand at an axis before opset 7", () => {
    const node = nodeOf("Add", ["x", "b"], ["y"], { broadcast: { int: 1 }, axis: { int: 0 } });
    const arrays = { b: tensor([2], [10, 20]) };
    expect(run([node], tensor([2, 2], [1, 2, 3, 4]), { arrays, opset: 6 })).toEqual([
      11, 12, 23, 24,
    ]);
  });

  it("has a note about the zero or straight-through gradient of rounding", () => {
    const file = onnxFile([nodeOf("Round", ["x"], ["y"])], {
      inputs: { x: [4] },
      outputs: { y: [4] },
    });
    const x = g.input("x", [4]);
    const plain = importGraph(readModel(file), { x });
    expect(plain.notes.map(({ code }) => code)).toEqual(["zero-gradient"]);
    expect(plain.outputs.y.op).toBe("Round");
    const through = importGraph(readModel(file), { x }, { straightThrough: true });
    expect(through.outputs.y.op).toBe("StraightThrough");
    expect(through.notes.map(({ code }) => code)).toEqual(["straight-through"]);
  });
});

describe("is refused with the name of the node and the reason:", () => {
  const cases: [string, NodeProto[], string][] = [
    ["an unknown operator", [nodeOf("Det", ["x"], ["y"])], 'node "Det of y" (Det, opset 17)'],
    [
      "a missing input",
      [nodeOf("Add", ["x", "nowhere"], ["y"])],
      "no node computes its input nowhere",
    ],
    [
      "a cycle",
      [nodeOf("Add", ["x", "b"], ["a"]), nodeOf("Neg", ["a"], ["b"]), nodeOf("Abs", ["b"], ["y"])],
      "depends on its own output",
    ],
    [
      "a node that reads its own output",
      [nodeOf("Add", ["x", "y"], ["y"])],
      "depends on its own output",
    ],
    [
      "two nodes with the same output",
      [nodeOf("Neg", ["x"], ["y"]), nodeOf("Abs", ["x"], ["y"])],
      'two nodes compute "y"',
    ],
    [
      "an output that no node computes",
      [nodeOf("Neg", ["x"], ["z"])],
      "no node computes the output y",
    ],
    [
      "shapes that do not fit",
      [nodeOf("MatMul", ["x", "m"], ["y"])],
      "cannot multiply matrices [1, 4] and [3, 3]",
    ],
    [
      "a shape that depends on the image",
      [nodeOf("Cast", ["x"], ["s"], { to: { int: 7 } }), nodeOf("Reshape", ["x", "s"], ["y"])],
      "depends on the inputs of the model",
    ],
    ["a huge array", [nodeOf("ConstantOfShape", ["huge"], ["y"])], "exceeds the limit of"],
    [
      "an axis that does not exist",
      [nodeOf("Softmax", ["x"], ["y"], { axis: { int: 5 } })],
      "axis 5",
    ],
  ];
  it.each(cases)("%s", (_, nodes, message) => {
    const arrays = { m: tensor([3, 3]), huge: int64([1e6, 1e6, 1e6]) };
    const attempt = () => run(nodes, vector, { arrays });
    expect(attempt).toThrow(expect.objectContaining({ code: "bad-file" }));
    expect(attempt).toThrow(message);
  });

  it("a function that calls itself", () => {
    const call = nodeOf("Again", ["x"], ["y"], {}, { domain: "own" });
    const functions = [{ name: "Again", input: ["x"], output: ["y"], node: [call] }];
    expect(() => run([call], vector, { functions })).toThrow("recursive");
  });

  it("bytes that are not an ONNX file", () => {
    expect(() => readModel(new TextEncoder().encode("not an ONNX file"))).toThrow(
      expect.objectContaining({ code: "bad-file" }),
    );
    expect(() => readModel(new Uint8Array())).toThrow("the file has no graph");
  });
});

describe("a damaged file", () => {
  const nodes = [
    nodeOf("Gemm", ["x", "w", "b"], ["h"], { transB: { int: 1 } }),
    nodeOf("Relu", ["h"], ["r"]),
    nodeOf("Reshape", ["r", "s"], ["y"]),
  ];
  const arrays = { w: tensor([3, 4]), b: tensor([3]), s: int64([1, 3]) };
  const good = onnxFile(nodes, { inputs: { x: [1, 4] }, outputs: { y: [1, 3] }, arrays });
  const attempt = (bytes: Uint8Array): void => {
    try {
      const model = readModel(bytes);
      const inputs = model.inputs.map(({ name, dtype }) => [name, g.input(name, [1, 4], dtype)]);
      importGraph(model, Object.fromEntries(inputs));
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
    }
  };

  it("is read or refused with a message for every flipped bit", () => {
    const flips = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(7)), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(flips, (places) => {
        const bytes = good.slice();
        for (const [at, bit] of places) bytes[at] ^= 1 << bit;
        attempt(bytes);
      }),
      { numRuns: process.env.SLOW === "1" ? 10_000 : 1000, seed: 5 },
    );
  });

  it("is refused with a message at every cut", () => {
    for (let length = 0; length < good.length; length++) attempt(good.slice(0, length));
  });
});
