// Finds the first node of a file that mixes the images of a batch, and whether quantisation explains it.

import { input } from "../engine/graph/ops.ts";
import { is, topological, type Value } from "../engine/graph/value.ts";
import type { TracedValue } from "../engine/onnx/import/import-graph.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import { elementCount, type NdArray, rows, type Tensor } from "../math/tensor.ts";
import type { Architecture } from "./architecture.ts";

/** The first node whose value for an image depends on the other images of its batch. */
export interface MixingNode {
  /** Name and operator: `"/layer/ReduceMean" (ReduceMean)`. */
  readonly node: string;
  /**
   * `range`: a quantiser takes its scale from all images of a batch. `rounding`: a node rounds sums whose last bits
   * differ between batch sizes, and gets different numbers. `mixing`: anything else.
   */
  readonly cause: "range" | "rounding" | "mixing";
}

/** Differences up to this share of a value's largest number are rounding in float32. */
const TOLERANCE = 1e-4;
/** Values computed by one program, which bounds memory. */
const VALUES_PER_PROGRAM = 8;

/** The computed values that depend on the images, each once. */
function dependent(traced: readonly TracedValue[]): TracedValue[] {
  const depends = new Set<Value>();
  for (const value of topological<Value>(traced.map(({ value }) => value)))
    if (is(value, "Input") || value.inputs.some((input) => depends.has(input))) depends.add(value);
  const seen = new Set<Value>();
  return traced.filter(({ value }) => {
    if (!depends.has(value) || is(value, "Input") || seen.has(value)) return false;
    seen.add(value);
    return true;
  });
}

/** Maps the offset of an element in the array of one image to its offset in the array of a batch. */
type Offset = (k: number) => number;

/**
 * The ways in which the array of a batch can hold that of image `row`, by their shapes: one axis is `batch` times as
 * long. If that axis joins the batch with another axis, the batch may be the outer or the inner one.
 */
function offsets(
  inBatch: readonly number[],
  alone: readonly number[],
  row: number,
  batch: number,
): Offset[] {
  if (inBatch.length !== alone.length) return [];
  if (elementCount(inBatch) === elementCount(alone)) return [(k) => k];
  const axis = inBatch.findIndex((n, a) => n === batch * alone[a] && n !== alone[a]);
  const othersAgree = inBatch.every((n, a) => a === axis || n === alone[a]);
  if (axis < 0 || !othersAgree) return [];
  const [n, inner] = [alone[axis], elementCount(alone.slice(axis + 1))];
  const offset = (k: number, alongAxis: (i: number) => number) => {
    const outer = Math.floor(k / (n * inner));
    const i = Math.floor(k / inner) % n;
    return (outer * n * batch + alongAxis(i)) * inner + (k % inner);
  };
  return [(k) => offset(k, (i) => row * n + i), (k) => offset(k, (i) => i * batch + row)];
}

/** Whether the numbers of image `row` differ between the array of a batch and that of the image alone. */
function differs(inBatch: NdArray, alone: NdArray, row: number, batch: number): boolean {
  const candidates = offsets(inBatch.shape, alone.shape, row, batch);
  if (candidates.length === 0) return false;
  const count = elementCount(alone.shape);
  let size = 0;
  for (let k = 0; k < count; k++) {
    const v = Math.abs(Number(alone.data[k]));
    if (v > size && v < Number.POSITIVE_INFINITY) size = v;
  }
  const agrees = (offset: Offset) => {
    for (let k = 0; k < count; k++) {
      const [a, b] = [Number(alone.data[k]), Number(inBatch.data[offset(k)])];
      if (!Object.is(a, b) && !(Math.abs(a - b) <= TOLERANCE * size)) return false;
    }
    return true;
  };
  return !candidates.some(agrees);
}

/** Operators that round, or compare, which turns a difference in the last bit into a whole step. */
const roundingOperators =
  /^(QuantizeLinear|QLinear\w+|QGemm|Quant|BipolarQuant|Trunc|Round|Floor|Ceil|Sign|Cast|Greater\w*|Less\w*)$/;
const rangeOperators = /^Reduce(Max|Min)$/;
/** Operators between a range and the quantiser that is scaled by it. */
const scalingOperators =
  /^(Div|Mul|Sub|Add|Clip|Max|Min|Neg|Abs|Cast|Round|Floor|Identity|Where|Reshape)$/;
/** The maximum number of operators between a range and its quantiser. */
const MAX_STEPS = 8;

/** Whether a quantiser or a rounding is scaled by the value `first`. */
function scalesQuantiser(traced: readonly TracedValue[], first: TracedValue): boolean {
  let reached = new Set([first.name]);
  for (let step = 0; step < MAX_STEPS; step++) {
    const next = new Set(reached);
    for (const { name, node } of traced) {
      if (!node.input.some((input) => reached.has(input))) continue;
      if (/^(QuantizeLinear|Round|Floor|Ceil|Quant)$/.test(node.opType)) return true;
      if (scalingOperators.test(node.opType)) next.add(name);
    }
    if (next.size === reached.size) return false;
    reached = next;
  }
  return false;
}

function causeOf(traced: readonly TracedValue[], first: TracedValue): MixingNode["cause"] {
  const { opType } = first.node;
  if (opType.startsWith("DynamicQuantize")) return "range";
  if (rangeOperators.test(opType) && scalesQuantiser(traced, first)) return "range";
  return roundingOperators.test(opType) ? "rounding" : "mixing";
}

/**
 * The first node, in the order of computation, whose value for an image in the batch x [batch, ...] differs from its
 * value for the image alone; null if there is none. `suspects` are the rows of x to compare.
 */
export async function mixingNode(
  runtime: Runtime,
  { trace, inputShape }: Pick<Architecture, "trace" | "inputShape">,
  x: Tensor,
  suspects: readonly number[],
): Promise<MixingNode | null> {
  if (trace === undefined) return null;
  const batch = x.shape[0];
  const traced = trace(input("x", [batch, ...inputShape]));
  const single = new Map(
    dependent(trace(input("x", [1, ...inputShape]))).map(({ name, value }) => [name, value]),
  );
  const compared = dependent(traced).filter(({ name }) => single.has(name));
  for (let from = 0; from < compared.length; from += VALUES_PER_PROGRAM) {
    const part = compared.slice(from, from + VALUES_PER_PROGRAM);
    const outputs = (select: (one: TracedValue) => Value) =>
      Object.fromEntries(part.map((one, i) => [String(i), select(one)]));
    const [inBatch] = await valuesOf(
      runtime,
      outputs(({ value }) => value),
      [x],
    );
    const alone = await valuesOf(
      runtime,
      outputs(({ name }) => single.get(name) as Value),
      suspects.map((row) => rows(x, row, row + 1)),
    );
    const first = part.find((_, i) =>
      suspects.some((row, j) => differs(inBatch[i], alone[j][i], row, batch)),
    );
    if (first === undefined) continue;
    const { name, opType } = first.node;
    return {
      node: `${JSON.stringify(name || first.name)} (${opType})`,
      cause: causeOf(traced, first),
    };
  }
  return null;
}

/** The outputs of one program for each of some batches. */
async function valuesOf(
  runtime: Runtime,
  outputs: Readonly<Record<string, Value>>,
  batches: readonly Tensor[],
): Promise<Record<string, NdArray>[]> {
  const program = await runtime.compile(outputs);
  try {
    const results: Record<string, NdArray>[] = [];
    for (const x of batches) results.push(await program.run({ x }));
    return results;
  } finally {
    await program.release();
  }
}
