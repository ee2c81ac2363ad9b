import { z } from "zod";
import { add, relu, reshape } from "../engine/graph/ops.ts";
import type { Value } from "../engine/graph/value.ts";
import { elementCount, tensor } from "../math/tensor.ts";
import type { InputSpec, ParameterSpec } from "./architecture.ts";
import { defineArchitecture, type NetworkSpecification } from "./define-architecture.ts";
import { convWeight, linearSpecs } from "./initial.ts";
import { convSame, linear, normalize } from "./layers.ts";

/** Output channels and strides of the three convolutions. */
const CHANNELS = [16, 32, 64] as const;
const STRIDES = [2, 2, 2] as const;

function network({ shape, classes, mean, std }: InputSpec): NetworkSpecification {
  const [channels, height, width] = shape;
  const downscale = STRIDES.reduce((product, stride) => product * stride, 1);
  const features = CHANNELS[2] * Math.ceil(height / downscale) * Math.ceil(width / downscale);
  const convSpecs = (i: number, into: number): ParameterSpec[] => [
    convWeight(`conv${i}.weight`, [CHANNELS[i], into, 3, 3]),
    {
      name: `conv${i}.bias`,
      shape: [CHANNELS[i]],
      trainable: true,
      init: () => tensor([CHANNELS[i]]),
    },
  ];
  return {
    parameters: [
      ...convSpecs(0, channels),
      ...convSpecs(1, CHANNELS[0]),
      ...convSpecs(2, CHANNELS[1]),
      ...linearSpecs("fc", classes, features),
    ],
    input: (image) => normalize(image, mean, std),
    forward(image: Value, parameter: (name: string) => Value) {
      let x = normalize(image, mean, std);
      STRIDES.forEach((stride, i) => {
        const bias = reshape(parameter(`conv${i}.bias`), [1, CHANNELS[i], 1, 1]);
        x = relu(add(convSame(x, parameter(`conv${i}.weight`), stride), bias));
      });
      const flat = reshape(x, [x.shape[0], elementCount(x.shape.slice(1))]);
      const logits = linear(flat, parameter("fc.weight"), parameter("fc.bias"));
      return { logits, statistics: {} };
    },
  };
}

/**
 * Three strided 3 × 3 convolutions and a linear layer, for images [channel, height, width]. Small enough for a minute of
 * adversarial training on two cores. Has no batch norm and no dropout, so frozen and batch mode are the same network.
 */
export const cnnSmall = defineArchitecture({
  name: "cnn-small",
  options: z.strictObject({}),
  source: "Rampart",
  make: network,
});
