// Runs small ONNX files in tests, by the reference interpreter.

import type { NodeProto } from "onnx-buf";
import * as g from "../graph/expressions.ts";
import { interpret } from "../graph/interpret.ts";
import type { Value } from "../graph/value.ts";
import type { NdArray } from "../math/tensor.ts";
import { type Imported, type ImportOptions, importGraph } from "./import.ts";
import { readModel } from "./model.ts";
import { type FixtureOptions, onnxFile } from "./model-fixture.ts";

/** What a file is made of besides its nodes; its outputs are called y unless they are named. */
export interface RunOptions extends Partial<FixtureOptions> {
  readonly importOptions?: ImportOptions;
  /** Names of the outputs. */
  readonly results?: readonly string[];
}

const shapesOf = (feeds: Readonly<Record<string, NdArray>>) =>
  Object.fromEntries(Object.entries(feeds).map(([name, { shape }]) => [name, shape]));

/** Nodes as expressions of what is fed. */
export function imported(
  nodes: NodeProto[],
  feeds: Readonly<Record<string, NdArray>>,
  options: RunOptions = {},
): Imported & { readonly inputs: Readonly<Record<string, Value>> } {
  const { results = ["y"], importOptions, ...fixture } = options;
  const file = onnxFile(nodes, {
    inputs: shapesOf(feeds),
    inputTypes: Object.fromEntries(Object.entries(feeds).map(([name, { dtype }]) => [name, dtype])),
    outputs: Object.fromEntries(results.map((name) => [name, null])),
    ...fixture,
  });
  const model = readModel(file);
  const inputs = Object.fromEntries(
    model.inputs.map(({ name, dtype }) => [name, g.input(name, feeds[name].shape, dtype)]),
  );
  const { outputs, notes } = importGraph(model, inputs, importOptions);
  return { outputs, notes, inputs };
}

/** The arrays that nodes make of what is fed, by name. */
export function runNodes(
  nodes: NodeProto[],
  feeds: Readonly<Record<string, NdArray>>,
  options: RunOptions = {},
): Readonly<Record<string, NdArray>> {
  const { outputs } = imported(nodes, feeds, options);
  const names = Object.keys(outputs);
  const arrays = interpret(Object.values(outputs), feeds);
  return Object.fromEntries(names.map((name, i) => [name, arrays[i]]));
}

/** The numbers of the output y. */
export const numbersOf = (
  nodes: NodeProto[],
  feeds: Readonly<Record<string, NdArray>>,
  options: RunOptions = {},
): number[] => Array.from(runNodes(nodes, feeds, options).y.data as ArrayLike<number>, Number);
