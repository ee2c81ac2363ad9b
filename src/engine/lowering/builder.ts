import { type DType, type NdArray, type Shape, sizeOf } from "../../math/tensor.ts";
import { constantValue } from "../graph/constant-cache.ts";
import {
  isLowered,
  type Lowered,
  type LoweredAttributes,
  type LoweredOp,
} from "../graph/lowered.ts";
import type { Value } from "../graph/value.ts";

/** Operators that exist only after lowering: the reference interpreter does not know them. */
const NOT_FOLDED: ReadonlySet<LoweredOp> = new Set([
  "Input",
  "Constant",
  "FusedConv",
  "ConvTranspose",
  "FusedMatMul",
  "HardSigmoid",
  "GlobalAveragePool",
  "ScatterElements",
  "ReorderInput",
  "ReorderOutput",
  "NchwcConv",
  "NchwcGlobalAveragePool",
  "NchwcMaxPool",
  "NchwcAveragePool",
]);

/** A constant may grow by folding up to this many elements; beyond, broadcasting at run time is cheaper. */
const GROWTH = 4096;

/** Makes lowered nodes: the same node is made once, and one with constant inputs becomes a constant. */
export interface Builder {
  make<O extends LoweredOp>(
    op: O,
    inputs: readonly Lowered[],
    attrs: LoweredAttributes[O],
    dtype: DType,
    shape: Shape,
  ): Lowered;
}

/** `largest` is how many elements a constant may have that is computed here; larger ones are left to the runtime. */
export function builder(largest = Number.POSITIVE_INFINITY): Builder {
  const made = new Map<string, Lowered>();
  const numbers = new Map<Lowered, number>();
  const numberOf = (value: Lowered): number => {
    const number = numbers.get(value) ?? numbers.size;
    numbers.set(value, number);
    return number;
  };
  return {
    make(op, inputs, attrs, dtype, shape) {
      const node = { op, inputs, attrs, dtype, shape } as Lowered;
      if (isLowered(node, "Constant")) return node;
      const key = `${op}(${inputs.map(numberOf)})${JSON.stringify(attrs)}`;
      const known = made.get(key);
      if (known !== undefined) return known;
      const result = fold(node, largest) ?? node;
      made.set(key, result);
      return result;
    },
  };
}

function fold(node: Lowered, largest: number): Lowered | null {
  if (NOT_FOLDED.has(node.op)) return null;
  const arrays: NdArray[] = [];
  for (const input of node.inputs) {
    if (!isLowered(input, "Constant")) return null;
    arrays.push(input.attrs.array);
  }
  const before = Math.max(...arrays.map(({ shape }) => sizeOf(shape)));
  const after = sizeOf(node.shape);
  if (after > Math.max(before, GROWTH) || Math.max(before, after) > largest) return null;
  const array = constantValue(node as unknown as Value, arrays);
  return { op: "Constant", inputs: [], attrs: { array }, dtype: array.dtype, shape: array.shape };
}
