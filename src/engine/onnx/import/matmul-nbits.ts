// Matrix products with weights of 2, 4 or 8 bits (domain com.microsoft, version 1):
// https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.MatMulNBits

import { elementCount, type NdArray } from "../../../math/tensor.ts";
import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import { checkSize } from "./constants.ts";
import type { ImportNode } from "./import-node.ts";
import { matmul } from "./linear.ts";

/** The i-th of packed numbers of `bits` bits each. `byteAt` reads a byte. The lowest bits come first. */
function unpack(byteAt: (i: number) => number, i: number, bits: number): number {
  const start = i * bits;
  const [byte, shift] = [start >> 3, start & 7];
  return (byteAt(byte) >> shift) & (2 ** bits - 1);
}

/**
 * A reader of zero points [N, blocks]. They are floats, or packed like the weights with rows of
 * whole bytes. The default zero point is half of the range.
 */
function zeroPointReader(zeros: NdArray | undefined, blocks: number, bits: number) {
  const half = 2 ** (bits - 1);
  if (zeros === undefined) return () => half;
  if (zeros.dtype.startsWith("float"))
    return (n: number, block: number) => Number(zeros.data[n * blocks + block]);
  const bytes = Math.ceil((blocks * bits) / 8);
  return (n: number, block: number) =>
    unpack((byte) => Number(zeros.data[n * bytes + byte]), block, bits);
}

/** The weights [K, N], dequantised from blocks along K: (number − zero point)·scale. */
function weightsOf(node: ImportNode): Value {
  const [rows, columns] = [node.int("N", 0), node.int("K", 0)];
  const [bits, size] = [node.int("bits", 4), node.int("block_size", 32)];
  if (![2, 4, 8].includes(bits) || !(size >= 1))
    throw node.unsupported(
      `weights of ${bits} bits in blocks of ${size} are not supported, only 2, 4 or 8 bits in blocks of at least 1`,
    );
  checkSize(node, [rows, columns], 2 ** 28);
  const [stored, scales] = [node.constant(1), node.constant(2)];
  const blocks = Math.ceil(columns / size);
  const bytes = Math.ceil((size * bits) / 8);
  if (stored === undefined || scales === undefined)
    throw node.invalid("input 1 (the weights) or input 2 (the scales) is missing");
  if (
    elementCount(stored.shape) !== rows * blocks * bytes ||
    elementCount(scales.shape) !== rows * blocks
  )
    throw node.invalid(
      `its attributes state weights [${rows}, ${columns}], which do not fit weights of shape [${stored.shape.join(", ")}] with scales of shape [${scales.shape.join(", ")}]`,
    );
  const zeroPoint = zeroPointReader(node.constant(3), blocks, bits);
  const weights = new Float64Array(columns * rows);
  for (let n = 0; n < rows; n++)
    for (let k = 0; k < columns; k++) {
      const block = Math.floor(k / size);
      const start = (n * blocks + block) * bytes;
      const number = unpack((byte) => Number(stored.data[start + byte]), k % size, bits);
      weights[k * rows + n] =
        (number - zeroPoint(n, block)) * Number(scales.data[n * blocks + block]);
    }
  // Doubles hold a byte times a float32 exactly. With zero points that are floats, both the difference and the product round.
  const isExact = node.constant(3)?.dtype.startsWith("float") !== true;
  const errors = weights.map((w) => (isExact ? 0 : Math.abs(w) * g.TWO_ROUNDINGS));
  return g.computed([columns, rows], weights, { errors });
}

/** (x, weights, scales, zero points?, groups?, bias?) ↦ x·W + bias. Groups (`g_idx`) cannot be imported. */
export function matMulNBits(node: ImportNode): Value {
  if (node.inputs[4] !== undefined)
    throw node.unsupported("weights that are ordered by groups (g_idx) are not supported");
  const x = node.input(0);
  const product = matmul(x, g.cast(weightsOf(node), x.dtype));
  const bias = node.inputs[5];
  return bias === undefined ? product : g.add(product, bias);
}
