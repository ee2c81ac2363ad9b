import { InternalError } from "../../../math/internal-error.ts";
import type { Note } from "../../../math/note.ts";
import type { Value } from "../../graph/value.ts";
import type { OnnxModel } from "../model.ts";
import { GraphImporter, type TracedValue } from "./graph-importer.ts";
import type { ImportOptions } from "./import-options.ts";
import { unfedInputs } from "./order.ts";

/** The result of an import. */
export interface Imported {
  /** Values by their names in the file. */
  readonly outputs: Readonly<Record<string, Value>>;
  /** Notes on gradients, precision and training mode, each once. */
  readonly notes: readonly Note[];
}

/**
 * Imports outputs of a model as expressions of `inputs`. The shapes of `inputs` bind the open
 * dimensions of the file. Throws `UsageError` with the name of the node that cannot be imported.
 */
export function importGraph(
  model: OnnxModel,
  inputs: Readonly<Record<string, Value>>,
  options: ImportOptions = {},
): Imported {
  const importer = new GraphImporter(model, options);
  const names = options.wanted ?? model.outputs.map(({ name }) => name);
  const unfed = unfedInputs(model, Object.keys(inputs), names);
  if (unfed.length > 0) throw new InternalError(`no value for the input ${unfed[0].name}`);
  const values = importer.importValues(inputs, names);
  return {
    outputs: Object.fromEntries(names.map((name, i) => [name, values[i]])),
    notes: importer.notes,
  };
}

/**
 * Imports all values that the outputs in `wanted` depend on, inputs before users. Skips values that cannot be imported,
 * and values that depend on them.
 */
export const traceGraph = (
  model: OnnxModel,
  inputs: Readonly<Record<string, Value>>,
  options: ImportOptions & { readonly wanted: readonly string[] },
): TracedValue[] => new GraphImporter(model, options).trace(inputs, options.wanted);

export type { TracedValue } from "./graph-importer.ts";
