import type { TensorProto } from "onnx-buf";
import { type ModelFiles, withArrays } from "../engine/onnx/export/with-arrays.ts";
import type { Parameters } from "./architecture.ts";
import type { OnnxFile } from "./opening/open-onnx.ts";
import { storedTensor, type TrainableNetwork } from "./trainable-network.ts";

/**
 * The user's own file with other numbers in the arrays that training changed: same nodes, names, element types, versions and
 * layout. `network` is that of `file`. Arrays whose float32 values are those of the file keep their bits.
 */
export function writtenFile(
  { bytes, model }: Pick<OnnxFile, "bytes" | "model">,
  { stored }: TrainableNetwork,
  parameters: Parameters,
  metadata: Readonly<Record<string, string>>,
): ModelFiles {
  const arrays = new Map<TensorProto, Float32Array>();
  for (const [name, one] of stored) {
    const { data } = parameters[name];
    const before = storedTensor(one).data;
    if (data.every((value, i) => value === before[i])) continue;
    for (const message of one.places.keys()) arrays.set(message, data);
  }
  return withArrays({ bytes, model, arrays, metadata });
}
