import { expect, it } from "vitest";
import { interpret } from "../engine/graph/interpret.ts";
import { input } from "../engine/graph/ops.ts";
import { keyOf } from "../math/random.ts";
import { tensor } from "../math/tensor.ts";
import { parameterCount } from "./architecture.ts";
import { architecture } from "./architectures.ts";
import { initialParameters } from "./initial.ts";

const plane = { shape: [2, 1, 1], classes: 2, mean: [0.5, 0.25], std: [0.2, 0.1] };

it("mlp-small has two hidden layers of 64 with biases", () => {
  const expected = 2 * 64 + 64 + 64 * 64 + 64 + 64 * 2 + 2;
  expect(parameterCount(architecture("mlp-small", plane))).toBe(expected);
  expect(() => architecture("mlp-smal", plane)).toThrow("did you mean mlp-small?");
});

it("mlp-small has ReLU between its layers and not after the last", () => {
  const network = architecture("mlp-small", plane);
  const parameters = initialParameters(network, keyOf(1));
  const { logits } = network.forward(
    input("x", [1, 2, 1, 1]),
    (name) => input(name, parameters[name].shape),
    "frozen",
  );
  const [computed] = interpret([logits], { ...parameters, x: tensor([1, 2, 1, 1], [0.9, 0.05]) });
  let x = [(0.9 - 0.5) / 0.2, (0.05 - 0.25) / 0.1];
  for (const layer of [0, 1, 2]) {
    const { data: w, shape } = parameters[`fc${layer}.weight`];
    const { data: b } = parameters[`fc${layer}.bias`];
    x = Array.from(b, (bias, i) => x.reduce((z, v, j) => z + w[i * shape[1] + j] * v, bias));
    if (layer < 2) x = x.map((v) => Math.max(v, 0));
  }
  x.forEach((z, i) => {
    expect(Number(computed.data[i])).toBeCloseTo(z, 5);
  });
});
