// The transposed convolution, which is the gradient of a convolution with respect to its input:
// https://onnx.ai/onnx/operators/onnx__ConvTranspose.html (the same in all versions)

import * as g from "../../graph/expressions.ts";
import type { Value } from "../../graph/value.ts";
import { asImage, asLine, autoPadOf, perChannel } from "./geometry.ts";
import type { ImportNode } from "./import-node.ts";

/** The attributes of a node over two spatial axes. */
interface PlaneAttributes {
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** [top, left, bottom, right]. */
  readonly pads: readonly number[];
  /** Rows and columns that are added at the end. */
  readonly outputPadding: readonly number[];
  /** [height, width] of the result, if the node states it. */
  readonly outputShape: readonly number[] | undefined;
}

function planeAttributes(node: ImportNode): PlaneAttributes {
  return {
    strides: node.ints("strides") ?? [1, 1],
    dilations: node.ints("dilations") ?? [1, 1],
    pads: node.ints("pads") ?? [0, 0, 0, 0],
    outputPadding: node.ints("output_padding") ?? [0, 0],
    outputShape: node.ints("output_shape"),
  };
}

/** The attributes of a node over one spatial axis, for images of one row. */
function rowAttributes(node: ImportNode): PlaneAttributes {
  const row = (name: string, first: number, fallback: number) => {
    const rest = node.ints(name) ?? [fallback];
    return [first, ...rest];
  };
  const pads = node.ints("pads") ?? [0, 0];
  const outputShape = node.ints("output_shape");
  return {
    strides: row("strides", 1, 1),
    dilations: row("dilations", 1, 1),
    pads: [0, pads[0], 0, pads[1]],
    outputPadding: row("output_padding", 0, 0),
    outputShape: outputShape && [1, ...outputShape.slice(-1)],
  };
}

/** The transposed convolution of x [batch, in, height, width] with w [in, out / groups, rows, columns]. */
function overPlane(node: ImportNode, x: Value, w: Value, attributes: PlaneAttributes): Value {
  const { strides, dilations, outputPadding, outputShape } = attributes;
  const groups = node.int("group", 1);
  const auto = autoPadOf(node);
  const isSame = auto.startsWith("SAME");
  const lengths: number[] = [];
  const pads = [...attributes.pads];
  for (const i of [0, 1]) {
    const unpadded =
      strides[i] * (x.shape[i + 2] - 1) +
      outputPadding[i] +
      (w.shape[i + 2] - 1) * dilations[i] +
      1;
    const length = outputShape?.at(i - 2) ?? (isSame ? x.shape[i + 2] * strides[i] : undefined);
    if (length === undefined) {
      lengths.push(unpadded - pads[i] - pads[i + 2]);
      continue;
    }
    const total = Math.max(unpadded - length, 0);
    const smaller = Math.floor(total / 2);
    const larger = total - smaller;
    [pads[i], pads[i + 2]] = auto === "SAME_UPPER" ? [smaller, larger] : [larger, smaller];
    lengths.push(length);
  }
  const shape = [x.shape[0], w.shape[1] * groups, ...lengths];
  return g.convInputGradient(x, w, shape, { strides, dilations, pads, groups });
}

/** (x, w, bias?) over one or two spatial axes. */
export function convTranspose(node: ImportNode): Value {
  const [x, w] = [node.input(0), node.input(1)];
  const axes = x.shape.length - 2;
  if (axes !== 1 && axes !== 2)
    throw node.unsupported(`${axes} spatial axes are not supported, only 1 or 2`);
  const y =
    axes === 1
      ? asLine(overPlane(node, asImage(x), asImage(w), rowAttributes(node)))
      : overPlane(node, x, w, planeAttributes(node));
  const bias = node.inputs[2];
  return bias === undefined ? y : g.add(y, perChannel(bias, x.shape.length));
}
