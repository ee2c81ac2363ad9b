// Model-local functions: over 300 lines, since each test has its own small model.
import { create } from "@bufbuild/protobuf";
import { AttributeProtoSchema, type NodeProto, OperatorSetIdProtoSchema } from "onnx-buf";
import { describe, expect, it } from "vitest";
import {
  type FixtureOptions,
  graphAttribute,
  graphOf,
  nodeOf,
  onnxFile,
  reference,
} from "../../../../test/fixtures/model-fixture.ts";
import { lookUp } from "../../../math/look-up.ts";
import { type NdArray, tensor } from "../../../math/tensor.ts";
import * as g from "../../graph/expressions.ts";
import { interpret } from "../../graph/interpret.ts";
import type { Value } from "../../graph/value.ts";
import { readModel } from "../model.ts";
import { type AttributeValue, attributeProto } from "../protos.ts";
import { importGraph } from "./import-graph.ts";

const vector = tensor([4], [1, -2, 3, -4]);
const truth = (value: boolean): NdArray => ({
  dtype: "bool",
  shape: [],
  data: Uint8Array.of(value ? 1 : 0),
});
const whole = (value: number): NdArray => ({
  dtype: "int64",
  shape: [],
  data: BigInt64Array.of(BigInt(value)),
});

/** The output of a file with these functions for x. */
function run(
  nodes: NodeProto[],
  functions: NonNullable<FixtureOptions["functions"]>,
  options: Partial<FixtureOptions> = {},
  x = vector,
): number[] {
  const file = onnxFile(nodes, {
    inputs: { x: x.shape },
    outputs: { y: [] },
    functions,
    ...options,
  });
  const { outputs } = importGraph(readModel(file), { x: g.input("x", x.shape) });
  return [...interpret([outputs.y], { x })[0].data].map(Number);
}

const call = (
  name: string,
  input: string[],
  output: string[],
  more: Readonly<Record<string, AttributeValue>> = {},
  overload?: string,
) => nodeOf(name, input, output, more, { domain: "own", overload });

const version = (of: number, domain = "") =>
  create(OperatorSetIdProtoSchema, { domain, version: BigInt(of) });

/** y = LeakyRelu(a) whose slope is the function's attribute. */
const leaky = nodeOf("LeakyRelu", ["a"], ["r"], {}, { attribute: [reference("alpha", "slope")] });

