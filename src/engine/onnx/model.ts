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
  type ValueInfoProto,
} from "onnx-buf";
import type { DType } from "../../math/tensor.ts";
import { UsageError } from "../../math/usage-error.ts";
import { dtypeOf, type External } from "./tensors.ts";

/** An input or output as the file declares it; a length is a number, a name, or null where nothing is said. */
export interface Declared {
  readonly name: string;
  readonly dtype: DType;
  /** ONNX's own element type. */
  readonly elementType: number;
  readonly shape: readonly (number | string | null)[] | null;
}

/** A file of which nothing is translated yet. */
export interface OnnxModel {
  readonly graph: GraphProto;
  /** Inputs that are not stored in the file. */
  readonly inputs: readonly Declared[];
  readonly outputs: readonly Declared[];
  /** Version of each operator set by domain; the standard one is "". */
  readonly opsets: ReadonlyMap<string, number>;
  /** Functions of the file's own, by `functionKey`. */
  readonly functions: ReadonlyMap<string, FunctionProto>;
  readonly external: External;
  readonly metadata: Readonly<Record<string, string>>;
  /** Who wrote it: `pytorch 2.1`. */
  readonly producer: string;
}

/** The standard operator set has two names. */
export const domainOf = (domain: string): string => (domain === "ai.onnx" ? "" : domain);

/** What tells the functions of a file apart. */
export const functionKey = (domain: string, name: string, overload: string): string =>
  JSON.stringify([domainOf(domain), name, overload]);

function declared({ name, type }: ValueInfoProto): Declared {
  const value = type?.value;
  if (value?.case !== "tensorType")
    throw new UsageError(
      `${name} is ${value?.case === undefined ? "declared without a type" : `a ${value.case.replace("Type", "")}`}, but a classifier takes and gives arrays`,
    );
  const { elemType, shape } = value.value;
  return {
    name,
    elementType: elemType,
    dtype: dtypeOf(elemType, name),
    shape:
      shape?.dim.map(({ value: dim }) =>
        dim.case === "dimValue" ? Number(dim.value) : dim.case === "dimParam" ? dim.value : null,
      ) ?? null,
  };
}

/** Graphs within graphs; what is deeper was made to exhaust a stack. */
const MAX_DEPTH = 64;

/** The graphs that a node holds: branches of a condition, bodies of loops. */
export const subgraphsOf = ({ attribute }: NodeProto): GraphProto[] =>
  attribute.flatMap(({ g, graphs }) => (g === undefined ? graphs : [g, ...graphs]));

function requireShallow({ graph, functions }: ModelProto): void {
  let level = [...(graph?.node ?? []), ...functions.flatMap(({ node }) => node)];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH)
      throw new UsageError(
        `graphs within graphs more than ${MAX_DEPTH} deep; the file is corrupt, or recursive`,
      );
    level = level.flatMap((one) => subgraphsOf(one).flatMap(({ node }) => node));
  }
}

/**
 * An output as far as a classifier may use it: lists of maps, with which scikit-learn's and Azure's files end, count as
 * the scores that they hold; text does not count.
 */
function outputOf(info: ValueInfoProto): Declared[] {
  const { name, type } = info;
  const scores = { name, elementType: 0, dtype: "float32", shape: null } as const;
  // What an output is follows from the graph, so a file need not say it.
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
    throw new UsageError("not a readable ONNX file (truncated or corrupt)", { cause });
  }
  requireShallow(model);
  return model;
}

/** Arrays that nodes hold as attributes, or in their subgraphs. */
const tensorsOf = (nodes: readonly NodeProto[]): TensorProto[] =>
  nodes.flatMap((node) => [
    ...node.attribute.flatMap(({ t }) => (t === undefined ? [] : [t])),
    ...subgraphsOf(node).flatMap(tensorsIn),
  ]);

const tensorsIn = ({ initializer, node }: GraphProto): TensorProto[] => [
  ...initializer,
  ...tensorsOf(node),
];

/** The files beside a model that its arrays lie in. */
export function externalLocations(bytes: Uint8Array): string[] {
  const { graph, functions } = parsed(bytes);
  const nodes = functions.flatMap(({ node }) => node);
  const locations = [...(graph === undefined ? [] : tensorsIn(graph)), ...tensorsOf(nodes)]
    .filter(({ dataLocation }) => dataLocation === TensorProto_DataLocation.EXTERNAL)
    .map(({ externalData }) => externalData.find(({ key }) => key === "location")?.value ?? "");
  return [...new Set(locations)];
}

/** Reads a file's messages; nothing is computed. `external` holds files beside it that its arrays lie in. */
export function readModel(bytes: Uint8Array, external: External = new Map()): OnnxModel {
  const model = parsed(bytes);
  const { graph } = model;
  if (graph === undefined || graph.node.length === 0)
    throw new UsageError("this file holds no graph; is it an ONNX model, and complete?");
  if (graph.output.length === 0)
    throw new UsageError("this file names no output; is it an ONNX model, and complete?");
  const stored = new Set([
    ...graph.initializer.map(({ name }) => name),
    ...graph.sparseInitializer.map(({ values }) => values?.name ?? ""),
  ]);
  return {
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
