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
  /** The ONNX element type; 0 if the file states none. */
  readonly elementType: number;
  /** Each dimension is a number, the name of an open dimension (`dim_param`), or null if not stated. Null for an unknown rank. */
  readonly shape: readonly (number | string | null)[] | null;
}

/** A parsed ONNX file. */
export interface OnnxModel {
  /** The whole file. */
  readonly proto: ModelProto;
  readonly graph: GraphProto;
  /** Inputs without an initializer, which must be fed. */
  readonly inputs: readonly Declared[];
  readonly outputs: readonly Declared[];
  /** Version of each operator set by domain; the standard domain is "". */
  readonly opsets: ReadonlyMap<string, number>;
  /** Model-local functions, by `functionKey`. */
  readonly functions: ReadonlyMap<string, FunctionProto>;
  /** External data files. */
  readonly external: External;
  /** `metadata_props`. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Name and version of the exporter: `pytorch 2.1`. */
  readonly producer: string;
}

/** A domain by one name: "ai.onnx" becomes "", the other name of the standard domain. */
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
      value?.case === undefined
        ? "declared without a type"
        : `of type ${value.case.replace("Type", "")}`;
    throw new UsageError(
      `${name} is ${kind}, but the inputs and outputs of a classifier must be tensors; export the model with tensors`,
      {
        code: "misfit",
      },
    );
  }
  const { elemType, shape } = value.value;
  return {
    name,
    elementType: elemType,
    dtype: dtypeOf(elemType, name),
    shape: shape?.dim.map(lengthOf) ?? null,
  };
}

/** Maximum nesting of subgraphs. Deeper files are made to exhaust the stack. */
const MAX_DEPTH = 64;

/** The subgraphs of a node: branches of `If`, bodies of `Loop` and `Scan`. */
export const subgraphsOf = ({ attribute }: NodeProto): GraphProto[] =>
  attribute.flatMap(({ g, graphs }) => (g === undefined ? graphs : [g, ...graphs]));

function requireShallow({ graph, functions }: ModelProto): void {
  let level = (graph?.node ?? []).concat(functions.flatMap(({ node }) => node));
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH)
      throw new UsageError(
        `subgraphs are nested more than ${MAX_DEPTH} deep; the file is corrupt or recursive, so export the model again`,
        { code: "bad-file" },
      );
    level = level.flatMap((one) => subgraphsOf(one).flatMap(({ node }) => node));
  }
}

/**
 * The output as a possible source of scores; empty for an output of strings. Files of scikit-learn
 * and Azure end with a sequence of maps, which the importer replaces by the scores themselves.
 */
function outputOf(info: ValueInfoProto): Declared[] {
  const { name, type } = info;
  const scores = { name, elementType: 0, dtype: "float32", shape: null } as const;
  // A file may leave out the type of an output, since the graph determines it.
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
    throw new UsageError(
      "not a readable ONNX file (truncated or corrupt); copy or export it again",
      {
        code: "bad-file",
        cause,
      },
    );
  }
  requireShallow(model);
  return model;
}

/** Tensors in attributes of nodes and in their subgraphs. */
const tensorsOf = (nodes: readonly NodeProto[]): TensorProto[] =>
  nodes.flatMap((node) => [
    ...node.attribute.flatMap(({ t }) => (t === undefined ? [] : [t])),
    ...subgraphsOf(node).flatMap(tensorsIn),
  ]);

const tensorsIn = ({ initializer, node }: GraphProto): TensorProto[] => [
  ...initializer,
  ...tensorsOf(node),
];

/** All tensors of a file in a fixed order: initializers and attributes, those of subgraphs and functions included. */
export function storedTensors({ graph, functions }: ModelProto): TensorProto[] {
  const inGraph = graph === undefined ? [] : tensorsIn(graph);
  return inGraph.concat(tensorsOf(functions.flatMap(({ node }) => node)));
}

/** Locations of the external data files of a parsed model, each once, in the order in which its tensors name them. */
export function locationsIn(model: ModelProto): string[] {
  const locations = storedTensors(model)
    .filter(({ dataLocation }) => dataLocation === TensorProto_DataLocation.EXTERNAL)
    .map(({ externalData }) => externalData.find(({ key }) => key === "location")?.value ?? "");
  return [...new Set(locations)];
}

/**
 * Locations of the external data files of a model, each once. Throws `UsageError` for an unreadable
 * model.
 */
export const externalLocations = (bytes: Uint8Array): string[] => locationsIn(parsed(bytes));

/**
 * Parses the bytes of an ONNX file. `external` holds the files at its `externalLocations`. Throws
 * `UsageError` (`bad-file`) for a damaged file or one without a graph.
 */
export function readModel(bytes: Uint8Array, external: External = new Map()): OnnxModel {
  const model = parsed(bytes);
  const { graph } = model;
  if (graph === undefined || graph.node.length === 0)
    throw new UsageError(
      "the file has no graph, or a graph without nodes; check that it is a complete ONNX model",
      {
        code: "bad-file",
      },
    );
  if (graph.output.length === 0)
    throw new UsageError("the graph has no outputs; check that the file is a complete ONNX model", {
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
