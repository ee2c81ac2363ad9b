import { equals, fromBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema, type NodeProto, NodeProtoSchema } from "onnx-buf";
import { writeOnnx } from "../../engine/onnx/export/write-onnx.ts";
import type { OnnxModel } from "../../engine/onnx/model.ts";
import type { Runtime } from "../../engine/runtime/runtime.ts";
import { uniform } from "../../math/distributions.ts";
import { keyOf, keysFor } from "../../math/random.ts";
import { type Tensor, tensor } from "../../math/tensor.ts";
import type { Architecture, Parameters } from "../architecture.ts";
import { classifier } from "../classifier.ts";
import { exportedArchitecture, importExported, isExported, logitsOf } from "../export.ts";
import { importedNetwork } from "../imported-network.ts";

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

/** The nodes that `exportOnnx` writes for a network. */
function writtenNodes(architecture: Architecture): readonly NodeProto[] {
  const initializers = Object.fromEntries(
    architecture.parameters.map(({ name }) => [name, tensor([0])]),
  );
  const bytes = writeOnnx({ logits: logitsOf(architecture) }, { initializers, anyBatch: true });
  return fromBinary(ModelProtoSchema, bytes).graph?.node ?? [];
}

/** The logits of a network for some images [n, ...pixels]. */
async function logitsFor(
  runtime: Runtime,
  architecture: Architecture,
  parameters: Parameters,
  x: Tensor,
): Promise<Tensor> {
  const network = classifier(runtime, architecture, parameters);
  try {
    return await network.logits(x, keysFor(keyOf(0), [...Array(x.shape[0]).keys()]));
  } finally {
    await network.release();
  }
}

/**
 * Whether a file still computes the network that Rampart exported it from. Metadata survive when another tool edits or quantises a file, so they
 * alone prove nothing. Nodes that are those of the export settle it, and so does an operator that the export does not use.
 * Otherwise an older version may have written the same network in other nodes: both are run on random images. Throws
 * `UsageError` if the metadata name a network that is not known.
 */
export async function isOwnExport(
  { path, bytes, model }: ReadFile,
  runtime: () => Promise<Runtime>,
): Promise<boolean> {
  if (!isExported(model.metadata)) return false;
  const architecture = exportedArchitecture(model.metadata, path);
  const { node: found } = model.graph;
  const written = writtenNodes(architecture);
  const isSame = (node: NodeProto, i: number) =>
    i < written.length && equals(NodeProtoSchema, node, written[i]);
  if (found.length === written.length && found.every(isSame)) return true;
  const operators = new Set(written.map(({ opType }) => opType));
  if (found.some(({ opType, domain }) => domain !== "" || !operators.has(opType))) return false;

  const { parameters } = importExported(bytes, path);
  const key = keysFor(keyOf(0), [...Array(IMAGES).keys()]);
  const x = uniform(key, [IMAGES, ...architecture.inputShape], 0, 1);
  const device = await runtime();
  const ours = await logitsFor(device, architecture, parameters, x);
  const theirs = await logitsFor(device, importedNetwork(model, path, {}), {}, x);
  if (ours.data.length !== theirs.data.length) return false;
  const largest = ours.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return ours.data.every((value, i) => Math.abs(value - theirs.data[i]) <= DIFFERENCE * largest);
}
