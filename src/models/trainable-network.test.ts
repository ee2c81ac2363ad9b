import { type NodeProto, TensorProto_DataType } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { nodeOf, onnxFile, tensorAttribute } from "../../test/fixtures/model-fixture.ts";
import { gradient } from "../engine/autodiff/gradient.ts";
import * as g from "../engine/graph/expressions.ts";
import { interpret } from "../engine/graph/interpret.ts";
import { type OnnxModel, readModel } from "../engine/onnx/model.ts";
import { type NdArray, tensor } from "../math/tensor.ts";
import type { Mode, Parameters } from "./architecture.ts";
import { importedNetwork } from "./imported-network.ts";
import { type TrainableOptions, trainableNetwork } from "./trainable-network.ts";

const values = (shape: readonly number[], seed = 1) =>
  tensor(
    shape,
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(seed + 1.7 * i)),
  );

const flat = { dtype: "int64", shape: [2], data: BigInt64Array.of(0n, -1n) } as const;

const declared = { inputs: { x: ["n", 1, 2, 2] }, outputs: { z: ["n", 3] } };

/** A file with nodes from `h` [n, 4] to `z` [n, 3]. */
const modelOf = (nodes: NodeProto[], arrays: Readonly<Record<string, NdArray>>): OnnxModel =>
  readModel(
    onnxFile([nodeOf("Reshape", ["x", "flat"], ["h"]), ...nodes], {
      ...declared,
      arrays: { flat, ...arrays },
    }),
  );

const trainableOf = (model: OnnxModel, options?: TrainableOptions) =>
  trainableNetwork(importedNetwork(model, "file.onnx"), options);

const initial = ({ parameters }: ReturnType<typeof trainableOf>): Parameters =>
  Object.fromEntries(parameters.map(({ name, init }) => [name, init([0, 0])]));

/** Names, and whether each is trained. */
const found = (nodes: NodeProto[], arrays: Readonly<Record<string, NdArray>>) =>
  Object.fromEntries(
    trainableOf(modelOf(nodes, arrays)).parameters.map(({ name, trainable }) => [name, trainable]),
  );

/** The logits and the gradients of Σ sin(logits) by all parameters. */
function slopes(
  network: ReturnType<typeof trainableOf>,
  parameters: Parameters,
  mode: Mode = "frozen",
) {
  const inputs = new Map(network.parameters.map((p) => [p.name, g.input(p.name, p.shape)]));
  const x = g.input("x", [2, 1, 2, 2]);
  const forward = (name: string) => inputs.get(name) ?? g.scalar(0);
  const { logits } = network.forward(x, forward, mode);
  const loss = g.sum(g.sin(logits));
  const feeds = Object.assign({ x: values([2, 1, 2, 2], 5) }, parameters);
  const [value, scores, ...gradients] = interpret(
    [loss, logits, ...gradient(loss, [...inputs.values()])],
    feeds,
  );
  return { loss: Number(value.data[0]), logits: scores, gradients };
}

describe("the parameters of a file", () => {
  it("are found in initializers, Constant nodes, behind Transpose, Cast and Identity, each once", () => {
    const held = [tensorAttribute("value", "", values([4, 3]))];
    const nodes = [
      nodeOf("Transpose", ["w"], ["wt"], { perm: { ints: [1, 0] } }),
      nodeOf("Identity", ["wt"], ["wi"]),
      nodeOf("MatMul", ["h", "wi"], ["a"]),
      nodeOf("Add", ["a", "b"], ["c"]),
      nodeOf("Cast", ["v"], ["vf"], { to: { int: TensorProto_DataType.FLOAT } }),
      nodeOf("Gemm", ["c", "vf", "b"], ["d"]),
      nodeOf("Constant", [], ["k"], {}, { attribute: held }),
      nodeOf("MatMul", ["d", "k"], ["e"]),
      nodeOf("Mul", ["e", "half"], ["z"]),
    ];
    const v = {
      dtype: "float64",
      shape: [4, 4],
      data: Float64Array.from(values([4, 4]).data),
    } as const;
    const arrays = { w: values([4, 4]), b: values([4]), v, half: tensor([], [0.5]) };
    const model = modelOf(nodes, arrays);
    const names = trainableOf(model).parameters.map(({ name }) => name);
    expect(names).toEqual(["file/w", "file/b", "file/v", "file/k"]);
  });

  it("leave out preprocessing before the first layer, single numbers, masks, and integers", () => {
    const nodes = [
      nodeOf("Sub", ["h", "mean"], ["a"]),
      nodeOf("Mul", ["a", "std"], ["b"]),
      nodeOf("MatMul", ["b", "w"], ["c"]),
      nodeOf("Add", ["c", "mask"], ["d"]),
      nodeOf("Mul", ["d", "half"], ["z"]),
    ];
    const arrays = {
      mean: values([4]),
      std: values([4]),
      w: values([4, 3]),
      mask: values([1, 3]),
      half: tensor([], [0.5]),
    };
    const shift = Object.assign({}, arrays, { mask: values([1, 3]) });
    expect(found(nodes, shift)).toEqual({ "file/w": true, "file/mask": true });
    // A file for one image: adding a matrix does not shift whole channels.
    const rows = [
      nodeOf("MatMul", ["h", "w"], ["c"]),
      nodeOf("Unsqueeze", ["c", "one"], ["d"]),
      nodeOf("Add", ["d", "mask"], ["e"]),
      nodeOf("ReduceSum", ["e", "one"], ["z"], { keepdims: { int: 0 } }),
    ];
    const one: NdArray = { dtype: "int64", shape: [1], data: BigInt64Array.of(1n) };
    expect(found(rows, { w: arrays.w, mask: values([1, 2, 3]), one })).toEqual({ "file/w": true });
  });

  it("have the gradients of finite differences", () => {
    const nodes = [
      nodeOf("Gemm", ["h", "w", "b"], ["a"], { transB: { int: 1 }, alpha: { float: 0.5 } }),
      nodeOf("LayerNormalization", ["a", "scale", "shift"], ["c"]),
      nodeOf("Tanh", ["c"], ["d"]),
      nodeOf("MatMul", ["d", "v"], ["z"]),
    ];
    const network = trainableOf(
      modelOf(nodes, {
        w: values([5, 4], 2),
        b: values([5], 3),
        scale: values([5], 4),
        shift: values([5], 6),
        v: values([5, 3], 7),
      }),
    );
    const parameters = initial(network);
    const { gradients } = slopes(network, parameters);
    network.parameters.forEach(({ name }, i) => {
      const at = (step: number) => {
        const data = parameters[name].data.slice();
        data[1] += step;
        const moved = { [name]: tensor(parameters[name].shape, data) };
        return slopes(network, Object.assign({}, parameters, moved)).loss;
      };
      expect(Number(gradients[i].data[1])).toBeCloseTo((at(0.01) - at(-0.01)) / 0.02, 2);
    });
  });

  it("leave the scores of the file as they are until they change", () => {
    const model = modelOf([nodeOf("MatMul", ["h", "w"], ["z"])], { w: values([4, 3]) });
    const x = g.input("x", [2, 1, 2, 2]);
    const feeds = { x: values([2, 1, 2, 2], 5) };
    const [scores] = interpret(
      [importedNetwork(model, "f").forward(x, () => x, "frozen").logits],
      feeds,
    );
    const network = trainableOf(model);
    expect(slopes(network, initial(network)).logits.data).toEqual(scores.data);
  });
});

