import { type DType, elementCount, type NdArray, type Shape } from "../../math/tensor.ts";
import { constantValue } from "../graph/constant-cache.ts";
import {
  isLowered,
  type Lowered,
  type LoweredAttributes,
  type LoweredOp,
} from "../graph/lowered.ts";
import type { Value } from "../graph/value.ts";

/** Operators that are not folded, most of them because the reference interpreter has no kernel for them. */
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

/** Elements up to which folding may make a constant larger than its inputs; broadcasting at run time is cheaper beyond. */
const MAX_GROWN = 4096;

/** Makes lowered nodes. Equal nodes are made once, and a node with constant inputs becomes a constant. */
export interface Builder {
  make<O extends LoweredOp>(
    op: O,
    inputs: readonly Lowered[],
    attrs: LoweredAttributes[O],
    dtype: DType,
    shape: Shape,
  ): Lowered;
}

/** A builder for one graph. It folds constants of up to `maxFolded` elements and leaves larger ones to the runtime. */
export function builder(maxFolded = Number.POSITIVE_INFINITY): Builder {
  const nodes = new Map<string, Lowered>();
  const ids = new Map<Lowered, number>();
  const idOf = (value: Lowered): number => {
    const id = ids.get(value) ?? ids.size;
    ids.set(value, id);
    return id;
  };
  return {
    make(op, inputs, attrs, dtype, shape) {
      const node = { op, inputs, attrs, dtype, shape } as Lowered;
      if (isLowered(node, "Constant")) return node;
      const key = `${op}(${inputs.map(idOf)})${JSON.stringify(attrs)}`;
      const found = nodes.get(key);
      if (found !== undefined) return found;
      const result = fold(node, maxFolded) ?? node;
      nodes.set(key, result);
      return result;
    },
  };
}

/** The constant that a node computes; null if its inputs are not constant or the constant would be too large. */
function fold(node: Lowered, maxFolded: number): Lowered | null {
  if (NOT_FOLDED.has(node.op)) return null;
  const arrays: NdArray[] = [];
  for (const input of node.inputs) {
    if (!isLowered(input, "Constant")) return null;
    arrays.push(input.attrs.array);
  }
  const before = Math.max(...arrays.map(({ shape }) => elementCount(shape)));
  const after = elementCount(node.shape);
  if (after > Math.max(before, MAX_GROWN) || Math.max(before, after) > maxFolded) return null;
  const array = constantValue(node as unknown as Value, arrays);
  return { op: "Constant", inputs: [], attrs: { array }, dtype: array.dtype, shape: array.shape };
}
