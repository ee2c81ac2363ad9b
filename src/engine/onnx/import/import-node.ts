import type { AttributeProto, GraphProto, NodeProto, TensorProto } from "onnx-buf";
import type { Note } from "../../../math/note.ts";
import { elementCount, type NdArray } from "../../../math/tensor.ts";
import { UsageError } from "../../../math/usage-error.ts";
import type { Value } from "../../graph/value.ts";
import { type Attributes, attributeReader } from "./attributes.ts";

/** The services of the import for the importer of an operator. */
export interface ImportContext {
  /** Whether to differentiate step functions straight through (Bengio et al. 2013, arXiv:1308.3432). */
  readonly straightThrough: boolean;
  /** The fixed batch of the file, and the batch that the import rewrites it to; null without a rewrite. */
  readonly batch: { readonly stated: number; readonly wanted: number } | null;
  /** Bytes of computed constants that the user allows; 0 keeps the built-in limits. */
  readonly maxConstants: number;
  /** The array of a constant value; null for values that depend on an input, and for arrays over the limit. */
  constantOf(value: Value): NdArray | null;
  /** Whether a value is constant: it depends on no input. Unlike `constantOf`, evaluates nothing. */
  isConstant(value: Value): boolean;
  /** Whether `constantOf` gives what a constant is in real arithmetic; else it has roundings that proofs must not ignore. */
  isExact(value: Value): boolean;
  /** Counts unrolled nodes, 1 by default, toward the limit of the file. */
  countNodes(nodes?: number): void;
  /** The ONNX element type of a value, if the file states it. ONNX has more element types than we have. */
  elementType(value: Value): number | undefined;
  /** Records the ONNX element type of a value, and returns the value. */
  withElementType(value: Value, elementType: number): Value;
  decode(tensor: TensorProto): NdArray;
  /** The outputs of a subgraph. The subgraph can read all names in the scope of the node. `bound` are its inputs, in order. */
  importSubgraph(graph: GraphProto, bound?: readonly Value[]): Value[];
  /** A value that represents a sequence of values. */
  sequence(values: readonly Value[]): Value;
  /** The values of a sequence; undefined if the value is not a sequence. */
  sequenceValues(value: Value): readonly Value[] | undefined;
  /** Channels per block, for a file that ONNX Runtime optimised for one kind of CPU. */
  blockSize(): number;
  /** Adds a note to the result. Notes with the same text are added once. */
  note(note: Note): void;
  /** Adds an operator type to the note about step functions. */
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
  /** A required input. Throws `UsageError` if it is left out. */
  input(i: number): Value;
  /**
   * The array of a constant input; undefined if left out. Throws `UsageError` if it is not
   * constant, or too large.
   */
  constant(i: number): NdArray | undefined;
  /** The names of inputs that `constant` gave with roundings. */
  readonly roundedInputs: ReadonlySet<string>;
  /** The elements of `constant` as numbers. */
  constantNumbers(i: number): readonly number[] | undefined;
  /** An error about this node, with the code `bad-file`. */
  error(text: string): UsageError;
  /** `error` for a feature that is not supported. Adds what to do. */
  unsupported(text: string): UsageError;
  /** `error` for a node that violates the ONNX specification. Adds what to do. */
  invalid(text: string): UsageError;
}

/** Turns a node into expressions: one value per output, in order. */
export type Importer = (node: ImportNode) => Value | readonly Value[];

/** Importers by operator. */
export type Importers = Readonly<Record<string, Importer>>;

/** The error for a node that requires a constant input which depends on an input of the graph. */
export class NotConstant extends UsageError {}

/** The error for a node whose operator has no importer. */
export class UnknownOperator extends UsageError {}

/** A node in messages: `node "conv1" (Conv, opset 17)`. */
export const describeNode = ({ name, opType, domain, output }: NodeProto, opset: number): string =>
  `node ${JSON.stringify(name || output[0] || "")} (${domain === "" ? "" : `${domain}.`}${opType}, opset ${opset})`;

