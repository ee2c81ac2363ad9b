import { relu, reshape } from "../engine/graph/ops.ts";
import type { Value } from "../engine/graph/value.ts";
import { sizeOf } from "../math/tensor.ts";
import type { Architecture, InputSpec } from "./architecture.ts";
import { linearSpecs } from "./initial.ts";
import { linear, normalize } from "./layers.ts";

/** Units of each hidden layer. */
const HIDDEN = [64, 64] as const;

/**
 * A perceptron with two hidden layers, for inputs of a few features, such as points of a plane [2, 1, 1]. Has no batch
 * norm and no dropout, so frozen and batch mode are the same network.
 */
export function mlpSmall({ shape, classes, mean, std }: InputSpec): Architecture {
  const features = sizeOf(shape);
  const widths = [features, ...HIDDEN, classes];
  const names = widths.slice(1).map((_, i) => `fc${i}`);
  return {
    name: "mlp-small",
    inputShape: shape,
    classes,
    parameters: names.flatMap((name, i) => linearSpecs(name, widths[i + 1], widths[i])),
    dropout: { rate: 0, masks: {} },
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
