// What a network asks of a machine, counted on its expression before anything is allocated.

import { is, topological, type Value } from "../engine/graph/value.ts";
import { workOf } from "../engine/graph/work.ts";
import { type DType, sizeOf } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";

/** What one run takes. */
export interface ResourceEstimate {
  /** Most bytes of values that must be held at one time, of what depends on the image. */
  readonly alive: number;
  /** Bytes of all that is constant, beyond what the file stores. */
  readonly constants: number;
  /** Of those, bytes of arrays that repeat a few numbers, as weights that a file generates do. */
  readonly generated: number;
  /** Bytes of constants that slow operators read or write. */
  readonly slow: number;
  /** Bytes of all values together. */
  readonly written: number;
  /** Multiply-adds. */
  readonly work: number;
  /** Of those, multiply-adds of what is constant. */
  readonly constantWork: number;
}

/** What a file may ask for; of `written` and `work` the part that depends on the image. */
export interface ResourceLimits {
  readonly alive: number;
  readonly constants: number;
  /** Bytes of constants that are not generated. */
  readonly computed: number;
  /** Bytes of constants that slow operators read or write. */
  readonly slow: number;
  readonly written: number;
  readonly work: number;
  readonly constantWork: number;
}

/** Bytes of constants that any file may make; the weights of VGG-19 are 548 MiB. */
const MAX_CONSTANTS = 3 * 2 ** 28;

const BYTES: { readonly [D in DType]: number } = {
  float32: 4,
  float64: 8,
  int64: 8,
  int32: 4,
  bool: 1,
  uint8: 1,
};

/** Operators whose result is the memory of their input. */
const shared: ReadonlySet<string> = new Set(["Reshape", "StopGradient", "StraightThrough"]);

/** Operators that take long per element: products, sorts, windows. */
const slow: ReadonlySet<string> = new Set([
  "MatMul",
  "Conv",
  "ConvInputGradient",
  "ConvWeightGradient",
  "MaxPool",
  "MaxPoolIndices",
  "AveragePool",
  "ArgMax",
  "TopKIndices",
  "GatherElements",
  "ScatterElements",
  "Softmax",
  "LogSoftmax",
]);

const bytesOf = ({ dtype, shape }: Value) => BYTES[dtype] * sizeOf(shape);

/** Bytes that a node needs beside its result: a transposed convolution is one product of matrices, then summed. */
function besides(node: Value): number {
  if (!is(node, "ConvInputGradient")) return 0;
  const [dy, w] = node.inputs;
  return 4 * sizeOf(dy.shape.slice(2)) * sizeOf(w.shape.slice(1));
}

/** What computing these outputs takes, values being dropped after their last use. */
export function estimateResources(outputs: readonly Value[]): ResourceEstimate {
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
  const total = {
    alive: 0,
    constants: 0,
    generated: 0,
    slow: 0,
    written: 0,
    work: 0,
    constantWork: 0,
  };
  let now = 0;
  for (const node of order) {
    const work = workOf(node);
    total.work += work;
    if (free.has(node)) total.constantWork += work;
    const own = of(node) === node && !is(node, "Constant") ? bytesOf(node) : 0;
    total.written += own;
    if (free.has(node)) {
      total.constants += own;
      if (is(node, "Expand")) total.generated += own;
      if (slow.has(node.op)) total.slow += Math.max(own, ...node.inputs.map(bytesOf));
    } else {
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

/** What decides how much a file may ask for, in bytes. */
export interface Carried {
  /** What the file stores. */
  readonly stored: number;
  /** The image that the caller brings; 0 where its size is the file's word alone. */
  readonly image: number;
  /** Weights that the file generates. */
  readonly generated?: number;
  /** Constants that the caller allows (`--max-constants`); undefined for the limits of a file that nobody vouches for. */
  readonly maxConstants?: number | undefined;
}

/**
 * What such a file may ask for, per image: a floor that small networks stay below, and more in proportion to what it
 * stores and to the image that the caller brings, since a network that needs much memory carries many weights or sees
 * large images (docs/auditing.md#hostile-files). Weights that a file generates allow the work that such weights do, and
 * nothing else, since they cost the file nothing; once the caller allows them, they count as if they were stored.
 */
export function resourceLimits({
  stored,
  image,
  generated = 0,
  maxConstants,
}: Carried): ResourceLimits {
  const carried = maxConstants === undefined ? stored : stored + generated;
  return {
    alive: Math.max(2 ** 27, 8 * carried, 256 * image),
    constants: maxConstants ?? Math.max(MAX_CONSTANTS, 32 * stored),
    computed: maxConstants ?? Math.max(2 ** 25, 32 * stored, generated),
    slow: maxConstants ?? Math.max(2 ** 25, 32 * stored),
    written: Math.max(2 ** 30, 64 * carried, 4096 * image),
    work: Math.max(2 ** 32, 2 ** 12 * carried, 2 ** 7 * generated, 2 ** 16 * image),
    constantWork: Math.max(2 ** 32, 2 ** 12 * carried),
  };
}

const gibibytes = (bytes: number) => `${(bytes / 2 ** 30).toPrecision(3)} GiB`;

/** What a file that makes more constants than are allowed is told. */
export const tooManyConstants = (bytes: number, most: number): string =>
  `makes ${gibibytes(bytes)} of constants of its own, and ${gibibytes(most)} are allowed; if you trust it, allow more: --max-constants ${Math.ceil(bytes / 2 ** 30 + 0.05)}GiB`;

/** Refuses a network that asks for more than it is allowed, before anything is allocated. */
export function requireWithinLimits(
  resources: ResourceEstimate,
  allowed: ResourceLimits,
  batch: number,
): void {
  const { alive, constants, generated, written, work, constantWork } = resources;
  const computed = constants - generated;
  if (!(constants <= allowed.constants))
    throw new UsageError(`the file ${tooManyConstants(constants, allowed.constants)}`);
  if (!(computed <= allowed.computed))
    throw new UsageError(`the file ${tooManyConstants(computed, allowed.computed)}`);
  if (!(resources.slow <= allowed.slow))
    throw new UsageError(
      `the file multiplies or sorts ${gibibytes(resources.slow)} of constants of its own, and ${gibibytes(allowed.slow)} are allowed; if you trust it, allow more with --max-constants SIZE`,
    );
  if (!(constantWork <= allowed.constantWork))
    throw new UsageError(
      `the file takes ${constantWork.toPrecision(3)} multiply-adds to compute constants of its own, and ${allowed.constantWork.toPrecision(3)} are allowed; if you trust it, allow more with --max-constants SIZE`,
    );
  const activations = written - constants;
  const flops = work - constantWork;
  const asks = [
    [
      alive <= allowed.alive,
      `needs ${gibibytes(alive)} for values that are held at one time, and ${gibibytes(allowed.alive)} are allowed`,
    ],
    [
      activations <= allowed.written,
      `writes ${gibibytes(activations)} of values in one run, and ${gibibytes(allowed.written)} are allowed`,
    ],
    [
      flops <= allowed.work,
      `takes ${flops.toPrecision(3)} multiply-adds in one run, and ${allowed.work.toPrecision(3)} are allowed`,
    ],
  ] as const;
  for (const [modest, text] of asks)
    if (!modest)
      throw new UsageError(
        `the file ${text} for ${batch === 1 ? "an image" : `a batch of ${batch}, which it is fixed to`}, which is more than a classifier of its size should; it is damaged, or was made to exhaust this machine${batch === 1 ? "" : ", or should be exported with an open batch"}`,
      );
}
