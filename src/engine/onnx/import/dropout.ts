// Dropout, which the import ignores: https://onnx.ai/onnx/operators/onnx__Dropout.html
//
// Before opset 7: `is_test`. Opset 10: the mask is bool. Opset 12: the input `training_mode`.

import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import type { ImportNode } from "./import-node.ts";

/** (x, ratio?, training?) ↦ (x, a mask of ones). Adds a note if the node drops elements. */
export function dropout(node: ImportNode): Value[] {
  const x = node.input(0);
  const training = node.inputs[2];
  const isTraining = training !== undefined && node.constantOf(training)?.data[0];
  if (isTraining || (node.opset < 7 && node.int("is_test", 0) === 0))
    node.note({
      code: "training-mode",
      text: "the file was exported in training mode: its dropout, which is random, is ignored here; export it in evaluation mode (model.eval())",
    });
  const ones = g.expand(g.scalar(1, node.opset < 10 ? x.dtype : "bool"), x.shape);
  return [x, ones];
}
