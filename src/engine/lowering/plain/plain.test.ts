import { describe, expect, it } from "vitest";
import { tensor } from "../../../math/tensor.ts";
import { gradient } from "../../autodiff/gradient.ts";
import * as g from "../../graph/expressions.ts";
import { isLowered, type Lowered } from "../../graph/lowered.ts";
import { topological, type Value } from "../../graph/value.ts";
import { lowerPlain } from "./plain.ts";

const nodes = (outputs: Record<string, Value>) =>
  topological<Lowered>(Object.values(lowerPlain(outputs)));
const count = (all: readonly Lowered[], op: Lowered["op"]) =>
  all.filter((node) => node.op === op).length;

const x = g.input("x", [2, 3, 8, 8]);
const w = g.input("w", [4, 3, 3, 3]);
const same = { strides: [1, 1], pads: [1, 1, 1, 1], dilations: [1, 1], groups: 1 };
const scale = g.input("scale", [1, 4, 1, 1]);

describe("the plain lowering", () => {
  it("folds constants", () => {
    const two = g.constant(tensor([2], [1, 2]));
    const all = nodes({ y: g.mul(g.exp(g.mul(two, two)), g.input("z", [2])) });
    expect(count(all, "Exp")).toBe(0);
    const folded = all.find((node) => isLowered(node, "Constant"));
    expect(folded && isLowered(folded, "Constant") && [...folded.attrs.array.data]).toEqual([
      Math.fround(Math.exp(1)),
      Math.fround(Math.exp(4)),
    ]);
  });

  it("does not fold an Expand into a large constant", () => {
    const all = nodes({ y: g.expand(g.scalar(0), [100, 100]) });
    expect(count(all, "Expand")).toBe(1);
  });

  it("computes equal expressions once", () => {
    const all = nodes({ y: g.add(g.exp(x), g.exp(x)) });
    expect(count(all, "Exp")).toBe(1);
  });

  it("folds the scale after a convolution into its weights", () => {
    const all = nodes({ y: g.mul(g.conv(x, w, same), scale) });
    const products = all.filter((node) => node.op === "Mul").map(({ shape }) => shape);
    expect(products).toEqual([w.shape]);
  });

  it("folds a bias before a batch norm into its shift, forward and backward", () => {
    const [bias, shift] = [g.input("bias", scale.shape), g.input("shift", scale.shape)];
    const y = g.relu(g.add(g.mul(g.add(g.conv(x, w, same), bias), scale), shift));
    const [dx] = gradient(g.sum(y), [x]);
    const activations = (op: Lowered["op"], outputs: Record<string, Value>) =>
      nodes(outputs).filter((node) => node.op === op && node.shape.join() === "2,4,8,8").length;
    expect([activations("Mul", { y }), activations("Add", { y })]).toEqual([0, 1]);
    // The only product left is the mask of the relu.
    expect([activations("Mul", { dx }), activations("Add", { dx })]).toEqual([1, 1]);
  });

  it.each([1, 2])(
    "needs no more nodes for the weight gradient of many groups than of two, stride %i",
    (stride) => {
      const lengthOf = (groups: number) => {
        const side = 8 / stride;
        const attrs = { strides: [stride, stride], pads: [1, 1, 1, 1], dilations: [1, 1], groups };
        const [input, dy] = [g.input("x", [2, 16, 8, 8]), g.input("dy", [2, 16, side, side])];
        return nodes({ dw: g.convWeightGradient(input, dy, [3, 3], attrs) }).length;
      };
      expect(lengthOf(16)).toBe(lengthOf(2));
    },
  );

  it("keeps a bias that is read before the batch norm", () => {
    const z = g.add(g.conv(x, w, same), g.input("bias", scale.shape));
    const y = g.add(g.mul(z, scale), g.input("shift", scale.shape));
    const sums = nodes({ y, z }).filter(
      ({ op, shape }) => op === "Add" && shape.join() === "2,4,8,8",
    );
    expect(sums).toHaveLength(2);
  });

  it("keeps a scale if the convolution has another reader", () => {
    const y = g.conv(x, w, same);
    const all = nodes({ y, scaled: g.mul(y, scale) });
    expect(all.filter((node) => node.op === "Mul").map(({ shape }) => shape)).toEqual([y.shape]);
  });

  it("folds the scale of a frozen batch norm in the backward pass too", () => {
    const y = g.relu(g.add(g.mul(g.conv(x, w, same), scale), g.input("shift", [1, 4, 1, 1])));
    const [dx] = gradient(g.sum(y), [x]);
    const all = nodes({ dx });
    const activations = all.filter(({ op, shape }) => op === "Mul" && shape.join() === "2,4,8,8");
    // The only product left is the mask of the relu.
    expect(activations).toHaveLength(1);
    expect(count(all, "HardSigmoid")).toBe(1);
  });

  it("lowers an input gradient to Conv for stride 1, and to ConvTranspose for stride 2", () => {
    const strided = { ...same, strides: [2, 2] };
    for (const [attrs, op] of [
      [same, "Conv"],
      [strided, "ConvTranspose"],
    ] as const) {
      const [dx] = gradient(g.sum(g.exp(g.conv(x, w, attrs))), [x]);
      expect(nodes({ dx }).some((node) => node.op === op && node.shape.join() === "2,3,8,8")).toBe(
        true,
      );
    }
  });

  it("leaves no operator that ONNX lacks", () => {
    const loss = g.sum(g.stopGradient(g.relu(g.conv(x, w, same))));
    const kept = g.sum(g.relu(g.conv(x, w, { ...same, strides: [2, 2] })));
    const [dx, dw] = gradient(g.add(loss, kept), [x, w]);
    const left = new Set(nodes({ dx, dw }).map(({ op }) => op as string));
    for (const op of ["StopGradient", "ConvInputGradient", "ConvWeightGradient"])
      expect(left.has(op)).toBe(false);
  });
});
