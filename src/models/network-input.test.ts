import { describe, expect, it } from "vitest";
import { nodeOf, onnxFile } from "../../test/fixtures/model-fixture.ts";
import { readModel } from "../engine/onnx/model.ts";
import { nodeRuntime } from "../engine/runtime/node.ts";
import { tensor } from "../math/tensor.ts";
import { architecture } from "./architectures.ts";
import { importedNetwork } from "./imported-network.ts";
import { networkInput } from "./network-input.ts";

const runtime = await nodeRuntime({ threads: 1 });

/** Two images of three channels, each channel of one row and two columns. */
const images = tensor([2, 3, 1, 2], [0, 0.1, 0.2, 0.32, 0.4, 0.52, 1, 0.92, 0.8, 0.71, 0.6, 0.52]);

/** A file that sums the pixels of each image. */
function summing(shape: readonly (number | string)[], type: "float32" | "uint8" | "float64") {
  const nodes = [
    nodeOf("Cast", ["x"], ["f"], { to: { int: 1 } }),
    nodeOf("Flatten", ["f"], ["flat"]),
    nodeOf("MatMul", ["flat", "w"], ["z"]),
  ];
  return readModel(
    onnxFile(nodes, {
      inputs: { x: [...shape] },
      inputTypes: { x: type },
      outputs: { z: ["n", 2] },
      arrays: { w: tensor([6, 2], new Float32Array(12).fill(1)) },
    }),
  );
}

describe("networkInput", () => {
  it("is bytes with channels last for a file that takes these", async () => {
    const network = importedNetwork(summing(["n", 1, 2, 3], "uint8"), "bytes", { layout: "nhwc" });
    const fed = await networkInput(runtime, network, images);
    expect(fed?.shape).toEqual([2, 1, 2, 3]);
    expect(Array.from(fed?.data ?? [])).toEqual(
      [0, 0.2, 0.4, 0.1, 0.32, 0.52, 1, 0.8, 0.6, 0.92, 0.71, 0.52].map((v) =>
        Math.round(Math.fround(Math.fround(v) * 255)),
      ),
    );
  });

  it.each(["float32", "float64"] as const)(
    "applies mean, std and scale in the file's order of channels (%s)",
    async (type) => {
      const [mean, std] = [
        [0.5, 0.25, 0.125],
        [0.5, 0.25, 2],
      ];
      const options = { mean, std, scale: 4, channelOrder: "bgr" } as const;
      const network = importedNetwork(summing(["n", 3, 1, 2], type), "bgr", options);
      const fed = await networkInput(runtime, network, images);
      expect(fed?.shape).toEqual([2, 3, 1, 2]);
      for (let i = 0; i < 2; i++)
        for (let channel = 0; channel < 3; channel++)
          for (let column = 0; column < 2; column++) {
            const pixel = images.data[6 * i + 2 * (2 - channel) + column];
            const expected = (4 * (pixel - mean[channel])) / std[channel];
            expect(fed?.data[6 * i + 2 * channel + column]).toBeCloseTo(expected, 5);
          }
    },
  );

  it("is the normalised pixels of an architecture of our own", async () => {
    const spec = { shape: [3, 1, 2], classes: 2, mean: [0.5, 0, 0], std: [0.5, 1, 0.25] };
    const fed = await networkInput(runtime, architecture("cnn-small", spec), images);
    const first = Array.from(fed?.data.subarray(0, 6) ?? []);
    for (const [i, value] of [-1, -0.8, 0.2, 0.32, 1.6, 2.08].entries())
      expect(first[i]).toBeCloseTo(value, 5);
  });
});
