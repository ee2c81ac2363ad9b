import type { NdArray } from "../../math/tensor.ts";
import { realNumbersOf } from "./ops.ts";
import { is, topological, type Value } from "./value.ts";

/** Numbers that JSON has no text for, as texts. */
const plain = (_: string, value: unknown): unknown =>
  typeof value === "bigint" || (typeof value === "number" && !Number.isFinite(value))
    ? String(value)
    : value;

const bytesOf = ({ buffer, byteOffset, byteLength }: NdArray["data"]): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/**
 * The bytes that tell graphs apart: every operator with its attributes, inputs and shape, and every constant. Two graphs
 * with equal bytes compute the same function.
 */
export function graphBytes(output: Value): Uint8Array[] {
  const ids = new Map<Value, number>();
  const encoder = new TextEncoder();
  const parts: Uint8Array[] = [];
  for (const node of topological<Value>([output])) {
    ids.set(node, ids.size);
    const { op, dtype, shape } = node;
    const inputs = node.inputs.map((input) => ids.get(input));
    const constant = is(node, "Constant") ? node.attrs.array : null;
    const reals = constant === null ? undefined : realNumbersOf(constant);
    const isScalar = node.shape.length === 0;
    const scalar = isScalar ? (reals?.values[0] ?? null) : null;
    const attrs = constant === null ? node.attrs : { scalar };
    parts.push(encoder.encode(`${JSON.stringify([op, dtype, shape, inputs, attrs], plain)}\n`));
    if (constant !== null) parts.push(bytesOf(constant.data));
    if (reals !== undefined && !isScalar) parts.push(bytesOf(reals.values), bytesOf(reals.errors));
  }
  return parts;
}
