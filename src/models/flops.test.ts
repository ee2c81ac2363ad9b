import { expect, it } from "vitest";
import { nodeOf, onnxFile } from "../../test/fixtures/model-fixture.ts";
import { gradient } from "../engine/autodiff/gradient.ts";
import { input, matmul, sum } from "../engine/graph/ops.ts";
import { topological } from "../engine/graph/value.ts";
import { conv } from "../engine/graph/windows.ts";
import { readModel } from "../engine/onnx/model.ts";
import { tensor } from "../math/tensor.ts";
import { architecture } from "./architectures.ts";
import { flopsOf, flopsPerImage, predictionMacs } from "./flops.ts";
import { importedNetwork } from "./imported-network.ts";

it("a convolution costs two operations per output element and weight", () => {
  const y = conv(input("x", [2, 3, 8, 8]), input("w", [4, 3, 3, 3]), {
    strides: [2, 2],
    pads: [1, 1, 1, 1],
  });
  expect(flopsOf([y])).toBe(2 * (2 * 4 * 4 * 4) * (3 * 3 * 3));
});

it("each gradient of a convolution costs as much as the convolution", () => {
  const x = input("x", [2, 4, 9, 9]);
  const w = input("w", [6, 2, 3, 3]);
  const y = conv(x, w, { groups: 2, pads: [1, 1, 1, 1] });
  const once = flopsOf([y]);
  const [dx, dw] = gradient(sum(y), [x, w]);
  expect(flopsOf([dx])).toBe(once);
  expect(flopsOf([dw])).toBe(once);
  expect(flopsOf([y, dx, dw])).toBe(3 * once);
});

it("both gradients of a convolution over the whole image are products of matrices", () => {
  const [x, w] = [input("x", [2, 3, 1, 784]), input("w", [5, 3, 1, 784])];
  const y = conv(x, w);
  for (const derivative of gradient(sum(y), [x, w])) {
    const ops = topological([derivative]).map(({ op }) => op);
    expect(ops).toContain("MatMul");
    expect(ops.filter((op) => op.startsWith("Conv"))).toEqual([]);
    expect(flopsOf([derivative])).toBe(flopsOf([y]));
  }
});

it("a product of matrices costs 2 m k n", () => {
  expect(flopsOf([matmul(input("a", [5, 7]), input("b", [7, 3]))])).toBe(2 * 5 * 7 * 3);
});

const cifar = {
  shape: [3, 32, 32],
  classes: 10,
  mean: [0.4914, 0.4822, 0.4465],
  std: [0.247, 0.2435, 0.2616],
};

// Zagoruyko & Komodakis 2016 and later papers give 5.2 billion multiplications per image.
it("WRN-28-10 has the published cost; a gradient costs twice, a training step three times as much", () => {
  const { forward, gradient: attack, step } = flopsPerImage(architecture("wrn-28-10", cifar));
  expect(forward / 2e9).toBeCloseTo(5.24, 1);
  expect(attack / forward).toBeCloseTo(2, 1);
  expect(step / forward).toBeCloseTo(3, 1);
});

it("a prediction costs one operation per weight that meets a pixel, whatever the file's batch", () => {
  const dense = (batch: number | string) => {
    const w = tensor([12, 5], new Float32Array(60).fill(1));
    const model = onnxFile(
      [nodeOf("Flatten", ["x"], ["flat"]), nodeOf("MatMul", ["flat", "w"], ["z"])],
      { inputs: { x: [batch, 1, 3, 4] }, outputs: { z: [batch, 5] }, arrays: { w } },
    );
    return predictionMacs(importedNetwork(readModel(model), "fixture"));
  };
  expect([dense("n"), dense(1), dense(4)]).toEqual([60, 60, 60]);
  const network = architecture("cnn-small", cifar);
  const macs = flopsPerImage(network).forward / 2;
  expect([predictionMacs(network), predictionMacs({ ...network, fixedBatch: 4 })]).toEqual([
    macs,
    macs,
  ]);
});