type Inputs = Pick<
  ImportNode,
  "inputs" | "input" | "constant" | "constantNumbers" | "roundedInputs"
>;

function inputReader(
  proto: NodeProto,
  opset: number,
  inputs: readonly (Value | undefined)[],
  context: ImportContext,
  { error, invalid }: Pick<ImportNode, "error" | "invalid">,
): Inputs {
  const rounded = new Set<string>();
  function constant(i: number): NdArray | undefined {
    const value = inputs[i];
    if (value === undefined) return undefined;
    const array = context.constantOf(value);
    if (array !== null) {
      if (!context.isExact(value)) rounded.add(proto.input[i]);
      return array;
    }
    if (context.isConstant(value))
      throw error(
        `its input ${i} (${proto.input[i]}) is a constant of shape [${value.shape.join(", ")}], which is too large to compute during import; if you trust the file, allow more with --max-constants SIZE`,
      );
    throw new NotConstant(
      `${describeNode(proto, opset)}: its input ${i} (${proto.input[i]}) depends on the inputs of the model, but must be constant; bind the model's input to a constant, or export the model with fixed sizes`,
      { code: "bad-file" },
    );
  }
  return {
    inputs,
    roundedInputs: rounded,
    constant,
    constantNumbers(i) {
      const array = constant(i);
      return array && Array.from(array.data as ArrayLike<number>, Number);
    },
    input(i) {
      const value = inputs[i];
      if (value === undefined) throw invalid(`input ${i} is missing`);
      return value;
    },
  };
}

/** The argument of an importer, from the message of a node, its resolved attributes and its inputs. */
export function importNode(
  proto: NodeProto,
  attributes: ReadonlyMap<string, AttributeProto>,
  opset: number,
  inputs: readonly (Value | undefined)[],
  context: ImportContext,
): ImportNode {
  const error = (text: string) =>
    new UsageError(`${describeNode(proto, opset)}: ${text}`, { code: "bad-file" });
  const invalid = (text: string) => error(`${text}; the model is invalid, so export it again`);
  return {
    ...context,
    ...attributeReader(attributes, context.decode, invalid),
    ...inputReader(proto, opset, inputs, context, { error, invalid }),
    type: proto.opType,
    opset,
    outputs: proto.output.length,
    attributes,
    error,
    unsupported: (text) => error(`${text}; export the model without this operator`),
    invalid,
  };
}

/** Why nothing is proven about the outputs of a node that reads a constant with roundings. */
export const roundedConstant = (node: ImportNode, name: string): string =>
  node.error(
    `its input ${name} is a constant that the file computes from others, which rounds to float32; store the number in the file instead, for example with onnxsim`,
  ).message;

/** The error for an attribute whose value is not in `known`. */
export const unknownValue = (
  node: ImportNode,
  attribute: string,
  value: string,
  known: readonly string[],
): UsageError =>
  node.unsupported(
    `attribute ${attribute} is ${JSON.stringify(value)}, but only ${known.join(", ")} are supported`,
  );

/** The first output of an importer for x as the only input. Attributes and context are those of `node`. */
export const importWith = (importer: Importer, node: ImportNode, x: Value): Value =>
  [importer({ ...node, inputs: [x], input: () => x })].flat()[0];

/** An axis counted from the front; throws `UsageError` if the value has no such axis. */
export function axisOf(node: ImportNode, axis: number, rank: number): number {
  const fromFront = axis < 0 ? axis + rank : axis;
  if (!(fromFront >= 0 && fromFront < Math.max(rank, 1)))
    throw node.invalid(`axis ${axis} does not exist in a value with ${rank} axes`);
  return fromFront;
}

/** The single number of a constant input, or the fallback if the input is left out. */
export function constantNumber(node: ImportNode, i: number, fallback: number): number {
  const array = node.constant(i);
  if (array === undefined) return fallback;
  if (elementCount(array.shape) !== 1)
    throw node.invalid(`input ${i} has shape [${array.shape.join(", ")}], but must be one number`);
  return Number(array.data[0]);
}
