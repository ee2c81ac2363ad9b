import { create, equals, fromBinary } from "@bufbuild/protobuf";
import {
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  TensorProtoSchema,
} from "onnx-buf";
import { writeOnnx } from "../../engine/onnx/export/write-onnx.ts";
import type { OnnxModel } from "../../engine/onnx/model.ts";
import type { Runtime } from "../../engine/runtime/runtime.ts";
import { uniform } from "../../math/distributions.ts";
import { keyOf, keysFor } from "../../math/random.ts";
import { tensor } from "../../math/tensor.ts";
import type { Architecture, ParameterSpec } from "../architecture.ts";
import { exportedArchitecture, importExported, isExported, logitsOf } from "../export.ts";
import { importedNetwork } from "../imported-network.ts";
import { logitsOfBatches } from "../logits-of-batches.ts";

/** An ONNX file as it was read. */
interface ReadFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly model: OnnxModel;
}

/** Images on which the file and the network that it names are compared. */
const IMAGES = 4;
/** Largest difference of their logits, as a share of the largest logit: several times what rounding to float32 explains. */
const DIFFERENCE = 1e-4;

/** The graph that `exportOnnx` writes for a network, with empty arrays as its weights. */
function writtenGraph(architecture: Architecture): GraphProto {
  const initializers = Object.fromEntries(
    architecture.parameters.map(({ name }) => [name, tensor([0])]),
  );
  const bytes = writeOnnx({ logits: logitsOf(architecture) }, { initializers, anyBatch: true });
  return fromBinary(ModelProtoSchema, bytes).graph ?? create(GraphProtoSchema);
}

/** Whether a file has the nodes and the constants of an export; its weights may be others. */
function hasGraph({ node, initializer }: GraphProto, written: GraphProto): boolean {
  const stored = new Map(initializer.map((array) => [array.name, array]));
  const isSame = (one: NodeProto, i: number) => equals(NodeProtoSchema, one, written.node[i]);
  if (node.length !== written.node.length || !node.every(isSame)) return false;
  return written.initializer.every((constant) => {
    const found = stored.get(constant.name);
    const isWeight = constant.dims.length === 1 && constant.dims[0] === 0n;
    return isWeight || (found !== undefined && equals(TensorProtoSchema, found, constant));
  });
}

/**
 * Whether a file still computes the network that Rampart exported it from. Other tools keep the metadata when they edit or
 * quantise a file, so metadata alone prove nothing. It does if its nodes and constants are those of the export, and does not
 * if it has an operator that the export does not use. Otherwise an older version may have written the same network in other
 * nodes, so both are run on random images. Throws `UsageError` if the metadata name a network that is not known.
 */
export async function isOwnExport(
  { path, bytes, model }: ReadFile,
  runtime: () => Promise<Runtime>,
): Promise<boolean> {
  if (!isExported(model.metadata)) return false;
  const architecture = exportedArchitecture(model.metadata, path);
  const written = writtenGraph(architecture);
  if (hasGraph(model.graph, written)) return true;
  // Exports of older versions rename their output by an Identity.
  const operators = new Set(["Identity", ...written.node.map(({ opType }) => opType)]);
  const isForeign = ({ opType, domain }: NodeProto) => domain !== "" || !operators.has(opType);
  const stored = new Set(model.graph.initializer.map(({ name }) => name));
  const isLost = ({ name }: ParameterSpec) => !stored.has(name);
  if (model.graph.node.some(isForeign) || architecture.parameters.some(isLost)) return false;

  const { parameters } = importExported(bytes, path);
  const keys = keysFor(keyOf(0), [...Array(IMAGES).keys()]);
  const x = uniform(keys, [IMAGES, ...architecture.inputShape]);
  const device = await runtime();
  const [ours] = await logitsOfBatches(device, architecture, [x], parameters);
  const [theirs] = await logitsOfBatches(device, importedNetwork(model, path, {}), [x]);
  if (ours.data.length !== theirs.data.length) return false;
  const largest = ours.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return ours.data.every((value, i) => Math.abs(value - theirs.data[i]) <= DIFFERENCE * largest);
}
