import { afterAll, describe, expect, it } from "vitest";
import {
  head,
  keys,
  numbers,
  opened,
  opening,
  release,
} from "../../test/fixtures/imported-fixture.ts";
import { nodeOf, onnxFile } from "../../test/fixtures/model-fixture.ts";
import { readModel } from "../engine/onnx/model.ts";
import { nodeRuntime } from "../engine/runtime/node.ts";
import { tensor } from "../math/tensor.ts";
import { classifier } from "./classifier.ts";
import { importedNetwork } from "./imported-network.ts";

const runtime = await nodeRuntime({ threads: 1 });
const open = opening(runtime);
afterAll(release);

describe("a file that takes bytes", () => {
  // What mobile and TensorFlow exports begin with: bytes [0, 255], channels last, scaled inside.
  const file = onnxFile(
    [
      nodeOf("Cast", ["x"], ["f"], { to: { int: 1 } }),
      nodeOf("Mul", ["f", "s"], ["scaled"]),
      nodeOf("Mul", ["scaled", "scaled"], ["squares"]),
      nodeOf("ReduceSum", ["squares", "axes"], ["y"], { keepdims: { int: 0 } }),
    ],
    {
      inputs: { x: ["n", 6, 5, 3] },
      inputTypes: { x: "uint8" },
      outputs: { y: ["n", 3] },
      arrays: {
        s: tensor([], [1 / 255]),
        axes: { dtype: "int64", shape: [2], data: BigInt64Array.of(1n, 2n) },
      },
    },
  );

  it("takes pixels in [0, 1] as the nearest bytes, and passes the gradient to the pixels", async () => {
    const network = importedNetwork(readModel(file), "fixture");
    expect(network.inputShape).toEqual([3, 6, 5]);
    expect(network.notes.map(({ code }) => code)).toEqual(["rounded-pixels"]);
    expect(network.notes[0].text).toMatch(/x takes whole numbers: .* times 255 .* bytes/);
    const victim = classifier(runtime, network, {});
    opened.push(victim);
    const x = numbers([2, 3, 6, 5]);
    const weights = tensor([2, 3], [1, 2, 3, -1, 0, 1]);
    const { logits, gradient } = await victim.lossAndGradient(
      x,
      { kind: "linear", weights },
      keys(2),
    );
    const grid = x.data.map((v) => Math.round(255 * v) / 255);
    for (let row = 0; row < 6; row++) {
      const own = grid.subarray(30 * row, 30 * row + 30);
      expect(logits.data[row]).toBeCloseTo(
        own.reduce((sum, v) => sum + v * v, 0),
        4,
      );
      // ∂(w Σ p²)/∂p = 2wp, taken at the byte that was seen.
      own.forEach((v, i) => {
        expect(gradient.data[30 * row + i]).toBeCloseTo(2 * weights.data[row] * v, 4);
      });
    }
  });

  it("a given scale overrides the default", () => {
    const { notes } = importedNetwork(readModel(file), "fixture", { scale: 1 });
    expect(notes[0].text).not.toContain("255");
  });
});

