import type { AttributeProto, GraphProto, NodeProto, TensorProto } from "onnx-buf";
import type { Note } from "../../../math/note.ts";
import { elementCount, type NdArray } from "../../../math/tensor.ts";
import { UsageError } from "../../../math/usage-error.ts";
import type { Value } from "../../graph/value.ts";
import { type Attributes, attributeReader } from "./attributes.ts";

/** What the importer of an operator can ask of the file and of the import as a whole. */
export interface ImportContext {
  /** Whether to differentiate step functions straight through (Bengio et al. 2013, arXiv:1308.3432). */
  readonly straightThrough: boolean;
  /** The batch that the file is fixed to and the batch that it is rewritten to; null without a rewrite. */
  readonly batch: { readonly stated: number; readonly wanted: number } | null;
  /** Bytes of computed constants that the user allows; 0 leaves the built-in limits. */
  readonly maxConstants: number;
  /** The array of a value that depends on no input; null for other values, and for arrays over the limit. */
  constantOf(value: Value): NdArray | null;
  /** Whether a value depends on no input. Unlike `constantOf`, evaluates nothing. */
  isConstant(value: Value): boolean;
  /** Counts nodes that the importer writes out, 1 by default, toward the nodes that a file may have. */
  countNodes(nodes?: number): void;
  /** ONNX's element type of a value, if the file states it. Our element types are fewer. */
  elementType(value: Value): number | undefined;
  /** The same value, with ONNX's element type recorded. */
  withElementType(value: Value, elementType: number): Value;
  decode(tensor: TensorProto): NdArray;
  /** The outputs of a subgraph, which can read all names around the node. `bound` are its inputs, in order. */
  importSubgraph(graph: GraphProto, bound?: readonly Value[]): Value[];
  /** A value that stands for a sequence of values. */
  sequence(values: readonly Value[]): Value;
  /** The values of a sequence; undefined if the value is none. */
  sequenceValues(value: Value): readonly Value[] | undefined;
  /** Channels per block of blocked memory, in a file that was optimised for one kind of CPU. */
  blockSize(): number;
  /** Adds a note to the result, once for each text. */
  note(note: Note): void;
  /** Notes that an operator of this type is a step function. */
  noteStepwise(type: string): void;
}

/** One node of a file, with its inputs as expressions. */
export interface ImportNode extends ImportContext, Attributes {
  readonly type: string;
  /** Version of the operator set that the node belongs to. */
  readonly opset: number;
  /** Inputs in the order of the operator; undefined if left out. */
  readonly inputs: readonly (Value | undefined)[];
  /** Number of outputs that the node names. */
  readonly outputs: number;
  /** Attributes by name; references to attributes of a function are resolved. */
  readonly attributes: ReadonlyMap<string, AttributeProto>;
  /** A required input; throws `UsageError` if it is left out. */
  input(i: number): Value;
  /**
   * The array of a constant input; undefined if left out. Throws `UsageError` if it is not
   * constant, or too large.
   */
  constant(i: number): NdArray | undefined;
  /** The elements of `constant` as numbers. */
  constantNumbers(i: number): readonly number[] | undefined;
  /** An error about this node, with the code `bad-file`. */
  error(text: string): UsageError;
}

/** Makes expressions of a node: one value per output, in order. */
export type Importer = (node: ImportNode) => Value | readonly Value[];

/** Importers by operator. */
export type Importers = Readonly<Record<string, Importer>>;

/** A node needs a constant, and its input depends on an input of the graph. */
export class NotConstant extends UsageError {}

/** No importer has the operator of a node. */
export class UnknownOperator extends UsageError {}

/** What messages call a node: `node "conv1" (Conv, opset 17)`. */
export const describeNode = ({ name, opType, domain, output }: NodeProto, opset: number): string =>
  `node ${JSON.stringify(name || output[0] || "")} (${domain === "" ? "" : `${domain}.`}${opType}, opset ${opset})`;

type Inputs = Pick<ImportNode, "inputs" | "input" | "constant" | "constantNumbers">;

function inputReader(
  proto: NodeProto,
  opset: number,
  inputs: readonly (Value | undefined)[],
  context: ImportContext,
  error: (text: string) => UsageError,
): Inputs {
  function constant(i: number): NdArray | undefined {
    const value = inputs[i];
    if (value === undefined) return undefined;
    const array = context.constantOf(value);
    if (array !== null) return array;
    if (context.isConstant(value))
      throw error(
        `its input ${i} (${proto.input[i]}) has [${value.shape.join(", ")}] elements to compute while the file is read, which is more than is allowed; if you trust it, allow more with --max-constants SIZE`,
      );
    throw new NotConstant(
      `${describeNode(proto, opset)}: its input ${i} (${proto.input[i]}) depends on the inputs of the model, and so does its shape or operation; bind that input to a constant, or export the model with fixed sizes`,
      { code: "bad-file" },
    );
  }
  return {
    inputs,
    constant,
    constantNumbers(i) {
      const array = constant(i);
      return array && Array.from(array.data as ArrayLike<number>, Number);
    },
    input(i) {
      const value = inputs[i];
      if (value === undefined) throw error(`input ${i} is missing; the file is incomplete`);
      return value;
    },
  };
}

/** A node for its importer, from its message, its resolved attributes and its inputs. */
export function importNode(
  proto: NodeProto,
  attributes: ReadonlyMap<string, AttributeProto>,
  opset: number,
  inputs: readonly (Value | undefined)[],
  context: ImportContext,
): ImportNode {
  const error = (text: string) =>
    new UsageError(`${describeNode(proto, opset)}: ${text}`, { code: "bad-file" });
  return {
    ...context,
    ...attributeReader(attributes, context.decode, error),
    ...inputReader(proto, opset, inputs, context, error),
    type: proto.opType,
    opset,
    outputs: proto.output.length,
    attributes,
    error,
  };
}

/** The first output of an importer that gets x as its only input, and everything else from `node`. */
export const importWith = (importer: Importer, node: ImportNode, x: Value): Value =>
  [importer({ ...node, inputs: [x], input: () => x })].flat()[0];

/** An axis counted from the front; throws `UsageError` if the value has no such axis. */
export function axisOf(node: ImportNode, axis: number, rank: number): number {
  const fromFront = axis < 0 ? axis + rank : axis;
  if (!(fromFront >= 0 && fromFront < Math.max(rank, 1)))
    throw node.error(`axis ${axis} of a value with ${rank} axes`);
  return fromFront;
}

/** The single number of a constant input, or the fallback if the input is left out. */
export function constantNumber(node: ImportNode, i: number, fallback: number): number {
  const array = node.constant(i);
  if (array === undefined) return fallback;
  if (elementCount(array.shape) !== 1)
    throw node.error(`input ${i} has shape [${array.shape.join(", ")}]; one number is needed`);
  return Number(array.data[0]);
}
