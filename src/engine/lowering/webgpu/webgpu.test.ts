// The substitutes are standard operators, so they can be checked on the CPU.
import { describe, expect, it } from "vitest";
import { difference, random } from "../../../../test/fixtures/graph-cases.ts";
import { type Shape, type Tensor, tensor } from "../../../math/tensor.ts";
import { architecture } from "../../../models/architectures.ts";
import { sgd } from "../../../train/optimizer.ts";
import { stepGraph } from "../../../train/train-step.ts";
import { gradient } from "../../autodiff/gradient.ts";
import * as g from "../../graph/expressions.ts";
import { interpret } from "../../graph/interpret.ts";
import { isLowered, type Lowered } from "../../graph/lowered.ts";
import { topological, type Value } from "../../graph/value.ts";
import { writeOnnx } from "../../onnx/export/write-onnx.ts";
import { nodeProgram } from "../../runtime/node.ts";
import { lowerWebgpu } from "./webgpu.ts";

/** Whether the WebGPU provider lacks an operator, or computes it wrongly. */
const isLacking = (node: Lowered): boolean =>
  ["FusedMatMul", "LogSoftmax", "Sign", "Round", "Or", "MaxPoolIndices"].includes(node.op) ||
  (isLowered(node, "ConvTranspose") && node.attrs.groups > 1);

const geometry = (stride: number, pad: number, groups: number) => ({
  strides: [stride, stride],
  pads: [pad, pad, pad, pad],
  dilations: [1, 1],
  groups,
});
const pooled = (kernel: number, stride: number, pad: number) => (x: Value) => {
  const pads = [pad, pad, pad, pad];
  const y = g.maxPool(x, { kernel: [kernel, kernel], strides: [stride, stride], pads });
  return gradient(g.sum(g.mul(y, g.exp(y))), [x])[0];
};
const transposed =
  (inputShape: Shape, stride: number, pad: number, groups: number) => (dy: Value, w: Value) =>
    g.convInputGradient(dy, w, inputShape, geometry(stride, pad, groups));

// 8388609 = 2²³ + 1 is odd and has no fraction; the largest number below ½ must not become 1.
const hard = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 0.49999997, 8388609, -8388609, 3e38, -0.2, 7];
const at = (name: string, f: (...x: Value[]) => Value, ...inputs: Tensor[]) => ({
  name,
  f,
  inputs,
});
const cases = [
  at("rounds halves to even and keeps large numbers", g.round, tensor([12], hard)),
  at("signs", g.sign, tensor([4], [-3, 0, 2, 1e-40])),
  at(
    "log-softmax without overflow",
    (x) => g.logSoftmax(x),
    tensor([2, 3], [900, -900, 0, 1, 2, 3]),
  ),
  at(
    "or",
    (x, y) => g.cast(g.or(g.greater(x, y), g.greater(y, g.scalar(0))), "float32"),
    random([50], 1),
    random([50], 2),
  ),
  at("max pooling's gradient, overlapping windows", pooled(3, 2, 1), random([2, 3, 7, 8], 1)),
  at(
    "max pooling's gradient, ties broken by the first",
    (x) => pooled(2, 2, 0)(g.relu(x)),
    random([2, 3, 6, 6], 1),
  ),
  at("max pooling's gradient, surplus rows", pooled(2, 3, 0), random([1, 2, 7, 9], 1)),
  at(
    "a depthwise gradient, stride 2",
    transposed([2, 4, 9, 8], 2, 1, 4),
    random([2, 8, 5, 4], 1),
    random([8, 1, 3, 3], 2),
  ),
  at(
    "a grouped gradient, padding larger than the kernel",
    transposed([1, 2, 6, 6], 2, 3, 2),
    random([1, 4, 5, 5], 1),
    random([4, 1, 3, 3], 2),
  ),
];

describe("the lowering for WebGPU agrees with the interpreter:", () => {
  it.each(cases)("$name", async ({ f, inputs }) => {
    const y = f(...inputs.map(({ shape }, i) => g.input(`x${i}`, shape)));
    const feeds = Object.fromEntries(inputs.map((x, i) => [`x${i}`, x]));
    const lowered = lowerWebgpu({ y });
    expect(topological<Lowered>(Object.values(lowered)).filter(isLacking)).toEqual([]);
    const program = await nodeProgram(writeOnnx(lowered), { threads: 1 });
    const result = await program.run(feeds);
    await program.release();
    expect(difference(result.y, interpret([y], feeds)[0])).toBeLessThan(2e-6);
  });
});

it("leaves a training step no operator that the provider lacks", () => {
  const input = { shape: [3, 8, 8], classes: 4, mean: [0, 0, 0], std: [1, 1, 1] };
  const outputs = stepGraph(
    architecture("wrn-10-1", input),
    sgd({ momentum: 0.9, weightDecay: 0 }),
    2,
  );
  const nodes = topological<Lowered>(Object.values(lowerWebgpu(outputs)));
  expect(nodes.length).toBeGreaterThan(100);
  expect(nodes.filter(isLacking)).toEqual([]);
});
