// Estimates the memory and work of a network from its expression, before anything is allocated, and refuses hostile
// files.

import { is, topological, type Value } from "../engine/graph/value.ts";
import { workOf } from "../engine/graph/work.ts";
import { type DType, elementCount } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";

/** The estimated cost of one run: sizes in bytes, work in multiply-adds. */
export interface ResourceEstimate {
  /** Peak bytes of the values that depend on the image. */
  readonly alive: number;
  /** Bytes of all constants that are computed, beyond those that the file stores. */
  readonly constants: number;
  /** The part of `constants` that repeats a few numbers, as the weights of a file that generates them do. */
  readonly generated: number;
  /** Bytes of computed constants that slow operators read or write. */
  readonly slow: number;
  /** Bytes of all values, constants included. */
  readonly written: number;
  /** Multiply-adds, those of constants included. */
  readonly work: number;
  /** Multiply-adds of constants. */
  readonly constantWork: number;
}

/** Upper limits of an estimate. `written` and `work` limit the part that depends on the image. */
export interface ResourceLimits {
  readonly alive: number;
  readonly constants: number;
  /** Limits constants that are not generated. */
  readonly computed: number;
  readonly slow: number;
  readonly written: number;
  readonly work: number;
  readonly constantWork: number;
}

/** Bytes of constants that any file may compute; the weights of VGG-19 take 548 MiB. */
const MAX_CONSTANTS = 3 * 2 ** 28;

const BYTES: { readonly [D in DType]: number } = {
  float32: 4,
  float64: 8,
  int64: 8,
  int32: 4,
  bool: 1,
  uint8: 1,
};

/** Operators whose result shares the memory of their input. */
const sharing: ReadonlySet<string> = new Set(["Reshape", "StopGradient", "StraightThrough"]);

/** Operators that are slow per element: products, sorts, windows. */
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

const bytesOf = ({ dtype, shape }: Value) => BYTES[dtype] * elementCount(shape);

/**
 * Bytes that a node needs beside its result. A transposed convolution first computes a matrix product, then sums parts
 * of it.
 */
function scratchBytes(node: Value): number {
  if (!is(node, "ConvInputGradient")) return 0;
  const [dy, w] = node.inputs;
  return 4 * elementCount(dy.shape.slice(2)) * elementCount(w.shape.slice(1));
}

/** The cost of computing these outputs, of any shape, if each value is dropped after its last use. */
export function estimateResources(outputs: readonly Value[]): ResourceEstimate {
  const order = topological<Value>(outputs);
  const memory = new Map<Value, Value>();
  const uses = new Map<Value, number>();
  const constant = new Set<Value>();
  const memoryOf = (value: Value) => memory.get(value) as Value;
  for (const node of order) {
    memory.set(node, sharing.has(node.op) ? memoryOf(node.inputs[0]) : node);
    for (const input of node.inputs)
      uses.set(memoryOf(input), (uses.get(memoryOf(input)) ?? 0) + 1);
    if (!is(node, "Input") && node.inputs.every((input) => constant.has(input))) constant.add(node);
  }
  for (const output of outputs) uses.set(memoryOf(output), Number.POSITIVE_INFINITY);
  const total = {
    alive: 0,
    constants: 0,
    generated: 0,
    slow: 0,
    written: 0,
    work: 0,
    constantWork: 0,
  };
  let alive = 0;
  for (const node of order) {
    const work = workOf(node);
    total.work += work;
    if (constant.has(node)) total.constantWork += work;
    const isAllocated = memoryOf(node) === node && !is(node, "Constant");
    const bytes = isAllocated ? bytesOf(node) : 0;
    total.written += bytes;
    if (constant.has(node)) {
      total.constants += bytes;
      if (is(node, "Expand")) total.generated += bytes;
      if (slow.has(node.op)) total.slow += Math.max(bytes, ...node.inputs.map(bytesOf));
    } else {
      alive += bytes;
      total.alive = Math.max(total.alive, alive + scratchBytes(node));
    }
    for (const input of node.inputs) {
      const array = memoryOf(input);
      const left = (uses.get(array) ?? 0) - 1;
      uses.set(array, left);
      if (left === 0 && !constant.has(array)) alive -= bytesOf(array);
    }
  }
  return total;
}

/** Bytes of the constants that a file stores for these outputs, of any shape. */
export const storedBytes = (outputs: readonly Value[]): number =>
  topological<Value>(outputs).reduce(
    (sum, value) => sum + (is(value, "Constant") ? bytesOf(value) : 0),
    0,
  );

