import {
  type AttributeProto,
  type GraphProto,
  AttributeProto_AttributeType as Kind,
  type NodeProto,
  type TensorProto,
} from "onnx-buf";
import type { Note } from "../../../math/note.ts";
import { type NdArray, sizeOf } from "../../../math/tensor.ts";
import { UsageError } from "../../../math/usage-error.ts";
import type { Value } from "../../graph/value.ts";

/** What a translation may ask of the file around a node. */
export interface ImportContext {
  /** The array behind a value that depends on no input of the graph, else null. */
  constantOf(value: Value): NdArray | null;
  /** Counts a step of what is written out toward the nodes that a file may have, as one or as several. */
  countNodes(nodes?: number): void;
  /** Whether a value depends on no input of the graph; unlike its array, that costs nothing to know. */
  isConstant(value: Value): boolean;
  /** ONNX's element type of an array stored in the file, where our own says less. */
  elementType(value: Value): number | undefined;
  /** Remembers ONNX's element type of a value. */
  withElementType(value: Value, elementType: number): Value;
  decode(tensor: TensorProto): NdArray;
  /** The outputs of a subgraph, which sees the names around the node; its inputs are bound in order. */
  importSubgraph(graph: GraphProto, bound?: readonly Value[]): Value[];
  /** What stands for a list of values, which ONNX calls a sequence. */
  sequence(values: readonly Value[]): Value;
  /** The values of such a list; undefined for anything else. */
  sequenceValues(value: Value): readonly Value[] | undefined;
  /** Whether rounding and the like hand their gradient through (Bengio et al. 2013). */
  readonly straightThrough: boolean;
  /** The batch that the file is fixed to, and the one that it is rewritten to. */
  readonly batch: { readonly stated: number; readonly wanted: number } | null;
  /** Bytes of constants that the caller allows; 0 where nothing is said. */
  readonly maxConstants: number;
  /** Channels that blocked memory keeps together, in a file that was optimised for one kind of CPU. */
  blockSize(): number;
  /** Adds a note to the result, once for each text. */
  note(note: Note): void;
  /** Reports an operator whose gradient is zero almost everywhere, or approximate where `straightThrough` is set. */
  noteStepwise(type: string): void;
}

/** One node of a file with its inputs as expressions. */
export interface ImportNode extends ImportContext {
  readonly type: string;
  /** Version of the operator set that the node belongs to. */
  readonly opset: number;
  /** Inputs in the order of the operator; undefined where one is left out. */
  readonly inputs: readonly (Value | undefined)[];
  /** How many outputs the node names. */
  readonly outputs: number;
  /** Its attributes by name, references to those of a function resolved. */
  readonly attributes: ReadonlyMap<string, AttributeProto>;
  has(name: string): boolean;
  int(name: string, fallback: number): number;
  ints(name: string, fallback?: readonly number[]): readonly number[] | undefined;
  float(name: string, fallback: number): number;
  floats(name: string): readonly number[] | undefined;
  text(name: string, fallback: string): string;
  texts(name: string): readonly string[] | undefined;
  tensor(name: string): NdArray | undefined;
  graph(name: string): GraphProto;
  /** A required input. */
  input(i: number): Value;
  /** The array of an input that must not depend on the image; undefined where it is left out. */
  constant(i: number): NdArray | undefined;
  /** The whole numbers of such an input. */
  constantInts(i: number): readonly number[] | undefined;
  /** An error about this node. */
  error(text: string): UsageError;
}

/** An operator as expressions: one value per output. */
export type Importer = (node: ImportNode) => Value | readonly Value[];

/** Translations by operator. */
export type Importers = Readonly<Record<string, Importer>>;

/** Why a node cannot be read when a needed constant depends on the image. */
export class NotConstant extends UsageError {}

/** Why a file cannot be read when it has an operator that no importer knows. */
export class UnknownOperator extends UsageError {}

/** What an error calls a node. */
export const describeNode = ({ name, opType, domain, output }: NodeProto, opset: number): string =>
  `node ${JSON.stringify(name || output[0] || "")} (${domain === "" ? "" : `${domain}.`}${opType}, opset ${opset})`;

