// How a one-node file for a comparison with ONNX Runtime is written down.

import type { NodeProto } from "onnx-buf";
import { threefry } from "../src/math/random.ts";
import { type NdArray, type Shape, sizeOf } from "../src/math/tensor.ts";
import type { AttributeValue } from "../src/onnx/messages.ts";

export const drawn = (shape: Shape, seed: number, low = -2, high = 2): NdArray => ({
  ...{ dtype: "float32", shape },
  data: Float32Array.from(
    { length: sizeOf(shape) },
    (_, i) => low + ((high - low) * threefry([3, seed], 0, i)[0]) / 2 ** 32,
  ),
});
export const floats = (shape: Shape, values: readonly number[]): NdArray => ({
  ...{ dtype: "float32", shape, data: Float32Array.from(values) },
});
export const int64 = (shape: Shape, values: readonly number[]): NdArray => ({
  ...{ dtype: "int64", shape, data: BigInt64Array.from(values, BigInt) },
});
export const list = (values: readonly number[]) => int64([values.length], values);
export const bytes = (shape: Shape, values: readonly number[]): NdArray => ({
  ...{ dtype: "uint8", shape, data: Uint8Array.from(values) },
});
export const someBytes = (shape: Shape, seed: number) =>
  bytes(shape, Array.from(drawn(shape, seed, 0, 255).data as Float32Array, Math.floor));

/** An operator on x and stored arrays: its name, the shape of x, the arrays, its attributes; and what else differs. */
export interface AgreeCase {
  readonly name: string;
  readonly op: string;
  readonly x: NdArray;
  readonly arrays: readonly (NdArray | null)[];
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  readonly domain?: string;
  readonly opset?: number;
  readonly outputs?: number;
  /** Before the node, in the file. */
  readonly before?: NodeProto[];
  /** Whether its slope is measured, too. */
  readonly sloped?: boolean;
  /** Names of the node's inputs, where they are not x and the arrays. */
  readonly inputs?: string[];
}

export const int = (value: number): AttributeValue => ({ int: value });
export const ints = (...values: number[]): AttributeValue => ({ ints: values });
export const float = (value: number): AttributeValue => ({ float: value });
export const text = (value: string): AttributeValue => ({ text: value });

export const on = (
  op: string,
  x: Shape | NdArray,
  arrays: readonly (NdArray | null)[] = [],
  attributes: Readonly<Record<string, AttributeValue>> = {},
  more: Partial<AgreeCase> = {},
): AgreeCase => ({
  ...{ name: `${op} ${JSON.stringify(attributes)}`, op, arrays, attributes },
  x: "data" in x ? x : drawn(x, 1),
  ...more,
});
export const fused = (...[op, x, arrays, attributes, more]: Parameters<typeof on>): AgreeCase =>
  on(op, x, arrays, attributes, { domain: "com.microsoft", ...more });
