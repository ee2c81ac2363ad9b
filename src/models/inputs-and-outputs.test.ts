import type { NodeProto } from "onnx-buf";
import { afterAll, describe, expect, it } from "vitest";
import {
  arrays,
  gemm,
  keys,
  opened,
  opening,
  release,
} from "../../test/fixtures/imported-fixture.ts";
import { type FixtureOptions, nodeOf, onnxFile } from "../../test/fixtures/model-fixture.ts";
import { readModel } from "../engine/onnx/model.ts";
import { nodeRuntime } from "../engine/runtime/node.ts";
import { tensor } from "../math/tensor.ts";
import { classifier } from "./classifier.ts";
import { type ImportedOptions, importedNetwork } from "./imported-network.ts";

const runtime = await nodeRuntime({ threads: 1 });
const open = opening(runtime);
afterAll(release);

describe("inputs besides the image", () => {
  const noise = readModel(
    onnxFile(
      [
        nodeOf("Gemm", ["x", "w"], ["z"], { transB: { int: 1 } }),
        nodeOf("Cast", ["training"], ["t"], { to: { int: 1 } }),
        nodeOf("Mul", ["z", "t"], ["doubled"]),
        nodeOf("Add", ["z", "doubled"], ["y"]),
      ],
      {
        inputs: { x: ["n", 4], training: [] },
        inputTypes: { training: "bool" },
        outputs: { y: ["n", 3], z: ["n", 3] },
        arrays,
      },
    ),
  );
  const logits = async (options: ImportedOptions) => {
    const victim = classifier(runtime, importedNetwork(noise, "fixture", options), {});
    opened.push(victim);
    return [...(await victim.logits(tensor([1, 4], [1, 2, 3, 4]), keys(1))).data];
  };

  it("are constants that must be given", async () => {
    expect(() => importedNetwork(noise, "fixture")).toThrow(
      "besides the image the file is fed training []; state each as a number: --constants training=0",
    );
    expect(await logits({ constants: { training: 0 } })).toEqual([-3, 4, 13]);
    expect(await logits({ constants: { training: 1 } })).toEqual([-6, 8, 26]);
  });

  it("have the batch as an open first length", async () => {
    const inputs = { x: ["n", 4], keep: ["n", 1], training: [1] };
    const { victim } = await open(
      [
        nodeOf("Mul", ["x", "keep"], ["kept"]),
        nodeOf("Cast", ["training"], ["t"], { to: { int: 1 } }),
        nodeOf("Concat", ["kept", "keep"], ["both"], { axis: { int: 1 } }),
        nodeOf("Add", ["both", "t"], ["z"]),
      ],
      { inputs, inputTypes: { training: "bool" }, outputs: { z: ["n", 5] } },
      { input: "x", constants: { keep: 2, training: 1 } },
    );
    const { data } = await victim.logits(tensor([2, 4], [1, 2, 3, 4, 5, 6, 7, 8]), keys(2));
    expect([...data]).toEqual([3, 5, 7, 9, 3, 11, 13, 15, 17, 3]);
  });

  it("that take integers refuse other numbers", () => {
    expect(() => importedNetwork(noise, "fixture", { constants: { training: 0.5 } })).toThrow(
      "input training takes true or false",
    );
  });

  it("are not needed if the chosen output does not depend on them", async () => {
    expect(await logits({ output: "z" })).toEqual([-3, 4, 13]);
  });

  it("that do not exist are refused", () => {
    expect(() => importedNetwork(noise, "fixture", { constants: { ratio: 0.5, x: 1 } })).toThrow(
      "no input ratio besides its image; its inputs are x [n, 4], training []",
    );
  });

  it("that could take the image must be told apart by --image-input", () => {
    const two = readModel(
      onnxFile([nodeOf("Sub", ["a", "b"], ["y"])], {
        inputs: { a: ["n", 4], b: ["n", 4] },
        outputs: { y: ["n", 4] },
      }),
    );
    expect(() => importedNetwork(two, "fixture")).toThrow(
      "2 inputs: a [n, 4], b [n, 4]; say which takes the image with --image-input",
    );
    expect(() => importedNetwork(two, "fixture", { input: "a" })).toThrow("--constants b=0");
    const { classes } = importedNetwork(two, "fixture", { input: "a", constants: { b: 0 } });
    expect(classes).toBe(4);
  });
});