describe("a batch normalisation", () => {
  const nodes = [
    nodeOf("BatchNormalization", ["x", "s", "t", "m", "v"], ["y"]),
    nodeOf("Reshape", ["y", "flat"], ["f"]),
    nodeOf("MatMul", ["f", "w"], ["z"]),
  ];
  const arrays = {
    s: tensor([1], [2]),
    t: tensor([1], [0.5]),
    m: tensor([1], [0.25]),
    v: tensor([1], [4]),
    w: values([4, 3]),
  };

  it("keeps its statistics while its scale and shift are trained", () => {
    expect(found(nodes, arrays)).toEqual({
      "file/s": true,
      "file/t": true,
      "file/m": false,
      "file/v": false,
      "file/w": true,
    });
    const network = trainableOf(modelOf(nodes, arrays));
    const [frozen, batch] = (["frozen", "batch"] as const).map((mode) =>
      slopes(network, initial(network), mode),
    );
    expect(batch.logits.data).toEqual(frozen.logits.data);
  });

  it("takes the batch's statistics on request, and blends them into the running ones", () => {
    const network = trainableOf(modelOf(nodes, arrays), { batchStatistics: true });
    const parameters = initial(network);
    const x = g.input("x", [2, 1, 2, 2]);
    const pass = network.forward(x, (name) => g.constant(parameters[name]), "batch");
    const data = values([2, 1, 2, 2], 5);
    const [mean, variance] = interpret([pass.statistics["file/m"], pass.statistics["file/v"]], {
      x: data,
    }).map((one) => Number(one.data[0]));
    const average = data.data.reduce((a, b) => a + b, 0) / 8;
    const spread = data.data.reduce((a, b) => a + (b - average) ** 2, 0) / 7;
    expect(mean).toBeCloseTo(0.9 * 0.25 + 0.1 * average, 6);
    expect(variance).toBeCloseTo(0.9 * 4 + 0.1 * spread, 6);
  });
});

describe("a file that cannot be trained", () => {
  it.each([
    [
      "without weights",
      [
        nodeOf("ReduceSum", ["h", "axis"], ["s"], { keepdims: { int: 1 } }),
        nodeOf("Concat", ["s", "s", "s"], ["z"], { axis: { int: 1 } }),
      ],
      /no trainable parameters/,
    ],
    [
      "that is quantised",
      [nodeOf("DequantizeLinear", ["q", "half"], ["w"]), nodeOf("MatMul", ["h", "w"], ["z"])],
      /quantised \(DequantizeLinear\)/,
    ],
  ])("%s is refused", (_, nodes, message) => {
    const q: NdArray = { dtype: "int32", shape: [4, 3], data: new Int32Array(12).fill(3) };
    const axis: NdArray = { dtype: "int64", shape: [1], data: BigInt64Array.of(1n) };
    const given = () => found(nodes, { q, axis, half: tensor([], [0.5]) });
    expect(given).toThrow(message);
    expect(given).toThrow(expect.objectContaining({ name: "UsageError", code: "misfit" }));
  });
});
