import { uniform } from "../../math/distributions.ts";
import { keyOf } from "../../math/random.ts";
import { addScaled, type Shape, type Tensor, tensor } from "../../math/tensor.ts";
import * as g from "../graph/expressions.ts";
import { interpret } from "../graph/interpret.ts";
import type { Program, Runtime } from "./runtime.ts";

/**
 * Largest error of a device, as a share of the largest value of an output. Products in TF32 stay below it; programming
 * errors do not.
 */
const TOLERANCE = 2e-3;

/** A convolution with both gradients, a matrix product and a loss. Takes seconds, and may save hours on a faulty device. */
function probeGraph() {
  const x = g.input("x", [2, 3, 8, 8]);
  const w = g.input("w", [4, 3, 3, 3]);
  const v = g.input("v", [256, 5]);
  const same = { strides: [1, 1], pads: [1, 1, 1, 1], dilations: [1, 1], groups: 1 };
  const y = g.relu(g.conv(x, w, same));
  const losses = g.logSoftmax(g.matmul(g.reshape(y, [2, 256]), v));
  const mask = g.where(g.greater(y, g.scalar(0)), y, g.scalar(0));
  return {
    losses,
    dx: g.convInputGradient(mask, w, x.shape, same),
    dw: g.convWeightGradient(x, mask, [3, 3], same),
  };
}

/** Numbers from U[−1, 1], determined by `seed`. */
export const random = (shape: Shape, seed: number): Tensor =>
  tensor(shape, uniform([keyOf(seed)], [1, ...shape], -1, 1).data);

/**
 * Runs a tiny graph and compares it with the reference interpreter. `wrong` names the outputs that differ; it is undefined if
 * none does. The program stays open.
 */
export async function probe(
  compile: Runtime["compile"],
): Promise<{ readonly program: Program; readonly wrong: string | undefined }> {
  const outputs = probeGraph();
  // Small logits, so that the log-sum-exp is about as large as they are.
  const feeds = {
    x: random([2, 3, 8, 8], 0),
    w: random([4, 3, 3, 3], 1),
    v: addScaled(tensor([256, 5]), random([256, 5], 2), 0.05),
  };
  const program = await compile(outputs);
  const results = await program.run(feeds);
  const expected = interpret(Object.values(outputs), feeds);
  const wrong = Object.keys(outputs).filter((name, i) => {
    const right = Array.from(expected[i].data as Float32Array);
    const scale = right.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
    const { data } = results[name];
    return !right.every((value, j) => Math.abs(value - Number(data[j])) <= TOLERANCE * scale);
  });
  return { program, wrong: wrong.length === 0 ? undefined : wrong.join(", ") };
}
