import { z } from "zod";
import { relu, reshape } from "../engine/graph/ops.ts";
import type { Value } from "../engine/graph/value.ts";
import { elementCount } from "../math/tensor.ts";
import type { InputSpec } from "./architecture.ts";
import { defineArchitecture, type NetworkSpecification } from "./define-architecture.ts";
import { linearSpecs } from "./initial.ts";
import { linear, normalize } from "./layers.ts";

/** Units of each hidden layer. */
const HIDDEN = [64, 64] as const;

function network({ shape, classes, mean, std }: InputSpec): NetworkSpecification {
  const features = elementCount(shape);
  const widths = [features, ...HIDDEN, classes];
  const names = widths.slice(1).map((_, i) => `fc${i}`);
  return {
    parameters: names.flatMap((name, i) => linearSpecs(name, widths[i + 1], widths[i])),
    input: (image) => normalize(image, mean, std),
    forward(image: Value, parameter: (name: string) => Value) {
      const layer = (x: Value, name: string) =>
        linear(x, parameter(`${name}.weight`), parameter(`${name}.bias`));
      const flat = reshape(normalize(image, mean, std), [image.shape[0], features]);
      const logits = names.reduce((x, name, i) => layer(i === 0 ? x : relu(x), name), flat);
      return { logits, statistics: {} };
    },
  };
}

/**
 * A perceptron with two hidden layers, for inputs of a few features, such as points of a plane [2, 1, 1]. Has no batch
 * norm and no dropout, so frozen and batch mode are the same network.
 */
export const mlpSmall = defineArchitecture({
  name: "mlp-small",
  options: z.strictObject({}),
  source: "Rampart",
  make: network,
});
