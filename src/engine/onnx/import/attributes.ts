import {
  type AttributeProto,
  type GraphProto,
  AttributeProto_AttributeType as Kind,
  type TensorProto,
} from "onnx-buf";
import type { NdArray } from "../../../math/tensor.ts";
import type { UsageError } from "../../../math/usage-error.ts";

/** Typed access to the attributes of a node. An attribute of another type throws `UsageError`. */
export interface Attributes {
  has(name: string): boolean;
  int(name: string, fallback: number): number;
  ints(name: string, fallback?: readonly number[]): readonly number[] | undefined;
  float(name: string, fallback: number): number;
  floats(name: string): readonly number[] | undefined;
  string(name: string, fallback: string): string;
  strings(name: string): readonly string[] | undefined;
  tensor(name: string): NdArray | undefined;
  /** A subgraph; throws `UsageError` if the node has none of this name. */
  graph(name: string): GraphProto;
}

/** Reads attributes by name; `decode` makes an array of a stored tensor, and `error` an error about the node. */
export function attributeReader(
  attributes: ReadonlyMap<string, AttributeProto>,
  decode: (tensor: TensorProto) => NdArray,
  error: (text: string) => UsageError,
): Attributes {
  const decoder = new TextDecoder();
  /** The attribute of this name, which must have one of `kinds`. Old exporters state no type. */
  const find = (name: string, ...kinds: readonly Kind[]): AttributeProto | undefined => {
    const found = attributes.get(name);
    const type = found?.type ?? Kind.UNDEFINED;
    if (type === Kind.UNDEFINED || kinds.includes(type)) return found;
    throw error(
      `its attribute ${name} is of type ${Kind[type] ?? type}, and ${Kind[kinds[0]]} is needed; the file is corrupt`,
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
      if (found === undefined) return fallback;
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
      if (graph === undefined) throw error(`has no ${name}; the file is incomplete`);
      return graph;
    },
  };
}
