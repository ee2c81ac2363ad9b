// The official operator tests of ONNX: each is a model, what goes in and what must come out.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema, TensorProtoSchema } from "onnx-buf";
import { gunzipped } from "../src/data/gunzip.ts";
import { readTar } from "../src/data/tar.ts";
import * as g from "../src/graph/expressions.ts";
import type { Value } from "../src/graph/value.ts";
import type { NdArray } from "../src/math/tensor.ts";
import { type Imported, importGraph } from "../src/onnx/import.ts";
import { NotConstant } from "../src/onnx/import-node.ts";
import { type OnnxModel, readModel } from "../src/onnx/model.ts";
import { decodeTensor } from "../src/onnx/tensors.ts";

const ARCHIVE = "onnx/onnx-node-tests-v1.17.0.tar.gz";

/** One official test. */
export interface OnnxCase {
  /** `node/test_relu`. */
  readonly name: string;
  readonly model: Uint8Array;
  /** Messages of the arrays that go in and must come out, in order. */
  readonly inputs: readonly Uint8Array[];
  readonly outputs: readonly Uint8Array[];
}

/** Where the archive lies; undefined if it is not there. */
export function archivePath(): string | undefined {
  const path = join(process.env.RAMPART_DATA ?? "", ARCHIVE);
  return process.env.RAMPART_DATA !== undefined && existsSync(path) ? path : undefined;
}

/** All official tests of an archive. */
export async function readCases(path: string): Promise<OnnxCase[]> {
  const files = readTar(path, await gunzipped(path, readFileSync(path)));
  const numbered = (dir: string, kind: string) => {
    const found: Uint8Array[] = [];
    for (let i = 0; ; i++) {
      const bytes = files.get(`${dir}/test_data_set_0/${kind}_${i}.pb`);
      if (bytes === undefined) return found;
      found.push(bytes);
    }
  };
  return [...files].flatMap(([file, model]) => {
    if (!file.endsWith("/model.onnx")) return [];
    const dir = file.slice(0, -"/model.onnx".length);
    const inputs = numbered(dir, "input");
    return [{ name: dir.replace(/^\.\//, ""), model, inputs, outputs: numbered(dir, "output") }];
  });
}

/** The operators of a model. */
export const nodesOf = (bytes: Uint8Array) => fromBinary(ModelProtoSchema, bytes).graph?.node ?? [];

/** An array of a test, as ours. */
export const arrayOf = (bytes: Uint8Array): NdArray =>
  decodeTensor(fromBinary(TensorProtoSchema, bytes));

/** A test's model as expressions, with what it is fed. */
export interface ReadCase extends Imported {
  readonly model: OnnxModel;
  readonly inputs: Readonly<Record<string, Value>>;
  readonly feeds: Readonly<Record<string, NdArray>>;
}

/** Reads a test's model for the shapes of its inputs; shapes and the like that a test feeds are bound as constants. */
export function readCase({ model: bytes, inputs }: OnnxCase): ReadCase {
  const model = readModel(bytes);
  const feeds = Object.fromEntries(model.inputs.map(({ name }, i) => [name, arrayOf(inputs[i])]));
  const bound = (isFed: (array: NdArray) => boolean) =>
    Object.fromEntries(
      Object.entries(feeds).map(([name, array]) => [
        name,
        isFed(array) ? g.input(name, array.shape, array.dtype) : g.constant(array),
      ]),
    );
  const tries = [() => true, ({ dtype }: NdArray) => dtype.startsWith("float"), () => false];
  for (const isFed of tries) {
    const values = bound(isFed);
    try {
      return { model, feeds, inputs: values, ...importGraph(model, values) };
    } catch (error) {
      if (!(error instanceof NotConstant)) throw error;
    }
  }
  throw new Error("internal: a model of constants is not constant");
}

/** The first element in which two arrays differ by more than the official tolerance; undefined if none does. */
export function firstDifference(actual: NdArray, expected: NdArray): string | undefined {
  if (actual.shape.join() !== expected.shape.join())
    return `shape [${actual.shape}] instead of [${expected.shape}]`;
  for (let i = 0; i < expected.data.length; i++) {
    const [a, b] = [Number(actual.data[i]), Number(expected.data[i])];
    if (Object.is(a, b) || a === b || (Number.isNaN(a) && Number.isNaN(b))) continue;
    if (!(Math.abs(a - b) <= 1e-6 + 1e-3 * Math.abs(b)))
      return `element ${i}: ${a} instead of ${b}`;
  }
  return undefined;
}
