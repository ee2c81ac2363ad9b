// Rewrites a file with new numbers in some of its tensors and leaves everything else unchanged.

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  ModelProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataType as T,
  type TensorProto,
  TensorProto_DataLocation,
} from "onnx-buf";
import { InternalError } from "../../../math/internal-error.ts";
import { type OnnxModel, storedTensors } from "../model.ts";
import { brainBits, halfBits } from "./half.ts";

/** The changes to a file. */
export interface ChangedModel {
  /** The original file, and its parsed form. */
  readonly bytes: Uint8Array;
  readonly model: OnnxModel;
  /** New elements of tensors, by their messages in `model`. */
  readonly arrays: ReadonlyMap<TensorProto, Float32Array>;
  /** Entries to add to `metadata_props`, or to replace there. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** A model file and its external data files. */
export interface ModelFiles {
  readonly bytes: Uint8Array;
  /** External data files, by their `location` in the model. */
  readonly external: ReadonlyMap<string, Uint8Array>;
}

/** Little-endian bytes of `data` in an ONNX element type. */
function encoded(type: number, data: Float32Array): Uint8Array<ArrayBuffer> {
  if (type === T.FLOAT) return new Uint8Array(Float32Array.from(data).buffer);
  if (type === T.DOUBLE) return new Uint8Array(Float64Array.from(data).buffer);
  const toBits = type === T.FLOAT16 ? halfBits : brainBits;
  return new Uint8Array(Uint16Array.from(data, toBits).buffer);
}

/** Replaces the elements of a message, in the field that holds them now. */
function fill(message: TensorProto, data: Float32Array): void {
  const { dataType: type } = message;
  if (message.rawData.length > 0) message.rawData = encoded(type, data);
  else if (type === T.FLOAT) message.floatData = Array.from(data);
  else if (type === T.DOUBLE) message.doubleData = Array.from(data);
  else message.int32Data = Array.from(data, type === T.FLOAT16 ? halfBits : brainBits);
}

/** Replaces the elements of a message in its external data file. */
function fillExternal(
  message: TensorProto,
  data: Float32Array,
  external: ReadonlyMap<string, Uint8Array>,
): void {
  const entries = new Map(message.externalData.map(({ key, value }) => [key, value]));
  const file = external.get(entries.get("location") ?? "");
  if (file === undefined) throw new InternalError(`no file beside the model for ${message.name}`);
  file.set(encoded(message.dataType, data), Number(entries.get("offset") ?? 0));
}

/**
 * The same file with new numbers in `arrays`. Nodes, names, shapes, element types, versions, layout and unknown fields
 * stay the same. New numbers are rounded to nearest for float16 and bfloat16. The given bytes do not change.
 */
export function withArrays({ bytes, model, arrays, metadata }: ChangedModel): ModelFiles {
  const copy = fromBinary(ModelProtoSchema, bytes);
  const targets = storedTensors(copy);
  const external = new Map([...model.external].map(([name, file]) => [name, file.slice()]));
  for (const [i, source] of storedTensors(model.proto).entries()) {
    const data = arrays.get(source);
    if (data === undefined) continue;
    if (source.dataLocation === TensorProto_DataLocation.EXTERNAL)
      fillExternal(targets[i], data, external);
    else fill(targets[i], data);
  }
  for (const [key, value] of Object.entries(metadata)) {
    const found = copy.metadataProps.find((entry) => entry.key === key);
    if (found === undefined)
      copy.metadataProps.push(create(StringStringEntryProtoSchema, { key, value }));
    else found.value = value;
  }
  return { bytes: toBinary(ModelProtoSchema, copy), external };
}