describe("a function of a file", () => {
  it("has nodes without a domain, which is the standard domain", () => {
    const body = nodeOf("Relu", ["a"], ["b"]);
    expect(Object.hasOwn(body, "domain")).toBe(false);
    const functions = [{ name: "F", input: ["a"], output: ["b"], node: [body] }];
    expect(run([call("F", ["x"], ["y"])], functions)).toEqual([1, 0, 3, 0]);
  });

  it("is distinguished from its overloads", () => {
    const overload = (name: string, op: string) => ({
      name: "F",
      overload: name,
      input: ["a"],
      output: ["b"],
      node: [nodeOf(op, ["a"], ["b"])],
    });
    const functions = [overload("relu", "Relu"), overload("neg", "Neg"), overload("", "Abs")];
    const of = (name?: string) => run([call("F", ["x"], ["y"], {}, name)], functions);
    expect(of("relu")).toEqual([1, 0, 3, 0]);
    expect(of("neg")).toEqual([-1, 2, -3, 4]);
    expect(of()).toEqual([1, 2, 3, 4]);
    expect(() => of("tanh")).toThrow(expect.objectContaining({ code: "bad-file" }));
    expect(() => of("tanh")).toThrow('no overload "tanh" of this function, only "relu", "neg", ""');
  });

  it("is distinguished from a function of the same name in another domain", () => {
    const of = (domain: string, name: string, op: string) => ({
      domain,
      name,
      input: ["a"],
      output: ["b"],
      node: [nodeOf(op, ["a"], ["b"])],
    });
    const functions = [
      of("p:q", "r", "Relu"),
      of("p", "q:r", "Neg"),
      of("constructor", "toString", "Abs"),
    ];
    const result = (domain: string, name: string) =>
      run([nodeOf(name, ["x"], ["y"], {}, { domain })], functions);
    expect(result("p:q", "r")).toEqual([1, 0, 3, 0]);
    expect(result("p", "q:r")).toEqual([-1, 2, -3, 4]);
    expect(result("constructor", "toString")).toEqual([1, 2, 3, 4]);
  });

  it("takes an attribute of value 0 as 0", () => {
    const functions = [
      { name: "F", input: ["a"], output: ["r"], attribute: ["slope"], node: [leaky] },
    ];
    expect(run([call("F", ["x"], ["y"], { slope: { float: 0 } })], functions)).toEqual([
      1, 0, 3, 0,
    ]);
    // Encoders that omit zeros write only the name.
    const unset = create(AttributeProtoSchema, { name: "slope", type: 1 });
    const bare = nodeOf("F", ["x"], ["y"], {}, { domain: "own", attribute: [unset] });
    expect(run([bare], functions)).toEqual([1, 0, 3, 0]);
  });

  it("uses its own default for a missing attribute, else the operator's", () => {
    const stated = {
      name: "F",
      input: ["a"],
      output: ["r"],
      attributeProto: [attributeProto("slope", { float: 0.5 })],
      node: [leaky],
    };
    const bare = { name: "G", input: ["a"], output: ["r"], attribute: ["slope"], node: [leaky] };
    expect(run([call("F", ["x"], ["y"])], [stated])).toEqual([1, -1, 3, -2]);
    expect(run([call("F", ["x"], ["y"], { slope: { float: 2 } })], [stated])).toEqual([
      1, -4, 3, -8,
    ]);
    const found = run([call("G", ["x"], ["y"])], [bare]);
    expect(found[1]).toBeCloseTo(-0.02, 7);
  });

  describe("passes its attributes to the subgraphs of its body:", () => {
    const inner = (name: string) =>
      graphOf([leaky], { inputs: { [name]: [] }, outputs: { r: null } });
    const branch = graphOf([leaky], { inputs: {}, outputs: { r: null } });
    const slope = { slope: { float: 0.5 } };
    const of = (node: NodeProto[], output = "b") => [
      { name: "F", input: ["a", "yes"], output: [output], attribute: ["slope"], node },
    ];
    const given = { arrays: { yes: truth(true) } };

    it("If", () => {
      const choice = nodeOf(
        "If",
        ["yes"],
        ["b"],
        {},
        {
          attribute: [graphAttribute("then_branch", branch), graphAttribute("else_branch", branch)],
        },
      );
      expect(run([call("F", ["x", "yes"], ["y"], slope)], of([choice]), given)).toEqual([
        1, -1, 3, -2,
      ]);
    });

    it("Loop, within If", () => {
      const body = graphOf([leaky, nodeOf("Identity", ["go"], ["on"])], {
        inputs: { turn: [], go: [], a: [] },
        outputs: { on: null, r: null },
      });
      const loop = nodeOf(
        "Loop",
        ["two", "", "a"],
        ["r2"],
        {},
        { attribute: [graphAttribute("body", body)] },
      );
      const two = nodeOf("Constant", [], ["two"], { value_int: { int: 2 } });
      const outer = graphOf([two, loop], { inputs: {}, outputs: { r2: null } });
      const choice = nodeOf(
        "If",
        ["yes"],
        ["b"],
        {},
        {
          attribute: [graphAttribute("then_branch", outer), graphAttribute("else_branch", branch)],
        },
      );
      expect(run([call("F", ["x", "yes"], ["y"], slope)], of([choice]), given)).toEqual([
        1, -0.5, 3, -1,
      ]);
    });

    it("Scan", () => {
      const scan = nodeOf(
        "Scan",
        ["a"],
        ["b"],
        { num_scan_inputs: { int: 1 } },
        {
          attribute: [graphAttribute("body", inner("a"))],
        },
      );
      expect(run([call("F", ["x"], ["y"], slope)], of([scan]))).toEqual([1, -1, 3, -2]);
    });

    it("and to functions that a subgraph calls, under other names", () => {
      const deepest = {
        name: "G",
        input: ["a"],
        output: ["r"],
        attribute: ["slope"],
        node: [leaky],
      };
      const passed = nodeOf(
        "G",
        ["a"],
        ["r"],
        {},
        { domain: "own", attribute: [reference("slope", "steep")] },
      );
      const choice = nodeOf(
        "If",
        ["yes"],
        ["b"],
        {},
        {
          attribute: [
            graphAttribute("then_branch", graphOf([passed], { inputs: {}, outputs: { r: null } })),
            graphAttribute("else_branch", branch),
          ],
        },
      );
      const outer = {
        name: "F",
        input: ["a", "yes"],
        output: ["b"],
        attribute: ["steep"],
        node: [choice],
      };
      const calls = [call("F", ["x", "yes"], ["y"], { steep: { float: 0.5 } })];
      expect(run(calls, [outer, deepest], given)).toEqual([1, -1, 3, -2]);
    });
  });

  it("uses the operator sets that it states", () => {
    // In opset 12 the softmax is over all axes after the first, in opset 13 over the last.
    const node = [nodeOf("Softmax", ["a"], ["b"], { axis: { int: 1 } })];
    const body = { name: "F", input: ["a"], output: ["b"], node };
    const x = tensor([1, 2, 2], [0, 0, 0, 0]);
    const flat = run([call("F", ["x"], ["y"])], [{ ...body, opsetImport: [version(12)] }], {}, x);
    expect(flat).toEqual([0.25, 0.25, 0.25, 0.25]);
    const lines = run(
      [call("F", ["x"], ["y"])],
      [{ ...body, opsetImport: [version(13)] }],
      { opset: 12 },
      x,
    );
    expect(lines).toEqual([0.5, 0.5, 0.5, 0.5]);
    expect(run([call("F", ["x"], ["y"])], [body], { opset: 12 }, x)).toEqual(flat);
  });

  it("may leave out inputs and outputs, and cannot read the names of its caller", () => {
    const node = [
      nodeOf("Clip", ["a", "low", "high"], ["b"]),
      nodeOf("Neg", ["b"], ["x"]),
      nodeOf("NoSuch", ["b"], ["unread"]),
    ];
    const functions = [{ name: "F", input: ["a", "low", "high"], output: ["unread", "x"], node }];
    const arrays = { top: tensor([], [2]) };
    const two = [call("F", ["x", "", "top"], ["", "z"]), nodeOf("Add", ["z", "x"], ["y"])];
    expect(run(two, functions, { arrays })).toEqual([0, 0, 1, 0]);
    expect(run([call("F", ["x"], ["", "y"])], functions)).toEqual([-1, 2, -3, 4]);
  });

  it("cannot read names of the graph that calls it", () => {
    const functions = [
      { name: "F", input: ["a"], output: ["b"], node: [nodeOf("Add", ["a", "c"], ["b"])] },
    ];
    expect(() => run([call("F", ["x"], ["y"])], functions, { arrays: { c: vector } })).toThrow(
      "no node computes its input c; ",
    );
  });

  it("is refused if no node computes an output, or for a reference outside a function", () => {
    const empty = [{ name: "F", input: ["a"], output: ["b"], node: [nodeOf("Neg", ["a"], ["c"])] }];
    expect(() => run([call("F", ["x"], ["y"])], empty)).toThrow(
      "no node of the function's body computes its output b",
    );
    const lost = nodeOf(
      "LeakyRelu",
      ["x"],
      ["y"],
      {},
      { attribute: [reference("alpha", "slope")] },
    );
    expect(() => run([lost], [])).toThrow(
      "refers to attribute slope of a function, but is not in a function",
    );
  });
});

