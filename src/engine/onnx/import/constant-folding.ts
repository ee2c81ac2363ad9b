import type { GraphProto } from "onnx-buf";
import { elementCount, type NdArray } from "../../../math/tensor.ts";
import { evaluateNode } from "../../graph/interpret.ts";
import { realNumbersOf } from "../../graph/ops.ts";
import { refusalOf } from "../../graph/unproven.ts";
import { is, type Value } from "../../graph/value.ts";
import { workOf } from "../../graph/work.ts";
import { storedElements } from "./graph-size.ts";

/** Maximum elements of one folded array: for any file, and for a file that stores little. */
const MAX_FOLDED = 2 ** 26;
const MIN_FOLDED = 2 ** 21;
/** Maximum steps to compute all folded arrays of a file that stores little. */
const MIN_STEPS = 2 ** 23;
/** Additional steps per stored element, for chains of operators on weights. */
const STEPS_PER_STORED = 32;

/** Operators that round nothing. */
const SELECTING: ReadonlySet<string> = new Set([
  "Reshape",
  "Transpose",
  "Expand",
  "Slice",
  "Concat",
  "Pad",
  "Gather",
  "GatherElements",
  "StopGradient",
  "Neg",
  "Abs",
  "Relu",
  "Max",
  "Min",
  "Clip",
  "Where",
  "ReduceMax",
  "Sign",
  "Floor",
  "Ceil",
  "Round",
]);

/** Operators that are exact on small whole numbers with a small result. */
const WHOLE: ReadonlySet<string> = new Set(["Add", "Sub", "Mul"]);

const isSmallAndWhole = (array: NdArray | null): boolean =>
  array?.data.every((v) => Number.isInteger(Number(v)) && Math.abs(Number(v)) < 2 ** 24) === true;

/** Evaluates the constant values of a graph, each once, within a budget of elements and steps. */
export class ConstantFolding {
  readonly #arrays = new Map<Value, NdArray | null>();
  readonly #constant = new Map<Value, boolean>();
  readonly #exact = new Map<Value, boolean>();
  readonly #maxElements: number;
  readonly #maxSteps: number;
  #steps = 0;

  /** `maxConstants` is the number of bytes that the user allows for computed constants (`--max-constants`). */
  constructor(graph: GraphProto, maxConstants = 0) {
    const stored = graph.initializer.reduce((sum, one) => sum + storedElements(one), 0);
    const allowed = maxConstants / 4;
    this.#maxElements = Math.max(Math.min(MAX_FOLDED, Math.max(MIN_FOLDED, 2 * stored)), allowed);
    this.#maxSteps = Math.max(MIN_STEPS, STEPS_PER_STORED * (stored + allowed));
  }

  /** Whether a value does not depend on an input. Evaluates nothing. */
  isConstant(value: Value): boolean {
    return memoized(
      value,
      this.#constant,
      (node) =>
        node.op !== "Input" && node.inputs.every((input) => this.#constant.get(input) === true),
    );
  }

  /**
   * The array of a value; null if the value depends on an input or has too many elements. Throws
   * `Error` if the steps of the file exceed the budget.
   */
  constantOf(value: Value): NdArray | null {
    if (!this.isConstant(value)) return null;
    return memoized(value, this.#arrays, (node) => this.#evaluate(node));
  }

  /**
   * Whether `constantOf` gives what a constant is in real arithmetic: its operators only move, compare or select numbers that
   * the file stores, or add and multiply small whole numbers. Integers count as what the runtime computes.
   */
  isExact(value: Value): boolean {
    return memoized(value, this.#exact, (node) => {
      if (!node.dtype.startsWith("float")) return true;
      if (refusalOf(node) !== undefined) return false;
      if (is(node, "Constant")) return realNumbersOf(node.attrs.array) === undefined;
      if (!node.inputs.every((input) => this.#exact.get(input) === true)) return false;
      if (SELECTING.has(node.op)) return true;
      const [array, ...inputs] = [node, ...node.inputs].map((one) => this.constantOf(one));
      if (array === null) return false;
      if (node.op === "Cast")
        return array.data.every((v, i) => Number(v) === Number(inputs[0]?.data[i]));
      return WHOLE.has(node.op) && [array, ...inputs].every(isSmallAndWhole);
    });
  }

  #evaluate(node: Value): NdArray | null {
    const arrays = node.inputs.map((input) => this.#arrays.get(input) ?? null);
    if (arrays.includes(null)) return null;
    if (elementCount(node.shape) > this.#maxElements) return null;
    this.#steps += workOf(node);
    if (!(this.#steps <= this.#maxSteps))
      throw new Error(
        `computing the constants of the file takes ${this.#steps} steps or more, but only ${this.#maxSteps} are allowed; if you trust the file, allow more with --max-constants SIZE`,
      );
    return evaluateNode(node, arrays as NdArray[]);
  }
}

/**
 * The result of `of` for a value, cached in `results`. Computes missing results of its inputs first,
 * without recursion: graphs can be deeper than the stack.
 */
function memoized<T>(value: Value, results: Map<Value, T>, of: (node: Value) => T): T {
  const stack = [value];
  while (stack.length > 0) {
    const node = stack[stack.length - 1];
    const waiting = results.has(node) ? [] : node.inputs.filter((input) => !results.has(input));
    if (waiting.length === 0) {
      if (!results.has(node)) results.set(node, of(node));
      stack.pop();
    } else for (const input of waiting) stack.push(input);
  }
  return results.get(value) as T;
}