const numbers = (array: NdArray): number[] => Array.from(array.data as ArrayLike<number>, Number);

/** A node with its attributes and inputs at hand. */
export function importNode(
  proto: NodeProto,
  attributes: ReadonlyMap<string, AttributeProto>,
  opset: number,
  inputs: readonly (Value | undefined)[],
  around: ImportContext,
): ImportNode {
  const error = (text: string) => new UsageError(`${describeNode(proto, opset)}: ${text}`);
  const arrays = new Map<string, NdArray>();
  /** An attribute of one of these types; old writers state no type. */
  const attribute = (name: string, ...kinds: readonly Kind[]): AttributeProto | undefined => {
    const found = attributes.get(name);
    const type = found?.type ?? Kind.UNDEFINED;
    if (type === Kind.UNDEFINED || kinds.includes(type)) return found;
    throw error(
      `its attribute ${name} is of type ${Kind[type] ?? type}, and ${Kind[kinds[0]]} is needed; the file is corrupt`,
    );
  };
  return {
    ...around,
    type: proto.opType,
    opset,
    inputs,
    outputs: proto.output.length,
    attributes,
    error,
    has: (name) => attributes.has(name),
    int(name, fallback) {
      const found = attribute(name, Kind.INT);
      return found === undefined ? fallback : Number(found.i);
    },
    ints: (name, fallback) => attribute(name, Kind.INTS)?.ints.map(Number) ?? fallback,
    float(name, fallback) {
      const found = attribute(name, Kind.FLOAT, Kind.INT);
      if (found === undefined) return fallback;
      return found.type === Kind.INT ? Number(found.i) : found.f;
    },
    floats: (name) => attribute(name, Kind.FLOATS)?.floats,
    text(name, fallback) {
      const found = attribute(name, Kind.STRING);
      return found === undefined ? fallback : new TextDecoder().decode(found.s);
    },
    texts: (name) =>
      attribute(name, Kind.STRINGS)?.strings.map((one) => new TextDecoder().decode(one)),
    tensor(name) {
      const tensor = attribute(name, Kind.TENSOR)?.t;
      if (tensor === undefined) return undefined;
      const array = arrays.get(name) ?? around.decode(tensor);
      arrays.set(name, array);
      return array;
    },
    graph(name) {
      const graph = attribute(name, Kind.GRAPH)?.g;
      if (graph === undefined) throw error(`has no ${name}; the file is incomplete`);
      return graph;
    },
    input(i) {
      const value = inputs[i];
      if (value === undefined) throw error(`input ${i} is missing; the file is incomplete`);
      return value;
    },
    constant(i) {
      const value = inputs[i];
      if (value === undefined) return undefined;
      const array = around.constantOf(value);
      if (array === null && around.isConstant(value))
        throw error(
          `its input ${i} (${proto.input[i]}) has [${value.shape.join(", ")}] elements to compute while the file is read, which is more than is allowed; if you trust it, allow more with --max-constants SIZE`,
        );
      if (array === null)
        throw new NotConstant(
          `${describeNode(proto, opset)}: its input ${i} (${proto.input[i]}) depends on what is fed, and its shape or operation with it; bind that input to a constant, or export the model with fixed sizes`,
        );
      return array;
    },
    constantInts(i) {
      const array = this.constant(i);
      return array === undefined ? undefined : numbers(array);
    },
  };
}

/** An axis counted from the front. */
export function axisOf(node: ImportNode, axis: number, rank: number): number {
  const counted = axis < 0 ? axis + rank : axis;
  if (!(counted >= 0 && counted < Math.max(rank, 1)))
    throw node.error(`axis ${axis} of a value with ${rank} axes`);
  return counted;
}

/** The only number of a constant input, or the fallback where it is left out. */
export function constantNumber(node: ImportNode, i: number, fallback: number): number {
  const array = node.constant(i);
  if (array === undefined) return fallback;
  if (sizeOf(array.shape) !== 1)
    throw node.error(`input ${i} has shape [${array.shape.join(", ")}]; one number is needed`);
  return Number(array.data[0]);
}
