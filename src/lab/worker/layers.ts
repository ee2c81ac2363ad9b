// The operators of an ONNX file and the shapes of what they return.
import * as g from "../../engine/graph/expressions.ts";
import { type TracedValue, traceGraph } from "../../engine/onnx/import/import-graph.ts";
import type { Declared, OnnxModel } from "../../engine/onnx/model.ts";
import { UsageError } from "../../index.ts";
import type { LayerFacts } from "../protocol.ts";

/** Lengths that a file leaves open: 1 for the batch, and those of the images after it. */
function shapeOf({ shape }: Declared, images: readonly number[]): number[] | null {
  if (shape === null) return null;
  const open = [1, ...images];
  const lengths = shape.map((length, i) => (typeof length === "number" ? length : open[i]));
  return lengths.every((length) => Number.isInteger(length) && length > 0) ? lengths : null;
}

/** The values of the graph for one image; none where a length is not known. */
function traced(model: OnnxModel, images: readonly number[]): readonly TracedValue[] {
  const inputs: Record<string, ReturnType<typeof g.input>> = {};
  for (const declared of model.inputs) {
    const shape = shapeOf(declared, images);
    if (shape !== null) inputs[declared.name] = g.input(declared.name, shape);
  }
  try {
    return traceGraph(model, inputs, { wanted: model.outputs.map(({ name }) => name) });
  } catch (error) {
    if (error instanceof UsageError) return [];
    throw error;
  }
}

/**
 * The operators in the order of the file. The one that cannot be read is the first without a value whose inputs all have one;
 * `isRead` says that there is none. `images` is [channel, height, width], for a file that leaves it open.
 */
export function layersOf(
  model: OnnxModel,
  images: readonly number[],
  isRead: boolean,
): LayerFacts[] {
  const values = new Map(traced(model, images).map(({ name, value }) => [name, value]));
  const known = new Set([
    ...values.keys(),
    ...model.inputs.map(({ name }) => name),
    ...model.graph.initializer.map(({ name }) => name),
    "",
  ]);
  let isFound = isRead || values.size === 0;
  return model.graph.node.map(({ name, opType, input, output }) => {
    const value = values.get(output[0]);
    const isWrong = !isFound && value === undefined && input.every((one) => known.has(one));
    isFound ||= isWrong;
    return {
      name: name || output[0] || opType,
      op: opType,
      shape: value === undefined ? "" : value.shape.join(" × "),
      isWrong,
    };
  });
}
