// Crops or pads around the centre: https://onnx.ai/onnx/operators/onnx__CenterCropPad.html (opset 18, one version)

import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import { checkSize, MAX_SPREAD } from "./constants.ts";
import { axisOf, type Importers, type ImportNode } from "./import-node.ts";

/**
 * (x, lengths) ↦ x with each axis cropped or padded with zeros. If the difference is odd, the larger
 * part is at the end.
 */
function centerCropPad(node: ImportNode): Value {
  const x = node.input(0);
  const rank = x.shape.length;
  const lengths = node.constantNumbers(1) ?? [];
  const axes =
    node.ints("axes")?.map((axis) => axisOf(node, axis, rank)) ?? x.shape.map((_, i) => i);
  if (axes.length !== lengths.length)
    throw node.invalid(
      `the number of lengths (${lengths.length}) must equal the number of axes (${axes.length})`,
    );
  if (!lengths.every((n) => n >= 0))
    throw node.invalid(`the lengths [${lengths.join(", ")}] must not be negative`);
  let y = x;
  const before = x.shape.map(() => 0);
  const after = x.shape.map(() => 0);
  for (const [i, axis] of axes.entries()) {
    const [from, to] = [x.shape[axis], lengths[i]];
    const start = Math.floor(Math.abs(from - to) / 2);
    if (to < from) y = g.sliceAxis(y, axis, start, start + to);
    else [before[axis], after[axis]] = [start, to - from - start];
  }
  checkSize(
    node,
    y.shape.map((n, axis) => n + before[axis] + after[axis]),
    MAX_SPREAD,
  );
  return g.pad(y, before, after);
}

/** Importers of CenterCropPad. */
export const cropping: Importers = { CenterCropPad: centerCropPad };
