// Convolution weights in the blocked order (NCHWc) that ONNX Runtime writes for one kind of CPU:
// blocks of 8 or 16 channels are contiguous.

import type { GraphProto } from "onnx-buf";
import { elementCount, type NdArray } from "../../../math/tensor.ts";
import { UsageError } from "../../../math/usage-error.ts";
import type { OnnxModel } from "../model.ts";
import { decodeTensor } from "../tensors.ts";

/** The domain of ONNX Runtime's operators on blocked memory. */
export const BLOCKED = "com.microsoft.nchwc";

/** Channels per block: 16 with AVX-512 and on 64-bit Arm, 8 on other x64 CPUs. */
export const blockSizes = [8, 16] as const;
/** Channels per block. */
export type BlockSize = (typeof blockSizes)[number];

/**
 * The offset of weight [o, i, tap] in blocked order [out / b, in / b, rows, columns, b (in), b
 * (out)], for b channels per block. Input channels are not blocked if there are fewer than b.
 */
function blockedOffset([, inputs, ...kernel]: readonly number[], block: number) {
  const inner = inputs >= block ? block : 1;
  const [taps, outer] = [elementCount(kernel), Math.ceil(inputs / inner)];
  return (o: number, i: number, tap: number): number => {
    const before = (Math.floor(o / block) * outer + Math.floor(i / inner)) * taps + tap;
    return (before * inner + (i % inner)) * block + (o % block);
  };
}

/** Whether weights of this shape fit blocks of this size. */
const fits = ([outputs, inputs]: readonly number[], block: number): boolean =>
  outputs % block === 0 && (inputs < block || inputs % block === 0);

/** Weights in plain order, by blocked array and block size. */
const reordered = new WeakMap<NdArray, Map<number, NdArray>>();

/**
 * Weights [out, in / groups, rows, columns] in plain order, from blocked order. Each array is
 * reordered once per block size. Throws `Error` if the shape does not fit the blocks.
 */
export function unblocked(array: NdArray, block: number): NdArray {
  const found = reordered.get(array) ?? new Map<number, NdArray>();
  reordered.set(array, found);
  const plain = found.get(block) ?? reorder(array, block);
  found.set(block, plain);
  return plain;
}

function reorder(array: NdArray, block: number): NdArray {
  if (array.shape.length !== 4 || !fits(array.shape, block))
    throw new Error(
      `weights of shape [${array.shape.join(", ")}] do not fit blocks of ${block} channels`,
    );
  const [outputs, inputs, ...kernel] = array.shape;
  const at = blockedOffset(array.shape, block);
  const taps = elementCount(kernel);
  const data = new Float32Array(array.data.length);
  let to = 0;
  for (let o = 0; o < outputs; o++)
    for (let i = 0; i < inputs; i++)
      for (let tap = 0; tap < taps; tap++) data[to++] = Number(array.data[at(o, i, tap)]);
  return { dtype: "float32", shape: array.shape, data };
}

/**
 * The negative log-likelihood, up to a constant, of Gaussian weights with one variance per output
 * channel. The variances of trained channels differ. The correct block size assigns each weight to
 * its true channel, so it minimises this likelihood.
 */
function negativeLogLikelihood({ shape, data }: NdArray, block: number): number {
  const [outputs, inputs, ...kernel] = shape;
  const at = blockedOffset(shape, block);
  const taps = elementCount(kernel);
  let total = 0;
  for (let o = 0; o < outputs; o++) {
    let square = 1e-12;
    for (let i = 0; i < inputs; i++)
      for (let tap = 0; tap < taps; tap++) square += Number(data[at(o, i, tap)]) ** 2;
    total += (inputs * taps * Math.log(square / (inputs * taps))) / 2;
  }
  return total;
}

/** The stored weights of blocked convolutions. */
function weightsIn(graph: GraphProto, external: OnnxModel["external"]): NdArray[] {
  const names = new Set(
    graph.node
      .filter(({ domain, opType }) => domain === BLOCKED && opType === "Conv")
      .map(({ input }) => input[1]),
  );
  return graph.initializer
    .filter(({ name, dims }) => names.has(name) && dims.length === 4)
    .map((proto) => decodeTensor(proto, external));
}

/**
 * Infers the block size of a file from the shapes of its weights, else from their variances. Files do
 * not state it. Throws `UsageError` if neither the shapes nor the variances determine it.
 */
export function blockSizeOf({ graph, external }: OnnxModel): BlockSize {
  const weights = weightsIn(graph, external);
  const possible = blockSizes.filter((block) => weights.every(({ shape }) => fits(shape, block)));
  if (possible.length === 1) return possible[0];
  const [small, large] = blockSizes.map((block) =>
    weights.reduce((total, array) => total + negativeLogLikelihood(array, block), 0),
  );
  // If the variances do not differ, the difference is random, of the order of √channels.
  const channels = weights.reduce((total, { shape }) => total + shape[0], 0);
  if (possible.length === 0 || !(Math.abs(small - large) > 6 * Math.sqrt(channels)))
    throw new UsageError(
      "ONNX Runtime optimised this file for one kind of CPU: it stores channels in blocks of 8 or 16, and the weights do not show which; state the block size with --block-size (16 for AVX-512 and 64-bit Arm, 8 for other x64), or write the file with a lower optimisation level",
      { code: "missing-option" },
    );
  return small < large ? 8 : 16;
}