describe("a subgraph", () => {
  it("may reuse a name of the graph around it", () => {
    // The inner `t` is computed from x, the outer `t` from the output of If.
    const inside = graphOf([nodeOf("Neg", ["x"], ["t"]), nodeOf("Abs", ["t"], ["b"])], {
      inputs: {},
      outputs: { b: null },
    });
    const nodes = [
      nodeOf(
        "If",
        ["yes"],
        ["z"],
        {},
        {
          attribute: [graphAttribute("then_branch", inside), graphAttribute("else_branch", inside)],
        },
      ),
      nodeOf("Add", ["z", "z"], ["t"]),
      nodeOf("Identity", ["t"], ["y"]),
    ];
    expect(run(nodes, [], { arrays: { yes: truth(true), n: whole(1) } })).toEqual([2, 4, 6, 8]);
  });
});

describe("a name that every object inherits", () => {
  it.each(["toString", "constructor", "hasOwnProperty", "__proto__", "valueOf"])(
    "is neither an operator nor a domain: %s",
    (name) => {
      const operator = () => run([nodeOf(name, ["x"], ["y"])], []);
      expect(operator).toThrow(expect.objectContaining({ code: "bad-file" }));
      expect(operator).toThrow("this operator is not supported; export");
      const domain = () => run([nodeOf("call", ["x"], ["y"], {}, { domain: name })], []);
      expect(domain).toThrow(expect.objectContaining({ code: "bad-file" }));
      expect(domain).toThrow("this operator is not supported; export");
    },
  );

  it.each(["toString", "__proto__"])(
    "may be the name of an input, a value and an output: %s",
    (name) => {
      const file = onnxFile([nodeOf("Neg", [name], ["constructor"])], {
        inputs: JSON.parse(`{ ${JSON.stringify(name)}: [4] }`),
        outputs: { constructor: [4] },
      });
      const model = readModel(file);
      expect(() => importGraph(model, {})).toThrow("no value for the input");
      const inputs = Object.fromEntries([[name, g.input("x", [4])]]);
      const value = lookUp(importGraph(model, inputs).outputs, "constructor") as Value;
      expect([...interpret([value], { x: vector })[0].data]).toEqual([-1, 2, -3, 4]);
    },
  );
});
