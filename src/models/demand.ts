// What a network asks of a machine, counted on its expression before anything is allocated.

import { is, topological, type Value } from "../graph/value.ts";
import { workOf } from "../graph/work.ts";
import { type DType, sizeOf } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";

/** What one run takes. */
export interface Demand {
  /** Most bytes of values that must be held at one time, of what depends on the picture. */
  readonly alive: number;
  /** Bytes of all that is known without the picture, beyond what the file stores. */
  readonly known: number;
  /** Bytes of all values together. */
  readonly written: number;
  /** Multiply-adds. */
  readonly work: number;
}

/** What a file may ask for. */
export type Allowance = Demand;

const BYTES: { readonly [D in DType]: number } = {
  ...{ float32: 4, float64: 8, int64: 8, int32: 4, bool: 1, uint8: 1 },
};

/** Operators whose result is the memory of their input. */
const shared: ReadonlySet<string> = new Set(["Reshape", "StopGradient", "StraightThrough"]);

const bytesOf = ({ dtype, shape }: Value) => BYTES[dtype] * sizeOf(shape);

/** Bytes that a node needs beside its result: a transposed convolution is one product of matrices, then summed. */
function besides(node: Value): number {
  if (!is(node, "ConvInputGradient")) return 0;
  const [dy, w] = node.inputs;
  return 4 * sizeOf(dy.shape.slice(2)) * sizeOf(w.shape.slice(1));
}

/** What computing these outputs takes, values being dropped after their last use. */
export function demandOf(outputs: readonly Value[]): Demand {
  const order = topological<Value>(outputs);
  const memory = new Map<Value, Value>();
  const uses = new Map<Value, number>();
  const free = new Set<Value>();
  const of = (value: Value) => memory.get(value) as Value;
  for (const node of order) {
    memory.set(node, shared.has(node.op) ? of(node.inputs[0]) : node);
    for (const input of node.inputs) uses.set(of(input), (uses.get(of(input)) ?? 0) + 1);
    if (!is(node, "Input") && node.inputs.every((input) => free.has(input))) free.add(node);
  }
  for (const output of outputs) uses.set(of(output), Number.POSITIVE_INFINITY);
  const total = { alive: 0, known: 0, written: 0, work: 0 };
  let now = 0;
  for (const node of order) {
    total.work += workOf(node);
    const own = of(node) === node && !is(node, "Constant") ? bytesOf(node) : 0;
    total.written += own;
    if (free.has(node)) total.known += own;
    else {
      now += own;
      total.alive = Math.max(total.alive, now + besides(node));
    }
    for (const input of node.inputs) {
      const left = (uses.get(of(input)) ?? 0) - 1;
      uses.set(of(input), left);
      if (left === 0 && !free.has(of(input))) now -= bytesOf(of(input));
    }
  }
  return total;
}

/** Bytes of the arrays that a graph's outputs reach. */
export const storedBytes = (outputs: readonly Value[]): number =>
  topological<Value>(outputs).reduce(
    (sum, value) => sum + (is(value, "Constant") ? bytesOf(value) : 0),
    0,
  );

/**
 * What a file of this size may ask for, per picture: a floor that small networks stay below, and more in proportion to
 * what it stores and to the picture that the caller brings, since a network that needs much memory carries many weights
 * or sees large pictures (docs/auditing.md#hostile-files).
 */
export function allowanceOf(stored: number, picture: number): Allowance {
  return {
    alive: Math.max(2 ** 27, 8 * stored, 256 * picture),
    known: Math.max(2 ** 25, 32 * stored),
    written: Math.max(2 ** 30, 64 * stored, 4096 * picture),
    work: Math.max(2 ** 32, 2 ** 12 * stored, 2 ** 16 * picture),
  };
}

const gibibytes = (bytes: number) => `${(bytes / 2 ** 30).toPrecision(3)} GiB`;
const texts: { readonly [D in keyof Demand]: (n: number, most: number) => string } = {
  alive: (n, most) =>
    `needs ${gibibytes(n)} for values that are held at one time, and ${gibibytes(most)} are allowed`,
  known: (n, most) =>
    `makes ${gibibytes(n)} of constants of its own, and ${gibibytes(most)} are allowed`,
  written: (n, most) =>
    `writes ${gibibytes(n)} of values in one run, and ${gibibytes(most)} are allowed`,
  work: (n, most) =>
    `takes ${n.toPrecision(3)} multiply-adds in one run, and ${most.toPrecision(3)} are allowed`,
};

/** Refuses a network that asks for more than it is allowed, before anything is allocated. */
export function requireModest(demand: Demand, allowed: Allowance, batch: number): void {
  for (const what of Object.keys(texts) as (keyof Demand)[])
    if (!(demand[what] <= allowed[what]))
      throw new UsageError(
        `the file ${texts[what](demand[what], allowed[what])} for a ${batch === 1 ? "picture" : `batch of ${batch}, which it is fixed to`}, which is more than a classifier of its size should; it is damaged, or was made to exhaust this machine${batch === 1 ? "" : ", or should be exported with an open batch"}`,
      );
}
