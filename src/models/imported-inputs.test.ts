import { afterAll, describe, expect, it } from "vitest";
import { tensor } from "../math/tensor.ts";
import { readModel } from "../onnx/model.ts";
import { nodeOf, onnxFile } from "../onnx/model-fixture.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { classifier } from "./classifier.ts";
import { type ImportedOptions, importedNetwork } from "./imported.ts";
import { arrays, gemm, keys, opened, opening, release } from "./imported-fixture.ts";

const runtime = await nodeRuntime({ threads: 1 });
const open = opening(runtime);
afterAll(release);

describe("inputs besides the picture", () => {
  const noise = readModel(
    onnxFile(
      [
        nodeOf("Gemm", ["x", "w"], ["z"], { transB: { int: 1 } }),
        nodeOf("Cast", ["training"], ["t"], { to: { int: 1 } }),
        nodeOf("Mul", ["z", "t"], ["doubled"]),
        nodeOf("Add", ["z", "doubled"], ["y"]),
      ],
      {
        ...{ inputs: { x: ["n", 4], training: [] }, inputTypes: { training: "bool" } },
        ...{ outputs: { y: ["n", 3], z: ["n", 3] }, arrays },
      },
    ),
  );
  const logits = async (options: ImportedOptions) => {
    const victim = classifier(runtime, importedNetwork(noise, "fixture", options), {});
    opened.push(victim);
    return [...(await victim.logits(tensor([1, 4], [1, 2, 3, 4]), keys(1))).data];
  };

  it("are constants that must be stated", async () => {
    expect(() => importedNetwork(noise, "fixture")).toThrow(
      "besides the picture the file is fed training []; state each as a number: --constants training=0",
    );
    expect(await logits({ constants: { training: 0 } })).toEqual([-3, 4, 13]);
    expect(await logits({ constants: { training: 1 } })).toEqual([-6, 8, 26]);
  });

  it("have an open first length that is the batch", async () => {
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

  it("that take whole numbers are fed no others", () => {
    expect(() => importedNetwork(noise, "fixture", { constants: { training: 0.5 } })).toThrow(
      "input training takes true or false",
    );
  });

  it("need no statement where the chosen output does not depend on them", async () => {
    expect(await logits({ output: "z" })).toEqual([-3, 4, 13]);
  });

  it("that the file does not have are refused", () => {
    expect(() => importedNetwork(noise, "fixture", { constants: { ratio: 0.5, x: 1 } })).toThrow(
      "no input ratio besides its picture; its inputs are x [n, 4], training []",
    );
  });

  it("of the same kind as the picture: which one takes it must be said", () => {
    const two = readModel(
      onnxFile([nodeOf("Sub", ["a", "b"], ["y"])], {
        ...{ inputs: { a: ["n", 4], b: ["n", 4] }, outputs: { y: ["n", 4] } },
      }),
    );
    expect(() => importedNetwork(two, "fixture")).toThrow(
      "2 inputs: a [n, 4], b [n, 4]; say which takes the picture with --picture-input",
    );
    expect(() => importedNetwork(two, "fixture", { input: "a" })).toThrow("--constants b=0");
    const { classes } = importedNetwork(two, "fixture", { input: "a", constants: { b: 0 } });
    expect(classes).toBe(4);
  });
});

describe("what comes after the scores is not read:", () => {
  const inputs = { x: ["n", 4] };

  it("any value of the file can be the output, whatever else its nodes are", async () => {
    const nodes = [
      gemm,
      nodeOf("NonMaxSuppression", ["z", "z"], ["boxes"]),
      nodeOf("Identity", ["x"], ["h"]),
    ];
    const fixture = { inputs, outputs: { boxes: ["n", 3] } };
    await expect(open(nodes, fixture)).rejects.toThrow('by --output, for example "z"');
    const { network } = await open(nodes, fixture, { output: "z" });
    expect(network.classes).toBe(3);
  });

  it("maps of probabilities, with which Azure's and scikit-learn's files end, are the scores in them", async () => {
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
