// Gradients of third-party files against central differences, both in float64 by the reference interpreter. Without rounding
// errors, only kinks between the two points can make a difference.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { gradient } from "../src/engine/autodiff/gradient.ts";
import * as g from "../src/engine/graph/expressions.ts";
import { interpret } from "../src/engine/graph/interpret.ts";
import { topological, type Value } from "../src/engine/graph/value.ts";
import { normal, uniform } from "../src/math/distributions.ts";
import { keyOf, keysFor } from "../src/math/random.ts";
import type { NdArray, Tensor } from "../src/math/tensor.ts";
import type { ImportedOptions } from "../src/models/imported-network.ts";
import { importModelInNode } from "../src/models/node.ts";

const data = process.env.RAMPART_DATA ?? "";
const files: readonly (readonly [path: string, options: ImportedOptions])[] = [
  ["onnx/ch_ppocr_mobile_v2.0_cls.onnx", { shape: [3, 48, 32] }],
  ["onnx/marabou_self-attention-mnist-pgd-medium-sim.onnx", {}],
  ["onnx/mnist_cntk.onnx", {}],
  ["onnx/onnc_resnet20.onnx", {}],
  ["onnx/squeezenet_cifar10.onnx", {}],
];

const double = ({ shape, data: from }: NdArray): NdArray => ({
  dtype: "float64",
  shape,
  data: Float64Array.from(from as ArrayLike<number>, Number),
});

/** The same graph in float64. */
function inFloat64(output: Value): Value {
  const made = new Map<Value, Value>();
  for (const node of topological<Value>([output])) {
    const dtype = node.dtype === "float32" ? "float64" : node.dtype;
    let attrs: unknown = node.attrs;
    if (node.op === "Constant" && dtype !== node.dtype)
      attrs = { array: double((node.attrs as { array: NdArray }).array) };
    if (node.op === "Cast") attrs = { to: dtype };
    const inputs = node.inputs.map((input) => made.get(input) as Value);
    made.set(node, { ...node, inputs, attrs, dtype } as Value);
  }
  return made.get(output) as Value;
}

const present = files.filter(([path]) => existsSync(join(data, path)));

describe.skipIf(process.env.SLOW !== "1" || present.length === 0)(
  "gradients of files agree with differences (skipped without SLOW=1, or where RAMPART_DATA holds no onnx/):",
  () => {
    it.each(present)(
      "%s",
      async (path, options) => {
        const network = await importModelInNode(join(data, path), options);
        const keys = keysFor(keyOf(2), [0]);
        const x = uniform(keys, [1, ...network.inputShape], 0.1, 0.9);
        const direction = normal(keysFor(keyOf(3), [0]), x.shape);
        const fed = g.input("x", x.shape);
        const { logits } = network.forward(fed, () => g.input("", []), "frozen");
        const weights = normal(keysFor(keyOf(4), [0]), logits.shape);
        // Cross entropy of class 0 and a weighted sum: through a softmax and without.
        const ce = g.neg(g.sum(g.sliceAxis(g.logSoftmax(logits), 1, 0, 1)));
        const loss = inFloat64(g.add(ce, g.sum(g.mul(logits, g.constant(weights)))));
        const input = topological<Value>([loss]).find(({ op }) => op === "Input") as Value;
        const [slopes] = interpret(gradient(loss, [input]), { x: double(x) });
        const dot = (v: NdArray, w: Tensor) =>
          w.data.reduce((sum, b, i) => sum + Number(v.data[i]) * b, 0);
        const computed = dot(slopes, direction);
        const at = (h: number) => {
          const moved = Float64Array.from(x.data, (v, i) => v + h * direction.data[i]);
          const array: NdArray = { dtype: "float64", shape: x.shape, data: moved };
          return Number(interpret([loss], { x: array })[0].data[0]);
        };
        const h = 1e-7;
        const measured = (at(h) - at(-h)) / (2 * h);
        expect(Math.abs(measured)).toBeGreaterThan(1e-3);
        expect(Math.abs(computed - measured)).toBeLessThan(1e-5 * Math.abs(measured));
      },
      1_200_000,
    );
  },
);