describe("operators after the scores are not read:", () => {
  const inputs = { x: ["n", 4] };

  it("any value can be the output, even if later nodes are not supported", async () => {
    const nodes = [
      gemm,
      nodeOf("NonMaxSuppression", ["z", "z"], ["boxes"]),
      nodeOf("Identity", ["x"], ["h"]),
    ];
    const fixture = { inputs, outputs: { boxes: ["n", 3] } };
    await expect(open(nodes, fixture)).rejects.toThrow('with --output, for example "z"');
    const { network } = await open(nodes, fixture, { output: "z" });
    expect(network.classes).toBe(3);
  });

  it("a map of probabilities, as in files of Azure and scikit-learn, gives its scores", async () => {
    const zip = { domain: "ai.onnx.ml" };
    const { network } = await open(
      [
        nodeOf("Identity", ["x"], ["h"]),
        gemm,
        nodeOf("Softmax", ["z"], ["p"]),
        nodeOf("ZipMap", ["p"], ["maps"], {}, zip),
        nodeOf("LabelEncoder", ["p"], ["label"], {}, zip),
      ],
      { inputs, outputs: { maps: null } },
    );
    expect([network.classes, network.removed]).toEqual([3, ["Softmax"]]);
  });
});

describe("the output with the scores", () => {
  const int64 = (...values: number[]) =>
    ({ dtype: "int64", shape: [values.length], data: BigInt64Array.from(values, BigInt) }) as const;
  const read = (
    nodes: NodeProto[],
    inputs: FixtureOptions["inputs"],
    outputs: FixtureOptions["outputs"],
    options: ImportedOptions = {},
  ) => {
    const file = onnxFile(nodes, { inputs, outputs, arrays: { ...arrays, last: int64(1) } });
    return importedNetwork(readModel(file), "fixture", options);
  };
  const scores = nodeOf("Gemm", ["x", "w"], ["z"], { transB: { int: 1 } });
  // What a graph of TensorFlow ends with: the share of images whose class is that of the labels.
  const accuracy = [
    nodeOf("ArgMax", ["z"], ["decided"], { axis: { int: 1 } }),
    nodeOf("ArgMax", ["y_"], ["label"], { axis: { int: 1 } }),
    nodeOf("Equal", ["decided", "label"], ["right"]),
    nodeOf("Cast", ["right"], ["hits"], { to: { int: 1 } }),
    nodeOf("ReduceMean", ["hits"], ["accuracy"], { keepdims: { int: 0 } }),
  ];
  const trained = { x: ["n", 4], y_: ["n", 3] };

  it("is not an accuracy that comes before it, and needs no labels", () => {
    const { classes, inputShape } = read([scores, ...accuracy], trained, {
      accuracy: [],
      z: ["n", 3],
    });
    expect([classes, inputShape]).toEqual([3, [4]]);
  });

  it("is suggested if a file outputs only an accuracy", () => {
    const scaled = [
      nodeOf("Mul", ["x", "half"], ["35"]),
      nodeOf("Gemm", ["35", "w"], ["z"], { transB: { int: 1 } }),
    ];
    const file = onnxFile([...scaled, ...accuracy], {
      inputs: trained,
      outputs: { accuracy: [] },
      arrays: { ...arrays, half: tensor([1], [0.5]) },
    });
    expect(() => importedNetwork(readModel(file), "fixture")).toThrow(
      /accuracy is a single number for a whole batch.*: --output "z"$/,
    );
  });

  it.each([
    ["features and a map stand before it", { map: ["n", 2, 2, 3], z: ["n", 3] }],
    ["its class stands before it", { decided: ["n", 1], z: ["n", 3] }],
    ["a loss stands before it", { loss: [1], z: ["n", 3] }],
  ] as const)("is found where %s", (_, outputs) => {
    const nodes = [
      scores,
      nodeOf("ArgMax", ["z"], ["decided"], { axis: { int: 1 } }),
      nodeOf("ReduceMean", ["z"], ["loss"]),
      nodeOf("Tile", ["z", "tiles"], ["tiled"]),
      nodeOf("Reshape", ["tiled", "shape"], ["map"]),
    ];
    const file = onnxFile(nodes, {
      inputs: { x: ["n", 4] },
      outputs,
      arrays: { ...arrays, tiles: int64(1, 4), shape: int64(-1, 2, 2, 3) },
    });
    expect(importedNetwork(readModel(file), "fixture").classes).toBe(3);
  });

  it("is the one computed last among several plausible ones; the others are named", () => {
    const nodes = [
      scores,
      nodeOf("Relu", ["z"], ["features"]),
      nodeOf("Gemm", ["features", "v"], ["classes"]),
    ];
    const file = onnxFile(nodes, {
      inputs: { x: ["n", 4] },
      outputs: { features: ["n", 3], classes: ["n", 2] },
      arrays: { ...arrays, v: tensor([3, 2], [1, 2, 3, 4, 5, 6]) },
    });
    const { classes, notes } = importedNetwork(readModel(file), "fixture");
    expect(classes).toBe(2);
    expect(notes[0].text).toContain(
      "output classes [n, 2]; the file also has features [n, 3], which --output chooses",
    );
  });

  it("decides which inputs are needed", () => {
    const nodes = [scores, nodeOf("Sub", ["z", "target"], ["apart"])];
    const inputs = { target: ["n", 3], x: ["n", 4] };
    expect(read(nodes, inputs, { z: ["n", 3] }).inputShape).toEqual([4]);
    // `apart` is computed last: both inputs feed it, and which takes the image must be said.
    expect(() => read(nodes, inputs, { apart: ["n", 3], z: ["n", 3] })).toThrow(
      "2 inputs: target [n, 3], x [n, 4]; say which takes the image",
    );
  });

  it("of two inputs, the one with more axes takes the images", () => {
    const nodes = [
      nodeOf("GlobalAveragePool", ["x"], ["p"]),
      nodeOf("Flatten", ["p"], ["f"]),
      nodeOf("Add", ["f", "bias"], ["z"]),
    ];
    const inputs = { bias: ["n", 3], x: ["n", 3, 4, 4] };
    expect(() => read(nodes, inputs, { z: ["n", 3] })).toThrow("--constants bias=0");
    expect(read(nodes, inputs, { z: ["n", 3] }, { constants: { bias: 0 } }).inputShape).toEqual([
      3, 4, 4,
    ]);
  });
});

