import { elementCount, type NdArray } from "../../math/tensor.ts";
import * as g from "../graph/expressions.ts";
import { is, topological, type Value } from "../graph/value.ts";
import { canonical, constantsOf } from "./canonical.ts";
import { centred, type Interval, isPoint } from "./interval.ts";
import { type Constants, MOVING } from "./linear-rules.ts";
import { rounded } from "./lines.ts";
import { propagate } from "./propagate.ts";
import { isRelaxed } from "./relaxations.ts";
import type { FloatType } from "./rounding.ts";
import { requireProvable, withoutBound } from "./unsupported.ts";

/** The operators that are linear if all but one of their inputs are constant. */
const LINEAR: ReadonlySet<string> = new Set([...MOVING, "Add", "Sub", "Neg", "MatMul", "Conv"]);

/** The operators that do with integers what they do with real numbers. A sum of integers may overflow. */
const MOVING_INTEGERS: ReadonlySet<string> = new Set([
  "Reshape",
  "Transpose",
  "Expand",
  "Slice",
  "Pad",
  "Gather",
  "StopGradient",
]);

/** A constant of the network: the array of the walk's float type, and how far the real numbers may lie from it. */
interface WalkConstant {
  readonly array: NdArray;
  readonly value: Value;
  /** Per element; null if the array is exact. */
  readonly distance: Float64Array | null;
}

/** A network prepared for bounds: its nodes in order, and what is known before any box. */
export class Plan implements Constants {
  /** The network in operators that have rules. */
  readonly output: Value;
  readonly input: Value;
  /** The nodes of the given network whose value a node has; none for steps in between. */
  readonly sources: ReadonlyMap<Value, readonly Value[]>;
  /** The nodes that depend on the input, inputs before readers. */
  readonly order: readonly Value[];
  /** The intervals of the parts that depend on no input. */
  readonly constantIntervals: ReadonlyMap<Value, Interval>;
  readonly type: FloatType;
  readonly #ids = new Map<Value, number>();
  readonly #constants = new Map<Value, WalkConstant>();
  readonly #readers = new Map<Value, Value[]>();
  readonly #tightened = new Map<Value, Value[]>();
  readonly #copies = new Map<Value, Value[]>();

  /** Throws `UsageError` for an operator without a bound, and names the node. The network's batch is 1. */
  constructor(input: Value, output: Value) {
    requireProvable(topological<Value>([output]));
    const { output: rewritten, sources } = canonical(output);
    this.output = rewritten;
    this.sources = sources;
    this.input = input;
    const all = topological<Value>([this.output]);
    const constants = constantsOf([this.output]);
    this.constantIntervals = propagate([...constants], new Map());
    this.order = all.filter((node) => !constants.has(node));
    for (const node of this.order) {
      this.#ids.set(node, this.#ids.size);
      if (is(node, "Input") && node !== input)
        throw withoutBound(node, "is an input without bounds");
      if (node !== input) this.#requireRule(node);
      if (this.isRelaxed(node)) for (const one of new Set(node.inputs)) this.#addReader(one, node);
    }
    // ONNX Runtime has no convolution of doubles.
    const isFloat32 = this.order.some(({ op }) => op === "Conv" || op === "AveragePool");
    this.type = isFloat32 ? "float32" : "float64";
  }

  #addReader(node: Value, reader: Value): void {
    addTo(this.#readers, node, reader);
    let original = node;
    // The factors of a product repeat the elements of other nodes.
    while (reader.op === "Mul" && (original.op === "Expand" || original.op === "Reshape")) {
      const [input] = original.inputs;
      addTo(this.#copies, input, original);
      original = input;
    }
    addTo(this.#tightened, original, reader);
  }

  /** The relaxed nodes that read a node. */
  readers(node: Value): readonly Value[] {
    return this.#readers.get(node) ?? [];
  }

  /** The relaxed nodes that tighter intervals of a node help: its readers, and those of its copies. None for a copy. */
  tightenedFor(node: Value): readonly Value[] {
    return this.#tightened.get(node) ?? [];
  }

  /** The nodes that repeat the elements of a node as factors of a product. */
  copies(node: Value): readonly Value[] {
    return this.#copies.get(node) ?? [];
  }

  #requireRule(node: Value): void {
    const free = node.inputs.filter((input) => !this.is(input));
    if (node.op === "Mul" || !LINEAR.has(node.op)) {
      if (isRelaxed(node)) return;
      throw withoutBound(
        node,
        node.op.endsWith("Softmax")
          ? "has no linear relaxation; a softmax is supported only at the end of the network, over all outputs, for a property that compares outputs with each other"
          : "has no linear relaxation",
      );
    }
    const isBilinear = node.op === "MatMul" || node.op === "Conv";
    if (isBilinear && (free.length !== 1 || (node.op === "Conv" && this.is(node.inputs[0]))))
      throw withoutBound(node, "multiplies two values that both depend on the image");
    if (node.op === "Gather" && !is(node.inputs[1], "Constant"))
      throw withoutBound(node, "reads at indices that are not constant");
    if (!node.dtype.startsWith("float") && !MOVING_INTEGERS.has(node.op))
      throw withoutBound(node, "computes integers");
  }

  /** A number that names a node within this plan. */
  id(node: Value): number {
    return this.#ids.get(node) as number;
  }

  is(node: Value): boolean {
    return this.constantIntervals.has(node);
  }

  /** Whether a node is not a linear operator, so a relaxation replaces it. */
  isRelaxed(node: Value): boolean {
    if (node === this.input || LINEAR.has(node.op)) return false;
    return node.op !== "Mul" || node.inputs.every((input) => !this.is(input));
  }

  value(node: Value): Value {
    return this.constant(node).value;
  }

  /** A constant in the walk's float type. */
  constant(node: Value): WalkConstant {
    const cached = this.#constants.get(node);
    if (cached !== undefined) return cached;
    const interval = this.constantIntervals.get(node) as Interval;
    const made = walkConstant(interval, this.type);
    this.#constants.set(node, made);
    return made;
  }
}

function addTo(map: Map<Value, Value[]>, key: Value, value: Value): void {
  const others = map.get(key);
  if (others === undefined) map.set(key, [value]);
  else if (!others.includes(value)) others.push(value);
}

function walkConstant(interval: Interval, type: FloatType): WalkConstant {
  const { shape, lower, upper } = interval;
  const { centre } = centred(interval);
  const values = centre.map((c) => rounded(c, type));
  const isExact = isPoint(interval) && values.every((v, i) => v === lower[i]);
  const distance = isExact
    ? null
    : values.map(
        (v, i) => Math.max(upper[i] - v, v - lower[i]) * (1 + 2 ** -50) + Number.MIN_VALUE,
      );
  const array: NdArray =
    type === "float32"
      ? { dtype: "float32", shape, data: Float32Array.from(values) }
      : { dtype: "float64", shape, data: values };
  if (array.data.length !== elementCount(shape))
    throw new Error(`a constant of shape [${shape}] has ${array.data.length} elements`);
  return { array, value: g.constant(array), distance };
}