describe("images in [0, 1] are preprocessed:", () => {
  it("mean, std and scale apply per channel, also with channels last", async () => {
    const model = readModel(
      onnxFile(
        [
          nodeOf("Identity", ["x"], ["seen"]),
          nodeOf("ReduceMean", ["x"], ["z"], { axes: { ints: [1, 2] }, keepdims: { int: 0 } }),
        ],
        { inputs: { x: ["n", 5, 7, 3] }, outputs: { z: ["n", 3] } },
      ),
    );
    const network = importedNetwork(model, "fixture", {
      mean: [0.1, 0.2, 0.3],
      std: [0.5, 1, 2],
      scale: 255,
    });
    expect(network.inputShape).toEqual([3, 5, 7]);
    const victim = classifier(runtime, network, {});
    opened.push(victim);
    const grey = tensor([1, 3, 5, 7], new Float32Array(105).fill(0.4));
    const { data } = await victim.logits(grey, keys(1));
    [0.6, 0.2, 0.05].forEach((expected, i) => {
      expect(data[i]).toBeCloseTo(255 * expected, 3);
    });
  });

  const openSize = readModel(
    onnxFile([nodeOf("GlobalAveragePool", ["x"], ["y"])], {
      inputs: { x: ["n", 3, "h", "w"] },
      outputs: { y: ["n", 3, 1, 1] },
    }),
  );

  it("an open size must be given", () => {
    expect(() => importedNetwork(openSize, "fixture")).toThrow(
      "[n, 3, h, w]; state it with --input-shape, for example --input-shape 3,224,224",
    );
    const { inputShape, classes } = importedNetwork(openSize, "fixture", { shape: [3, 6, 6] });
    expect([inputShape, classes]).toEqual([[3, 6, 6], 3]);
  });

  it.each([
    [{ output: "nowhere", shape: [3, 6, 6] }, "no output nowhere; its outputs are y [n, 3, 1, 1]"],
    [{ shape: [1, 6, 6] }, "takes images of [3, h, w] and was given [1, 6, 6]"],
    [{ mean: [0.1, 0.2], shape: [3, 6, 6] }, "mean has 2 numbers for 3 channels"],
  ])("%j is refused", (options, message) => {
    expect(() => importedNetwork(openSize, "fixture", options)).toThrow(message);
  });
});

describe("images in colour", () => {
  it("become grey for a network of one channel", async () => {
    const one = { inputs: { x: ["n", 1, 2, 2] }, outputs: { z: ["n", 3] } };
    expect((await open(head, one, { shape: [3, 2, 2] })).network.inputShape).toEqual([1, 2, 2]);
    await expect(open(head, one, { shape: [3, 4, 4] })).rejects.toMatchObject({ code: "misfit" });
  });
});

describe("a file that takes flattened images along one of three axes", () => {
  const row = (...axes: number[]) =>
    readModel(
      onnxFile(
        [
          nodeOf("Sub", ["x", "mean"], ["centred"]),
          nodeOf("Flatten", ["centred"], ["flat"]),
          nodeOf("MatMul", ["flat", "w"], ["z"]),
        ],
        {
          inputs: { x: [1, ...axes] },
          outputs: { z: [1, 2] },
          arrays: {
            mean: tensor(axes, Array(12).fill(1)),
            // The first pixel of the second row, and the last pixel of all.
            w: tensor([12, 2], [...Array(8).fill(0), 1, ...Array(14).fill(0), 1]),
          },
        },
      ),
    );

  it.each([[[1, 1, 12]], [[1, 12, 1]], [[12, 1, 1]]])(
    "reads the rows of an image one after another into [%j]",
    async (axes) => {
      const network = importedNetwork(row(...axes), "fixture", { shape: [1, 3, 4], scale: 255 });
      expect(network.inputShape).toEqual([1, 3, 4]);
      const victim = classifier(runtime, network, {});
      opened.push(victim);
      const pixels = Float32Array.from({ length: 12 }, (_, i) => i / 255);
      const { data } = await victim.logits(tensor([1, 1, 3, 4], pixels), keys(1));
      [3, 10].forEach((expected, i) => {
        expect(data[i]).toBeCloseTo(expected, 4);
      });
    },
  );

  it("takes images of three channels if they have as many numbers, else in grey", () => {
    expect(importedNetwork(row(1, 1, 12), "f", { shape: [3, 2, 2] }).inputShape).toEqual([3, 2, 2]);
    expect(importedNetwork(row(1, 1, 12), "f", { shape: [3, 3, 4] }).inputShape).toEqual([1, 3, 4]);
  });

  it("keeps its own axes without an image, and refuses images with another number of pixels", () => {
    expect(importedNetwork(row(1, 1, 12), "fixture").inputShape).toEqual([1, 1, 12]);
    expect(() => importedNetwork(row(1, 1, 12), "fixture", { shape: [1, 4, 4] })).toThrow(
      "takes images of [1, 1, 12] and was given [1, 4, 4]",
    );
  });
});