describe("an operator that is not supported", () => {
  const unknown = (from: string, to: string) => nodeOf("NonMaxSuppression", [from, from], [to]);
  const open = (nodes: NodeProto[]) => () =>
    importedNetwork(
      readModel(
        onnxFile(nodes, {
          inputs: { x: ["n", 4] },
          outputs: { y: ["n", 3] },
          arrays: { ...arrays, half: tensor([1], [0.5]) },
        }),
      ),
      "fixture",
    );

  it("before the first layer gets no suggestion", () => {
    const nodes = [
      nodeOf("Mul", ["x", "half"], ["35"]),
      unknown("35", "u"),
      nodeOf("Gemm", ["u", "w"], ["y"], { transB: { int: 1 } }),
    ];
    expect(open(nodes)).toThrow(
      /NonMaxSuppression.*: this operator is not supported; export the model without it$/,
    );
  });

  it("after the scores gets them as suggestions, the last ones first", () => {
    const nodes = [
      nodeOf("Gemm", ["x", "w"], ["z"], { transB: { int: 1 } }),
      nodeOf("Softmax", ["z"], ["p"]),
      nodeOf("Shape", ["p"], ["length"]),
      nodeOf("NonMaxSuppression", ["length", "p"], ["y"]),
    ];
    expect(open(nodes)).toThrow(
      /without it, or, if .* name an output before it with --output, for example "p" or "z"$/,
    );
  });
});
