// Small ONNX files for tests, as other people's exporters write them.

import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  FunctionProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
} from "onnx-buf";
import { own } from "../math/own.ts";
import type { DType, NdArray } from "../math/tensor.ts";
import { type AttributeValue, attribute, dataTypes, tensorProto } from "./messages.ts";

/** A node: operator, inputs, outputs, attributes. */
export function nodeOf(
  opType: string,
  input: string[],
  output: string[],
  attributes: Readonly<Record<string, AttributeValue>> = {},
  more: {
    readonly domain?: string;
    readonly overload?: string | undefined;
    readonly attribute?: AttributeProto[];
  } = {},
): NodeProto {
  const given = Object.entries(attributes).map(([name, value]) => attribute(name, value));
  const node = create(NodeProtoSchema, {
    opType,
    input,
    output,
    name: `${opType} of ${output[0]}`,
    attribute: [...given, ...(more.attribute ?? [])],
  });
  // Unset where nothing is said, as PyTorch leaves it.
  if (more.domain !== undefined) node.domain = more.domain;
  if (more.overload !== undefined) node.overload = more.overload;
  return node;
}

/** An attribute of the caller's function under the name that a node of its body has for it. */
export const reference = (name: string, refAttrName: string): AttributeProto =>
  create(AttributeProtoSchema, { name, refAttrName });

/** An attribute that holds a graph. */
export const graphAttribute = (name: string, g: GraphProto): AttributeProto =>
  create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.GRAPH, g });

/** Lengths of axes: a number, or a name for one that is open. */
export type Lengths = readonly (number | string)[];

const info = (name: string, shape: Lengths, dtype: DType = "float32") =>
  create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, {
      value: {
        case: "tensorType",
        value: {
          elemType: dataTypes[dtype],
          shape: {
            dim: shape.map((n) => ({
              value:
                typeof n === "number"
                  ? { case: "dimValue" as const, value: BigInt(n) }
                  : { case: "dimParam" as const, value: n },
            })),
          },
        },
      },
    }),
  });

export interface FixtureOptions {
  readonly inputs: Readonly<Record<string, Lengths>>;
  /** Element types of inputs that are not float32. */
  readonly inputTypes?: Readonly<Record<string, DType>>;
  /** Null for a shape that the file leaves open. */
  readonly outputs: Readonly<Record<string, Lengths | null>>;
  readonly arrays?: Readonly<Record<string, NdArray>>;
  readonly opset?: number;
  /** Functions, in the domain `own` unless they say another. */
  readonly functions?: readonly MessageInitShape<typeof FunctionProtoSchema>[];
}

/** A graph's message. */
export const graphOf = (
  node: NodeProto[],
  { inputs, outputs, inputTypes = {}, arrays = {} }: FixtureOptions,
) =>
  create(GraphProtoSchema, {
    name: "fixture",
    node,
    input: Object.entries(inputs).map(([name, shape]) => info(name, shape, own(inputTypes, name))),
    output: Object.entries(outputs).map(([name, shape]) =>
      shape === null ? create(ValueInfoProtoSchema, { name }) : info(name, shape),
    ),
    initializer: Object.entries(arrays).map(([name, array]) => tensorProto(name, array)),
  });

/** The bytes of a file with these nodes. */
export const onnxFile = (nodes: NodeProto[], options: FixtureOptions): Uint8Array<ArrayBuffer> =>
  toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 8n,
      producerName: "fixture",
      opsetImport: [
        create(OperatorSetIdProtoSchema, { version: BigInt(options.opset ?? 17) }),
        create(OperatorSetIdProtoSchema, { domain: "own", version: 1n }),
        create(OperatorSetIdProtoSchema, { domain: "com.microsoft", version: 1n }),
        create(OperatorSetIdProtoSchema, { domain: "com.microsoft.nchwc", version: 1n }),
        create(OperatorSetIdProtoSchema, { domain: "ai.onnx.ml", version: 2n }),
      ],
      functions: (options.functions ?? []).map((one) =>
        create(FunctionProtoSchema, { domain: "own", ...one }),
      ),
      graph: graphOf(nodes, options),
    }),
  );
