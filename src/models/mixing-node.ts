// The first node of a file at which the images of a batch meet, and whether quantisation explains it.

import { input } from "../engine/graph/ops.ts";
import { is, topological, type Value } from "../engine/graph/value.ts";
import type { TracedValue } from "../engine/onnx/import/import-graph.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import { type NdArray, rows, sizeOf, type Tensor } from "../math/tensor.ts";
import type { Architecture } from "./architecture.ts";

/** What the first node that tells an image from the same image in company does. */
export interface MixingNode {
  /** `"/layer/ReduceMean" (ReduceMean)`. */
  readonly node: string;
  /**
   * `range`: a quantiser takes its scale from all images of a batch. `rounding`: a node rounds, and sums that differ in the
   * last bits between sizes of a batch are rounded to different numbers. `mixing`: anything else.
   */
  readonly cause: "range" | "rounding" | "mixing";
}

/** Share of a value's largest number that rounding in float32 does not explain. */
const TOLERANCE = 1e-4;
/** Values that are computed at once. */
const AT_ONCE = 8;

/** Values that depend on the images, each once. */
function dependent(traced: readonly TracedValue[]): TracedValue[] {
  const depends = new Set<Value>();
  for (const value of topological<Value>(traced.map(({ value }) => value)))
    if (is(value, "Input") || value.inputs.some((one) => depends.has(one))) depends.add(value);
  const seen = new Set<Value>();
  return traced.filter(({ value }) => {
    if (!depends.has(value) || is(value, "Input") || seen.has(value)) return false;
    seen.add(value);
    return true;
  });
}

/** Offsets of an image's numbers in a batch's array, one list per way in which the two shapes can belong together. */
function places(together: readonly number[], alone: readonly number[], row: number, batch: number) {
  const count = sizeOf(alone);
  if (together.length !== alone.length) return [];
  if (sizeOf(together) === count) return [(k: number) => k];
  const axis = together.findIndex((n, a) => n === batch * alone[a] && n !== alone[a]);
  const others = together.every((n, a) => a === axis || n === alone[a]);
  if (axis < 0 || !others) return [];
  const [n, inner] = [alone[axis], sizeOf(alone.slice(axis + 1))];
  const at = (k: number, along: (i: number) => number) => {
    const outer = Math.floor(k / (n * inner));
    const i = Math.floor(k / inner) % n;
    return (outer * n * batch + along(i)) * inner + (k % inner);
  };
  // An axis that joins the batch to another one has the batch outside or inside.
  return [(k: number) => at(k, (i) => row * n + i), (k: number) => at(k, (i) => i * batch + row)];
}

/** Whether the numbers of an image differ between an array of a batch and the one of the image alone. */
function differs(together: NdArray, alone: NdArray, row: number, batch: number): boolean {
  const ways = places(together.shape, alone.shape, row, batch);
  if (ways.length === 0) return false;
  const count = sizeOf(alone.shape);
  let size = 0;
  for (let k = 0; k < count; k++) {
    const v = Math.abs(Number(alone.data[k]));
    if (v > size && v < Number.POSITIVE_INFINITY) size = v;
  }
  const same = (place: (k: number) => number) => {
    for (let k = 0; k < count; k++) {
      const [a, b] = [Number(alone.data[k]), Number(together.data[place(k)])];
      if (!Object.is(a, b) && !(Math.abs(a - b) <= TOLERANCE * size)) return false;
    }
    return true;
  };
  return !ways.some(same);
}

const rounds =
  /^(QuantizeLinear|QLinear\w+|QGemm|Quant|BipolarQuant|Trunc|Round|Floor|Ceil|Sign|Cast|Greater\w*|Less\w*)$/;
const ranges = /^Reduce(Max|Min)$/;
const scales = /^(Div|Mul|Sub|Add|Clip|Max|Min|Neg|Abs|Cast|Round|Floor|Identity|Where|Reshape)$/;
/** Steps between the largest number of a batch and the quantiser that is scaled by it. */
const STEPS = 8;

/** Whether a quantiser, or a rounding, is scaled by what a node makes. */
function scalesQuantiser(traced: readonly TracedValue[], first: TracedValue): boolean {
  let reached = new Set([first.name]);
  for (let step = 0; step < STEPS; step++) {
    const next = new Set(reached);
    for (const { name, node } of traced) {
      if (!node.input.some((one) => reached.has(one))) continue;
      if (/^(QuantizeLinear|Round|Floor|Ceil|Quant)$/.test(node.opType)) return true;
      if (scales.test(node.opType)) next.add(name);
    }
    if (next.size === reached.size) return false;
    reached = next;
  }
  return false;
}

function causeOf(traced: readonly TracedValue[], first: TracedValue): MixingNode["cause"] {
  const { opType } = first.node;
  if (opType.startsWith("DynamicQuantize")) return "range";
  if (ranges.test(opType) && scalesQuantiser(traced, first)) return "range";
  return rounds.test(opType) ? "rounding" : "mixing";
}

/**
 * The first node, in the order of computation, that gives another value for an image in the batch x [batch, ...] than for
 * the image alone; null where no node shows it. `suspects` are the rows of x that are compared.
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
  for (let from = 0; from < compared.length; from += AT_ONCE) {
    const part = compared.slice(from, from + AT_ONCE);
    const names = part.map((_, i) => String(i));
    const of = (value: (one: TracedValue) => Value) =>
      Object.fromEntries(part.map((one, i) => [names[i], value(one)]));
    const whole = await runOnce(
      runtime,
      of(({ value }) => value),
      [x],
    );
    const alone = await runOnce(
      runtime,
      of(({ name }) => single.get(name) as Value),
      suspects.map((row) => rows(x, row, row + 1)),
    );
    for (const [i, one] of part.entries()) {
      const found = suspects.some((row, j) =>
        differs(whole[0][names[i]], alone[j][names[i]], row, batch),
      );
      if (!found) continue;
      const { name, opType } = one.node;
      return {
        node: `${JSON.stringify(name || one.name)} (${opType})`,
        cause: causeOf(traced, one),
      };
    }
  }
  return null;
}

async function runOnce(
  runtime: Runtime,
  outputs: Readonly<Record<string, Value>>,
  batches: readonly Tensor[],
): Promise<Record<string, NdArray>[]> {
  const program = await runtime.compile(outputs);
  try {
    const all: Record<string, NdArray>[] = [];
    for (const x of batches) all.push(await program.run({ x }));
    return all;
  } finally {
    await program.release();
  }
}
