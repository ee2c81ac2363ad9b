// Values inside a foreign file that can hold a row of scores per image: what a message may suggest for --output.

import { is, topological, type Value } from "../engine/graph/value.ts";
import type { TracedValue } from "../engine/onnx/import/import-graph.ts";

/** Names that a message lists. */
const MAX_LISTED = 3;

/** Values that depend on an image through a layer with weights: the image itself, scaled or flattened, does not. */
function behindLayers(values: readonly Value[]): ReadonlySet<Value> {
  const fed = new Set<Value>();
  const behind = new Set<Value>();
  for (const value of topological<Value>(values)) {
    if (is(value, "Input") || value.inputs.some((one) => fed.has(one))) fed.add(value);
    const isLayer = is(value, "MatMul") || is(value, "Conv");
    if (value.inputs.some((one) => behind.has(one)) || (isLayer && fed.has(value)))
      behind.add(value);
  }
  return behind;
}

/** Whether a value has one row of numbers for each of so many images. */
function holdsRows({ dtype, shape }: Value, batch: number): boolean {
  const lengths = shape.filter((n) => n !== 1);
  const row = batch === 1 ? lengths : lengths.slice(1);
  return dtype.startsWith("float") && row.length === 1 && (batch === 1 || lengths[0] === batch);
}

/**
 * Names of values that can hold the scores, the last ones of the graph first; none in front of the first layer. `traced` is
 * what could be read of the file for `batch` images.
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

/** Names as a message lists them: `"a"`, `"a" or "b"`. */
export const listed = (names: readonly string[]): string =>
  names.map((name) => JSON.stringify(name)).join(" or ");
