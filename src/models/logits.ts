import * as g from "../graph/expressions.ts";
import { is, type Value } from "../graph/value.ts";
import { sizeOf } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";

/** Scores [batch, classes] in which an attack finds gradients, and what was taken off the file's end for them. */
export interface Logits {
  readonly logits: Value;
  readonly removed: readonly string[];
}

/** Operators that only arrange or convert, through which a softmax is seen. */
const arranging: ReadonlySet<string> = new Set(["Reshape", "Cast", "Expand"]);

/** exp(x) / Σ exp(x), written out: x, or undefined where `value` is something else. */
function writtenOut(value: Value): Value | undefined {
  if (!is(value, "Div")) return undefined;
  const [top, bottom] = value.inputs;
  const sum = is(bottom, "Expand") ? bottom.inputs[0] : bottom;
  return is(top, "Exp") && is(sum, "ReduceSum") && sum.inputs[0] === top
    ? top.inputs[0]
    : undefined;
}

/** What an output was before it became probabilities or a class index; argmax is the same. */
function unwrapped(value: Value, removed: string[]): Value {
  if (is(value, "Softmax") || is(value, "LogSoftmax")) {
    removed.push(value.op);
    return unwrapped(value.inputs[0], removed);
  }
  const exponent = writtenOut(value);
  if (exponent !== undefined) {
    removed.push("Softmax");
    return exponent;
  }
  if (is(value, "Sigmoid")) {
    removed.push("Sigmoid");
    return value.inputs[0];
  }
  if (is(value, "ArgMax") || is(value, "TopKIndices")) {
    removed.push(value.op === "ArgMax" ? "ArgMax" : "TopK");
    return unwrapped(value.inputs[0], removed);
  }
  if (
    is(value, "GatherElements") &&
    is(value.inputs[1], "TopKIndices") &&
    value.inputs[1].inputs[0] === value.inputs[0]
  ) {
    removed.push("TopK");
    return unwrapped(value.inputs[0], removed);
  }
  if (arranging.has(value.op)) {
    const inner: string[] = [];
    const under = unwrapped(value.inputs[0], inner);
    if (inner.length === 0) return value;
    removed.push(...inner);
    return under;
  }
  return value;
}

/** An output as rows of numbers [batch, outputs], whatever they mean. */
export function outputsOf(output: Value, batch: number, name: string): Logits {
  const count = sizeOf(output.shape) / batch;
  if (!output.dtype.startsWith("float"))
    throw new UsageError(
      `output ${name} holds ${output.dtype}, not scores; choose the one with the classes' scores by --output`,
    );
  // Axes of length 1 may stand before the batch or anywhere else.
  const lengths = output.shape.filter((n) => n !== 1);
  if (!Number.isInteger(count) || (batch > 1 && lengths[0] !== batch))
    throw new UsageError(
      `output ${name} has shape [${output.shape.join(", ")}] for a batch of ${batch}; one row per picture is needed, so choose another --output`,
    );
  return { logits: g.cast(g.reshape(output, [batch, count]), "float32"), removed: [] };
}

/** The logits [batch, classes] behind an output; a single score z becomes the two classes [0, z]. */
export function logitsOf(output: Value, batch: number, name: string): Logits {
  const removed: string[] = [];
  const scores = unwrapped(output, removed);
  if (scores.shape.filter((n) => n > 1).length > (batch > 1 ? 2 : 1))
    throw new UsageError(
      `output ${name} has shape [${scores.shape.join(", ")}], as segmentation or detection have; a classifier gives one row of scores per picture, so choose another --output`,
    );
  const { logits } = outputsOf(scores, batch, name);
  if (logits.shape[1] > 1) return { logits, removed };
  return { logits: g.concat([g.mul(logits, g.scalar(0)), logits], 1), removed };
}
