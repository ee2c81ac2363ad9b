// Operators that put elements elsewhere, and those on bits.

import type { NdArray, Shape } from "../src/math/tensor.ts";
import { nodeOf } from "./fixtures/model-fixture.ts";
import {
  type AgreeCase,
  bytes,
  drawn,
  int,
  int64,
  ints,
  list,
  on,
  someBytes,
  text,
} from "./onnx-agree-kit.ts";

/** A pool with its indices, and the unpool of both. */
const unpooled = (
  x: Shape,
  pool: AgreeCase["attributes"],
  shape: NdArray | null = null,
): AgreeCase => ({
  // Where two elements are close, a difference moves the larger one to another place.
  ...on("MaxUnpool", x, shape === null ? [] : [shape], pool, { sloped: shape !== null }),
  before: [nodeOf("MaxPool", ["x"], ["p", "q"], pool)],
  inputs: ["p", "q", ...(shape === null ? [] : ["a0"])],
});

const pair = { kernel_shape: ints(2, 2), strides: ints(2, 2) };
const overlapping = { kernel_shape: ints(3, 3), strides: ints(2, 2) };

const shifted = (x: NdArray, by: NdArray, direction: string): AgreeCase =>
  on("BitShift", x, [by], { direction: text(direction) });

/** Whole numbers of an image: x·9 cut to 32 bits. */
const fromImage = (op: string, other: NdArray): AgreeCase =>
  on(
    op,
    [3, 4],
    [drawn([1], 3, 9, 10), other],
    {},
    {
      opset: 18,
      before: [nodeOf("Mul", ["x", "a0"], ["m"]), nodeOf("Cast", ["m"], ["p"], { to: int(6) })],
      inputs: ["p", "a1"],
    },
  );
const int32 = (shape: Shape, values: readonly number[]): NdArray => ({
  dtype: "int32",
  shape,
  data: Int32Array.from(values),
});

const bitCases: AgreeCase[] = [
  shifted(bytes([4], [1, 200, 255, 16]), bytes([4], [1, 1, 3, 2]), "LEFT"),
  shifted(bytes([2, 4], [1, 200, 255, 16, 5, 6, 7, 129]), bytes([1], [3]), "RIGHT"),
  shifted(someBytes([3, 4], 2), bytes([4], [0, 1, 4, 7]), "RIGHT"),
  on("BitwiseAnd", someBytes([3, 4], 2), [bytes([1], [15])], {}, { opset: 18 }),
  on("BitwiseOr", someBytes([3, 4], 2), [someBytes([3, 4], 4)], {}, { opset: 18 }),
  on("BitwiseXor", someBytes([3, 4], 2), [someBytes([4], 4)], {}, { opset: 18 }),
  on("BitwiseNot", someBytes([3, 4], 2), [], {}, { opset: 18 }),
  fromImage("BitwiseAnd", int32([1], [-3])),
  fromImage("BitwiseXor", int32([4], [5, -5, 2 ** 31 - 1, -(2 ** 31)])),
  fromImage("BitwiseOr", int32([3, 1], [5, -5, 0])),
];

export const placeCases: AgreeCase[] = [
  unpooled([2, 3, 4, 6], pair),
  unpooled([2, 3, 5, 7], pair, list([2, 3, 5, 7])),
  unpooled([2, 3, 7, 7], overlapping),
  unpooled([2, 3, 5, 7], { ...pair, pads: ints(1, 1, 0, 0) }),
  unpooled([2, 3, 9], { kernel_shape: ints(3), strides: ints(3) }),
  unpooled([1, 2, 4, 4, 4], { kernel_shape: ints(2, 2, 2), strides: ints(2, 2, 2) }),
  on(
    "MaxPool",
    [2, 3, 5, 6, 5],
    [],
    {
      ...{ kernel_shape: ints(2, 3, 2), strides: ints(1, 2, 2), pads: ints(0, 1, 0, 1, 1, 0) },
    },
    { outputs: 2 },
  ),
  on("MaxPool", [2, 3, 9], [], { kernel_shape: ints(2), storage_order: int(1) }, { outputs: 2 }),
  on("CenterCropPad", [5, 4, 7], [list([3, 7, 7])], {}, { opset: 18, sloped: true }),
  on(
    "CenterCropPad",
    [2, 3, 5, 6],
    [list([2, 9])],
    { axes: ints(2, 3) },
    { opset: 18, sloped: true },
  ),
  on("CenterCropPad", [2, 3, 5, 6], [list([3, 8])], { axes: ints(-1, -2) }, { opset: 18 }),
  on("CenterCropPad", [2, 3, 5, 6], [list([8])], { axes: ints(3) }, { opset: 18, sloped: true }),
  on("ReverseSequence", [4, 3, 2], [list([4, 2, 1])], {}, { sloped: true }),
  on("ReverseSequence", [3, 4, 2], [list([1, 3, 4])], { batch_axis: int(0), time_axis: int(1) }),
  on(
    "TensorScatter",
    [2, 3, 5, 4],
    [drawn([2, 3, 2, 4], 5), list([1, 3])],
    {},
    { opset: 24, sloped: true },
  ),
  on(
    "TensorScatter",
    [2, 5, 4],
    [drawn([2, 3, 4], 5), list([1, 4])],
    { mode: text("circular"), axis: int(1) },
    { opset: 24 },
  ),
  on("TensorScatter", [2, 4, 3], [drawn([2, 4, 2], 5)], { axis: int(-1) }, { opset: 24 }),
  on("CumProd", [3, 5], [int64([], [1])], {}, { opset: 26, sloped: true }),
  ...bitCases,
];
