import { fromBinary } from "@bufbuild/protobuf";
import {
  type FunctionProto,
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProto_DataType,
  type TensorShapeProto_Dimension,
  type ValueInfoProto,
} from "onnx-buf";
import type { DType } from "../../math/tensor.ts";
import { UsageError } from "../../math/usage-error.ts";
import { dtypeOf, type External } from "./tensors.ts";

/** An input or output as the file declares it. */
export interface Declared {
  readonly name: string;
  readonly dtype: DType;
  /** ONNX's element type; 0 if the file states none. */
  readonly elementType: number;
  /** Lengths of the axes: a number, the name of an open length, or null if unstated. Null for an unknown rank. */
  readonly shape: readonly (number | string | null)[] | null;
}

/** The parsed messages of a file. */
export interface OnnxModel {
  /** The whole file. */
  readonly proto: ModelProto;
  readonly graph: GraphProto;
  /** Inputs that must be fed, that is, without an initializer. */
  readonly inputs: readonly Declared[];
  readonly outputs: readonly Declared[];
  /** Version of each operator set by domain; the standard domain is "". */
  readonly opsets: ReadonlyMap<string, number>;
  /** Functions that the file defines, by `functionKey`. */
  readonly functions: ReadonlyMap<string, FunctionProto>;
  /** Files beside the model that hold its arrays. */
  readonly external: External;
  /** `metadata_props`. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Name and version of the exporter: `pytorch 2.1`. */
  readonly producer: string;
}

/** The domain under one name: the standard domain is both "" and "ai.onnx". */
export const domainOf = (domain: string): string => (domain === "ai.onnx" ? "" : domain);

/** The identity of a function in its file. */
export const functionKey = (domain: string, name: string, overload: string): string =>
  JSON.stringify([domainOf(domain), name, overload]);

function lengthOf({ value }: TensorShapeProto_Dimension): number | string | null {
  if (value.case === "dimValue") return Number(value.value);
  return value.case === "dimParam" ? value.value : null;
}

function declared({ name, type }: ValueInfoProto): Declared {
  const value = type?.value;
  if (value?.case !== "tensorType") {
    const kind =
      value?.case === undefined ? "declared without a type" : `a ${value.case.replace("Type", "")}`;
    throw new UsageError(`${name} is ${kind}, but a classifier takes and gives arrays`, {
      code: "misfit",
    });
  }
  const { elemType, shape } = value.value;
  return {
    name,
    elementType: elemType,
    dtype: dtypeOf(elemType, name),
    shape: shape?.dim.map(lengthOf) ?? null,
  };
}

/** Graphs within each other; deeper files were made to exhaust the stack. */
const MAX_DEPTH = 64;

/** The subgraphs of a node: branches of a condition, bodies of loops. */
export const subgraphsOf = ({ attribute }: NodeProto): GraphProto[] =>
  attribute.flatMap(({ g, graphs }) => (g === undefined ? graphs : [g, ...graphs]));

function requireShallow({ graph, functions }: ModelProto): void {
  let level = (graph?.node ?? []).concat(functions.flatMap(({ node }) => node));
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH)
      throw new UsageError(
        `graphs within graphs more than ${MAX_DEPTH} deep; the file is corrupt, or recursive`,
        { code: "bad-file" },
      );
    level = level.flatMap((one) => subgraphsOf(one).flatMap(({ node }) => node));
  }
}

/**
 * An output that can hold scores, or nothing for text. Files of scikit-learn and Azure end with a
 * sequence of maps, which stands for the scores that it holds.
 */
function outputOf(info: ValueInfoProto): Declared[] {
  const { name, type } = info;
  const scores = { name, elementType: 0, dtype: "float32", shape: null } as const;
  // A file need not state the type of an output, since the graph determines it.
  if (type === undefined || type.value.case === "sequenceType") return [scores];
  if (type.value.case === "tensorType" && type.value.value.elemType === TensorProto_DataType.STRING)
    return [];
  return [declared(info)];
}

function parsed(bytes: Uint8Array): ModelProto {
  let model: ModelProto;
  try {
    model = fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    throw new UsageError("not a readable ONNX file (truncated or corrupt)", {
      code: "bad-file",
      cause,
    });
  }
  requireShallow(model);
  return model;
}

/** Arrays in attributes of nodes and in their subgraphs. */
const tensorsOf = (nodes: readonly NodeProto[]): TensorProto[] =>
  nodes.flatMap((node) => [
    ...node.attribute.flatMap(({ t }) => (t === undefined ? [] : [t])),
    ...subgraphsOf(node).flatMap(tensorsIn),
  ]);

const tensorsIn = ({ initializer, node }: GraphProto): TensorProto[] => [
  ...initializer,
  ...tensorsOf(node),
];

/** All arrays that a file stores, in a fixed order: in initializers and attributes, in subgraphs and functions as well. */
export function storedTensors({ graph, functions }: ModelProto): TensorProto[] {
  const inGraph = graph === undefined ? [] : tensorsIn(graph);
  return inGraph.concat(tensorsOf(functions.flatMap(({ node }) => node)));
}

/**
 * Locations of the files beside a model that hold its arrays, each once. Throws `UsageError` for an
 * unreadable model.
 */
export function externalLocations(bytes: Uint8Array): string[] {
  const locations = storedTensors(parsed(bytes))
    .filter(({ dataLocation }) => dataLocation === TensorProto_DataLocation.EXTERNAL)
    .map(({ externalData }) => externalData.find(({ key }) => key === "location")?.value ?? "");
  return [...new Set(locations)];
}

/**
 * Parses the bytes of an ONNX file. `external` holds the files at its `externalLocations`. Throws
 * `UsageError` (`bad-file`) for a damaged file or one without a graph.
 */
export function readModel(bytes: Uint8Array, external: External = new Map()): OnnxModel {
  const model = parsed(bytes);
  const { graph } = model;
  if (graph === undefined || graph.node.length === 0)
    throw new UsageError("this file holds no graph; is it an ONNX model, and complete?", {
      code: "bad-file",
    });
  if (graph.output.length === 0)
    throw new UsageError("this file names no output; is it an ONNX model, and complete?", {
      code: "bad-file",
    });
  const stored = new Set([
    ...graph.initializer.map(({ name }) => name),
    ...graph.sparseInitializer.map(({ values }) => values?.name ?? ""),
  ]);
  return {
    proto: model,
    graph,
    external,
    inputs: graph.input.filter(({ name }) => !stored.has(name)).map(declared),
    outputs: graph.output.flatMap(outputOf),
    opsets: new Map(
      model.opsetImport.map(({ domain, version }) => [domainOf(domain), Number(version)]),
    ),
    functions: new Map(
      model.functions.map((one) => [functionKey(one.domain, one.name, one.overload), one]),
    ),
    metadata: Object.fromEntries(model.metadataProps.map(({ key, value }) => [key, value])),
    producer: `${model.producerName} ${model.producerVersion}`.trim(),
  };
}
