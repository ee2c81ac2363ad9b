// The sampling grid of an affine map, which is an input of GridSample:
// https://onnx.ai/onnx/operators/onnx__AffineGrid.html (opset 20, one version)

import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import { checkSize } from "./constants.ts";
import type { ImportNode } from "./import-node.ts";

/** Maximum positions that the import computes. */
const MAX_POSITIONS = 2 ** 20;

/**
 * The coordinate of pixel i of n: −1 and 1 are the centres of the outer pixels if `alignCorners`,
 * else their edges.
 */
function coordinate(i: number, n: number, alignCorners: boolean): number {
  if (!alignCorners) return (2 * i + 1 - n) / n;
  return n === 1 ? 0 : (2 * i + 1 - n) / (n - 1);
}

/** (theta [batch, 2, 3], size [batch, channel, rows, columns]) ↦ [batch, rows, columns, (x, y)]. */
export function affineGrid(node: ImportNode): Value {
  const theta = node.input(0);
  const size = node.constantNumbers(1) ?? [];
  if (size.length !== 4)
    throw node.unsupported(`${size.length - 2} spatial axes are not supported, only 2`);
  const [, , rows, columns] = size;
  const alignCorners = node.int("align_corners", 0) === 1;
  checkSize(node, [rows, columns], MAX_POSITIONS);
  const points = Array.from({ length: rows * columns }, (_, i) => [
    coordinate(i % columns, columns, alignCorners),
    coordinate(Math.floor(i / columns), rows, alignCorners),
    1,
  ]);
  const homogeneous = g.computed([rows * columns, 3], Float64Array.from(points.flat()), {
    dtype: theta.dtype,
  });
  const mapped = g.matmul(homogeneous, g.transpose(theta, [0, 2, 1]));
  return g.reshape(mapped, [theta.shape[0], rows, columns, 2]);
}
