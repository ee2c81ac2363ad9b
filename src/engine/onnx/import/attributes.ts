import {
  type AttributeProto,
  type GraphProto,
  AttributeProto_AttributeType as Kind,
  type TensorProto,
} from "onnx-buf";
import type { NdArray } from "../../../math/tensor.ts";
import type { UsageError } from "../../../math/usage-error.ts";

/** Typed access to the attributes of a node. Throws `UsageError` for an attribute of another type. */
export interface Attributes {
  has(name: string): boolean;
  int(name: string, fallback: number): number;
  ints(name: string, fallback?: readonly number[]): readonly number[] | undefined;
  /** The fallback is rounded to float32, the type of the standard's defaults. */
  float(name: string, fallback: number): number;
  floats(name: string): readonly number[] | undefined;
  string(name: string, fallback: string): string;
  strings(name: string): readonly string[] | undefined;
  tensor(name: string): NdArray | undefined;
  /** A subgraph. Throws `UsageError` if the attribute is missing. */
  graph(name: string): GraphProto;
}

/** Reads attributes by name. `decode` decodes a tensor; `invalid` makes the error about an invalid node. */
export function attributeReader(
  attributes: ReadonlyMap<string, AttributeProto>,
  decode: (tensor: TensorProto) => NdArray,
  invalid: (text: string) => UsageError,
): Attributes {
  const decoder = new TextDecoder();
  /** The attribute with this name, which must have one of `kinds`. Old exporters do not state the type. */
  const find = (name: string, ...kinds: readonly Kind[]): AttributeProto | undefined => {
    const found = attributes.get(name);
    const type = found?.type ?? Kind.UNDEFINED;
    if (type === Kind.UNDEFINED || kinds.includes(type)) return found;
    throw invalid(
      `attribute ${name} has the type ${Kind[type] ?? type}, but ${Kind[kinds[0]]} is required`,
    );
  };
  return {
    has: (name) => attributes.has(name),
    int(name, fallback) {
      const found = find(name, Kind.INT);
      return found === undefined ? fallback : Number(found.i);
    },
    ints: (name, fallback) => find(name, Kind.INTS)?.ints.map(Number) ?? fallback,
    float(name, fallback) {
      const found = find(name, Kind.FLOAT, Kind.INT);
      if (found === undefined) return Math.fround(fallback);
      return found.type === Kind.INT ? Number(found.i) : found.f;
    },
    floats: (name) => find(name, Kind.FLOATS)?.floats,
    string(name, fallback) {
      const found = find(name, Kind.STRING);
      return found === undefined ? fallback : decoder.decode(found.s);
    },
    strings: (name) => find(name, Kind.STRINGS)?.strings.map((one) => decoder.decode(one)),
    tensor(name) {
      const tensor = find(name, Kind.TENSOR)?.t;
      return tensor === undefined ? undefined : decode(tensor);
    },
    graph(name) {
      const graph = find(name, Kind.GRAPH)?.g;
      if (graph === undefined) throw invalid(`attribute ${name} (a subgraph) is missing`);
      return graph;
    },
  };
}
