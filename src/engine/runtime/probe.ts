import { uniform } from "../../math/distributions.ts";
import { keyOf } from "../../math/random.ts";
import { addScaled, type Shape, tensor } from "../../math/tensor.ts";
import * as g from "../graph/expressions.ts";
import { interpret } from "../graph/interpret.ts";
import type { Program, Runtime } from "./runtime.ts";

/** Largest difference, as a share of the largest value, that a device may show: products in TF32 stay below, errors do not. */
const TOLERANCE = 2e-3;

/** A convolution with its gradients, a product and a loss: seconds before hours of work on a device that is not right. */
function question() {
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

/** Numbers between −1 and 1, the same for the same seed. */
export const random = (shape: Shape, seed: number) =>
  tensor(shape, uniform([keyOf(seed)], [1, ...shape], -1, 1).data);

/** Runs a tiny graph and compares it with the interpreter: what disagrees, or undefined. The program stays open. */
export async function probe(
  compile: Runtime["compile"],
): Promise<{ readonly program: Program; readonly wrong: string | undefined }> {
  const outputs = question();
  // Logits are small, so that the logarithm of the sum of their exponentials is as large as they are.
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
    const size = right.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const { data } = results[name];
    return !right.every((value, j) => Math.abs(value - Number(data[j])) <= TOLERANCE * size);
  });
  return { program, wrong: wrong.length === 0 ? undefined : wrong.join(", ") };
}
