// Operators on blocked memory (domain com.microsoft.nchwc, version 1). ONNX Runtime writes them when
// it optimises a file for one kind of CPU. Their schemas are in
// onnxruntime/core/graph/contrib_ops/nchwc_schema_defs.cc. The import replaces a blocked value by
// a plain [batch, channel, height, width] whose channels are padded with zeros to whole blocks.

import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import { unblocked } from "./blocked-weights.ts";
import { fusedActivation } from "./fused-activation.ts";
import { convolution, geometryOf, perChannel } from "./geometry.ts";
import type { Importers, ImportNode } from "./import-node.ts";
import { pooling } from "./pooling.ts";
import { resizing } from "./resizing.ts";

/** x cropped, or padded with zeros, to this number of channels. */
const withChannels = (node: ImportNode, x: Value, channels: number): Value => {
  const missing = channels - x.shape[1];
  if (missing < 0) return g.sliceAxis(x, 1, 0, channels);
  if (x.shape.length !== 4)
    throw node.invalid(`the input has ${x.shape.length} axes, but 4 are required`);
  return g.pad(x, [0, 0, 0, 0], [0, missing, 0, 0]);
};

function reorderInput(node: ImportNode): Value {
  const x = node.input(0);
  const plain = node.int("channels_last", 0) === 1 ? g.transpose(x, [0, 3, 1, 2]) : x;
  const block = node.blockSize();
  return withChannels(node, plain, Math.ceil(plain.shape[1] / block) * block);
}

function reorderOutput(node: ImportNode): Value {
  const x = node.input(0);
  const plain = withChannels(node, x, node.int("channels", x.shape[1]));
  return node.int("channels_last", 0) === 1 ? g.transpose(plain, [0, 2, 3, 1]) : plain;
}

/** (x, w, bias, sum) ↦ activation(conv(x, w) + bias + sum). */
function conv(node: ImportNode): Value {
  const [x, w] = [node.input(0), node.constant(1)];
  if (w === undefined) throw node.invalid("input 1 (the weights) is missing");
  const groups = node.int("group", 1);
  const geometry = geometryOf(node, x.shape.slice(2), w.shape.slice(2));
  const y = convolution(node, x, g.constant(unblocked(w, node.blockSize())), geometry, groups);
  const [bias, sum] = [node.inputs[2], node.inputs[3]];
  const biased = bias === undefined ? y : g.add(y, perChannel(bias, 4));
  return fusedActivation(node, sum === undefined ? biased : g.add(biased, sum));
}

/** Importers of the domain com.microsoft.nchwc. */
export const blocked: Importers = {
  ReorderInput: reorderInput,
  ReorderOutput: reorderOutput,
  Conv: conv,
  MaxPool: pooling.MaxPool,
  AveragePool: pooling.AveragePool,
  GlobalMaxPool: pooling.GlobalMaxPool,
  GlobalAveragePool: pooling.GlobalAveragePool,
  // Here `scales` is an attribute of integers; in the standard domain, before opset 9, of floats.
  Upsample: (node) => resizing.Upsample({ ...node, floats: (name) => node.ints(name) }),
};
