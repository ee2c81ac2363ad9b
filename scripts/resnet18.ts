// ResNet-18 (He et al. 2015, arXiv:1512.03385) with random weights as an .onnx file, for measurements: its convolutions as
// exporters write them, with the batch normalisation folded in.
import type { NodeProto } from "onnx-buf";
import { type Tensor, tensor } from "../src/math/tensor.ts";
import { nodeOf, onnxFile } from "../test/fixtures/model-fixture.ts";

const SIDE = 224;
const CLASSES = 1000;

/** Numbers that look random in [−1, 1), the same at every call. */
function filled(shape: readonly number[], scale: number): Tensor {
  const out = tensor(shape);
  let state = 1;
  for (let i = 0; i < out.data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    out.data[i] = scale * (state / 2 ** 31 - 1);
  }
  return out;
}

/** Collects nodes and arrays. */
class Graph {
  readonly nodes: NodeProto[] = [];
  readonly arrays: Record<string, Tensor> = {};
  #count = 0;

  node(op: string, inputs: readonly string[], attributes = {}): string {
    const output = `${op}${this.#count++}`;
    this.nodes.push(nodeOf(op, [...inputs], [output], attributes));
    return output;
  }

  array(shape: readonly number[], scale: number): string {
    const name = `w${Object.keys(this.arrays).length}`;
    this.arrays[name] = filled(shape, scale);
    return name;
  }

  conv(x: string, [into, out]: readonly [number, number], side: number, stride: number): string {
    const pad = Math.floor(side / 2);
    const scale = Math.sqrt(3 / (into * side * side));
    return this.node(
      "Conv",
      [x, this.array([out, into, side, side], scale), this.array([out], 0.01)],
      {
        kernel_shape: { ints: [side, side] },
        strides: { ints: [stride, stride] },
        pads: { ints: [pad, pad, pad, pad] },
      },
    );
  }

  /** Two convolutions and a short cut. */
  block(x: string, into: number, out: number, stride: number): string {
    const first = this.node("Relu", [this.conv(x, [into, out], 3, stride)]);
    const second = this.conv(first, [out, out], 3, 1);
    const short = stride === 1 && into === out ? x : this.conv(x, [into, out], 1, stride);
    return this.node("Relu", [this.node("Add", [second, short])]);
  }
}

/** The bytes of the file: x [batch, 3, 224, 224] → logits [batch, 1000]. */
export function resnet18(): Uint8Array {
  const g = new Graph();
  const stem = g.node("Relu", [g.conv("x", [3, 64], 7, 2)]);
  let x = g.node("MaxPool", [stem], {
    kernel_shape: { ints: [3, 3] },
    strides: { ints: [2, 2] },
    pads: { ints: [1, 1, 1, 1] },
  });
  let width = 64;
  for (const out of [64, 128, 256, 512])
    for (const stride of [out === 64 ? 1 : 2, 1]) {
      x = g.block(x, width, out, stride);
      width = out;
    }
  const pooled = g.node("Flatten", [g.node("GlobalAveragePool", [x])]);
  const [weight, bias] = [g.array([512, CLASSES], 0.05), g.array([CLASSES], 0.01)];
  g.nodes.push(nodeOf("Gemm", [pooled, weight, bias], ["logits"]));
  return onnxFile(g.nodes, {
    inputs: { x: ["n", 3, SIDE, SIDE] },
    outputs: { logits: ["n", CLASSES] },
    arrays: g.arrays,
  });
}
