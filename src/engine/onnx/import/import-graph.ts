// A file of anybody's as an expression of our graph.

import type { Note } from "../../../math/note.ts";
import { UsageError } from "../../../math/usage-error.ts";
import type { Value } from "../../graph/value.ts";
import type { OnnxModel } from "../model.ts";
import { GraphImporter, type TracedValue } from "./graph-importer.ts";
import { unfedInputs } from "./order.ts";

export interface ImportOptions {
  /** Whether rounding and the like hand their gradient through. */
  readonly straightThrough?: boolean;
  /**
   * Rewrites a file that is fixed to one batch to another: lengths in its reshapes, and constants that it joins to what
   * has a batch. What results must be checked against single runs.
   */
  readonly batch?: { readonly stated: number; readonly wanted: number };
  /** Channels that the CPU keeps together that the file was optimised for; found from its weights by default. */
  readonly blockSize?: number;
  /** Bytes of constants that may be made while the file is read, where the caller says so. */
  readonly maxConstants?: number;
  /** Names of what is wanted, outputs of the file or of any of its nodes; all outputs by default. Only its nodes are read. */
  readonly wanted?: readonly string[];
}

/** What a file became. */
export interface Imported {
  /** By the names of the file. */
  readonly outputs: Readonly<Record<string, Value>>;
  /** Remarks on gradients, precision and training mode, each once. */
  readonly notes: readonly Note[];
}

/**
 * The outputs of a file as expressions of `inputs`, which name and shape what is fed: dimensions that the file leaves
 * open are bound by them. Throws `UsageError` with the node's name where something cannot be read.
 */
export function importGraph(
  model: OnnxModel,
  inputs: Readonly<Record<string, Value>>,
  options: ImportOptions = {},
): Imported {
  const importer = new GraphImporter(model, options);
  const names = options.wanted ?? model.outputs.map(({ name }) => name);
  const unfed = unfedInputs(model, Object.keys(inputs), names);
  if (unfed.length > 0) throw new UsageError(`internal: no value for the input ${unfed[0].name}`);
  const values = importer.read(inputs, names);
  return {
    outputs: Object.fromEntries(names.map((name, i) => [name, values[i]])),
    notes: importer.notes,
  };
}

/**
 * The values that the outputs in `wanted` are made of, inputs before users, as expressions of `inputs`. What cannot be
 * read, and what depends on it, is left out.
 */
export const traceGraph = (
  model: OnnxModel,
  inputs: Readonly<Record<string, Value>>,
  options: ImportOptions & { readonly wanted: readonly string[] },
): TracedValue[] => new GraphImporter(model, options).trace(inputs, options.wanted);

export type { TracedValue } from "./graph-importer.ts";