/** Sizes in bytes that decide how much a file may use. */
export interface ResourceBasis {
  /** Constants that the file stores. */
  readonly stored: number;
  /** The caller's image; 0 if only the file states its size. */
  readonly image: number;
  /** Weights that the file generates. */
  readonly generated?: number;
  /** Constants that the caller allows (`--max-constants`); undefined applies the limits for untrusted files. */
  readonly maxConstants?: number | undefined;
}

/**
 * The limits of a file, per image. Each has a floor that small networks stay below, and grows with the stored constants
 * and with the caller's image, since a network that needs much memory has many weights or large images
 * (docs/limits.md). Generated weights cost a file nothing, so they raise only the limits on their own
 * size and on work; once the caller allows them, they count as stored.
 */
export function resourceLimits({
  stored,
  image,
  generated = 0,
  maxConstants,
}: ResourceBasis): ResourceLimits {
  const trusted = maxConstants === undefined ? stored : stored + generated;
  return {
    alive: Math.max(2 ** 27, 8 * trusted, 256 * image),
    constants: maxConstants ?? Math.max(MAX_CONSTANTS, 32 * stored),
    computed: maxConstants ?? Math.max(2 ** 25, 32 * stored, generated),
    slow: maxConstants ?? Math.max(2 ** 25, 32 * stored),
    written: Math.max(2 ** 30, 64 * trusted, 4096 * image),
    work: Math.max(2 ** 32, 2 ** 12 * trusted, 2 ** 7 * generated, 2 ** 16 * image),
    constantWork: Math.max(2 ** 32, 2 ** 12 * trusted),
  };
}

const gibibytes = (bytes: number) => `${(bytes / 2 ** 30).toPrecision(3)} GiB`;

/** The predicate of a message about `bytes` of computed constants where `limit` bytes are allowed. */
export const tooManyConstants = (bytes: number, limit: number): string =>
  `makes ${gibibytes(bytes)} of constants of its own, and ${gibibytes(limit)} are allowed; if you trust it, allow more: --max-constants ${Math.ceil(bytes / 2 ** 30 + 0.05)}GiB`;

/** Throws `UsageError` for a network that exceeds its limits. `batch` is the batch that the estimate is for. */
export function requireWithinLimits(
  resources: ResourceEstimate,
  limits: ResourceLimits,
  batch: number,
): void {
  requireConstants(resources, limits);
  const activations = resources.written - resources.constants;
  const work = resources.work - resources.constantWork;
  const excesses = [
    {
      isExceeded: !(resources.alive <= limits.alive),
      text: `needs ${gibibytes(resources.alive)} for values that are held at one time, and ${gibibytes(limits.alive)} are allowed`,
    },
    {
      isExceeded: !(activations <= limits.written),
      text: `writes ${gibibytes(activations)} of values in one run, and ${gibibytes(limits.written)} are allowed`,
    },
    {
      isExceeded: !(work <= limits.work),
      text: `takes ${work.toPrecision(3)} multiply-adds in one run, and ${limits.work.toPrecision(3)} are allowed`,
    },
  ];
  const excess = excesses.find(({ isExceeded }) => isExceeded);
  if (excess === undefined) return;
  throw new UsageError(
    `the file ${excess.text} for ${batch === 1 ? "an image" : `a batch of ${batch}, which it is fixed to`}, which is more than a classifier of its size should; it is damaged, or was made to exhaust this machine${batch === 1 ? "" : ", or should be exported with an open batch"}`,
    { code: "bad-file" },
  );
}

/** Throws `UsageError` for constants that exceed a limit which `--max-constants` can raise. */
function requireConstants(resources: ResourceEstimate, limits: ResourceLimits): void {
  const { constants, generated, slow, constantWork } = resources;
  const refuse = (text: string): never => {
    throw new UsageError(`the file ${text}`, { code: "bad-file" });
  };
  const computed = constants - generated;
  if (!(constants <= limits.constants)) refuse(tooManyConstants(constants, limits.constants));
  if (!(computed <= limits.computed)) refuse(tooManyConstants(computed, limits.computed));
  if (!(slow <= limits.slow))
    refuse(
      `multiplies or sorts ${gibibytes(slow)} of constants of its own, and ${gibibytes(limits.slow)} are allowed; if you trust it, allow more with --max-constants SIZE`,
    );
  if (!(constantWork <= limits.constantWork))
    refuse(
      `takes ${constantWork.toPrecision(3)} multiply-adds to compute constants of its own, and ${limits.constantWork.toPrecision(3)} are allowed; if you trust it, allow more with --max-constants SIZE`,
    );
}
