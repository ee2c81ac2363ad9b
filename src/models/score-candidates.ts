// Values inside an imported file that can hold a row of scores per image, as suggestions for --output.

import { is, topological, type Value } from "../engine/graph/value.ts";
import type { TracedValue } from "../engine/onnx/import/import-graph.ts";

/** The maximum number of suggestions. */
const MAX_LISTED = 3;

/** The values that depend on an image through a layer with weights; the image itself, scaled or flattened, is none. */
function behindLayers(values: readonly Value[]): ReadonlySet<Value> {
  const dependent = new Set<Value>();
  const behind = new Set<Value>();
  for (const value of topological<Value>(values)) {
    if (is(value, "Input") || value.inputs.some((one) => dependent.has(one))) dependent.add(value);
    const isLayer = is(value, "MatMul") || is(value, "Conv");
    if (value.inputs.some((one) => behind.has(one)) || (isLayer && dependent.has(value)))
      behind.add(value);
  }
  return behind;
}

/** Whether a value holds one row of numbers for each of `batch` images. */
function holdsRows({ dtype, shape }: Value, batch: number): boolean {
  const lengths = shape.filter((n) => n !== 1);
  const row = batch === 1 ? lengths : lengths.slice(1);
  return dtype.startsWith("float") && row.length === 1 && (batch === 1 || lengths[0] === batch);
}

/**
 * Names of values that can hold the scores, the last ones of the graph first; never a value before the first layer.
 * `traced` are the values that could be read for `batch` images.
 */
export function scoreCandidates(traced: readonly TracedValue[], batch: number): string[] {
  const behind = behindLayers(traced.map(({ value }) => value));
  const seen = new Set<Value>();
  const names: string[] = [];
  for (const { name, value } of traced.toReversed()) {
    if (!behind.has(value) || !holdsRows(value, batch) || seen.has(value)) continue;
    seen.add(value);
    names.push(name);
  }
  return names.slice(0, MAX_LISTED);
}

/** Names for a message: `"a" or "b"`. */
export const listed = (names: readonly string[]): string =>
  names.map((name) => JSON.stringify(name)).join(" or ");
