// What a device must do as the CPU does: attack a tiny network, train it, attack it again.

import * as g from "../src/graph/expressions.ts";
import { keyOf } from "../src/math/random.ts";
import { type NdArray, type Shape, tensor } from "../src/math/tensor.ts";
import type { Architecture, ParameterSpec } from "../src/models/architecture.ts";
import { liveClassifier } from "../src/models/classifier.ts";
import { architecture } from "../src/models/index.ts";
import { initialParameters } from "../src/models/initial.ts";
import type { Runtime } from "../src/runtime/runtime.ts";
import { liveStep } from "../src/train/live-step.ts";
import { sgd } from "../src/train/optimizer.ts";
import { initialState } from "../src/train/step.ts";
import { difference, random } from "./graph-cases.ts";

const input = { shape: [3, 8, 8], classes: 4, mean: [0.4, 0.5, 0.6], std: [0.2, 0.25, 0.3] };

/** A Wide ResNet of half a hundred arrays. */
export const wide = architecture("wrn-10-1", input);

const parameter = (name: string, shape: Shape, seed: number): ParameterSpec => ({
  ...{ name, shape, trainable: true },
  init: () =>
    tensor(
      shape,
      random(shape, seed).data.map((value) => 0.2 * value),
    ),
});

/** A convolution and a product, for a browser on SwiftShader, which takes a second for every program of the GPU. */
export const tiny: Architecture = {
  ...{ name: "tiny", inputShape: input.shape, classes: input.classes },
  parameters: [parameter("w", [4, 3, 3, 3], 11), parameter("v", [64, 4], 12)],
  dropout: { rate: 0, masks: {} },
  forward(x, value) {
    const y = g.relu(g.conv(x, value("w"), { strides: [2, 2], pads: [1, 1, 1, 1] }));
    return { logits: g.matmul(g.reshape(y, [x.shape[0], 64]), value("v")), statistics: {} };
  },
};

/** Every array that comes out: gradients and logits before each of two steps, and what the steps left. */
export async function scenario(
  runtime: Runtime,
  network: Architecture,
): Promise<Record<string, NdArray>> {
  const optimizer = sgd({ momentum: 0.9, weightDecay: 5e-4 });
  const initial = initialState(network, optimizer, initialParameters(network));
  const labels = [0, 1, 2];
  const keys = labels.map((_, i) => keyOf(i));
  const x = random([3, ...input.shape], 5);
  const step = await liveStep(runtime, network, optimizer, labels.length, initial);
  const victim = liveClassifier(runtime, network, step.parameters, "frozen");
  const found: Record<string, NdArray> = {};
  for (const time of ["first", "second"]) {
    const { gradient, logits } = await victim.lossAndGradient(x, { kind: "ce", labels }, keys);
    const { loss } = await step.run({ x, labels, keys }, 0.05);
    found[`${time} gradient`] = gradient;
    found[`${time} logits`] = logits;
    found[`${time} loss`] = { dtype: "float32", shape: [], data: Float32Array.of(loss) };
  }
  const { parameters, slots } = await step.state();
  await victim.release();
  await step.release();
  return { ...found, ...parameters, ...slots };
}

/** The array that differs most, and by how much of its largest value. */
export function worst(
  a: Readonly<Record<string, NdArray>>,
  b: Readonly<Record<string, NdArray>>,
): readonly [name: string, difference: number] {
  const all = Object.keys(b).map((name) => [name, difference(a[name], b[name])] as const);
  return all.reduce((most, one) => (one[1] <= most[1] ? most : one));
}
