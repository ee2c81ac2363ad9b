import { normal, uniform } from "../math/distributions.ts";
import { fold, type Key, keyOf, nameToNumber } from "../math/random.ts";
import { elementCount, type Shape, tensor } from "../math/tensor.ts";
import type { Architecture, ParameterSpec, Parameters } from "./architecture.ts";

/** Normal with variance 2 / fan-out (He et al. 2015, arXiv:1502.01852, Eq. 14), as in Zagoruyko & Komodakis' code. */
const heNormal = (shape: Shape) => (key: Key) => {
  const fanOut = shape[0] * elementCount(shape.slice(2));
  const deviation = Math.sqrt(2 / fanOut);
  const drawn = normal([key], [1, ...shape], deviation);
  return tensor(shape, drawn.data);
};

/**
 * A convolution's weights [out, in, rows, columns], initialised He-normal by fan-out.
 *
 * @example
 * ```ts
 * import { batchNormSpecs, convWeight } from "rampart";
 *
 * const specs = [convWeight("conv", [16, 3, 3, 3]), ...batchNormSpecs("norm", 16)];
 * console.log(specs.map(({ name }) => name));
 * ```
 */
export const convWeight = (name: string, shape: Shape): ParameterSpec => ({
  name,
  shape,
  trainable: true,
  init: heNormal(shape),
});

/**
 * A batch norm's four arrays [channel]: scale 1, bias 0, running mean 0, running variance 1.
 *
 * @example
 * ```ts
 * import { batchNormSpecs } from "rampart";
 *
 * console.log(batchNormSpecs("norm", 16).length); // scale, bias, mean, variance
 * ```
 */
export const batchNormSpecs = (name: string, channels: number): ParameterSpec[] => {
  const filled = (part: string, value: number, trainable: boolean): ParameterSpec => ({
    name: `${name}.${part}`,
    shape: [channels],
    trainable,
    init: () => tensor([channels], new Float32Array(channels).fill(value)),
  });
  return [
    filled("scale", 1, true),
    filled("bias", 0, true),
    filled("mean", 0, false),
    filled("variance", 1, false),
  ];
};

/**
 * A linear layer: weights [out, in] uniform in ±1/√in, PyTorch's default, and bias [out] 0.
 *
 * @example
 * ```ts
 * import { linearSpecs } from "rampart";
 *
 * console.log(linearSpecs("out", 10, 64).map(({ shape }) => shape)); // [10, 64] and [10]
 * ```
 */
export const linearSpecs = (name: string, out: number, into: number): ParameterSpec[] => [
  {
    name: `${name}.weight`,
    shape: [out, into],
    trainable: true,
    init: (key) => {
      const bound = 1 / Math.sqrt(into);
      return tensor([out, into], uniform([key], [1, out, into], -bound, bound).data);
    },
  },
  { name: `${name}.bias`, shape: [out], trainable: true, init: () => tensor([out]) },
];

/**
 * The arrays of an untrained network. Each depends on the key and its own name only.
 *
 * @example
 * ```ts
 * import { architecture, initialParameters, keyOf } from "rampart";
 *
 * const input = { shape: [3, 32, 32], classes: 10, mean: [0, 0, 0], std: [1, 1, 1] };
 * const weights = initialParameters(architecture("cnn-small", input), keyOf(7));
 * console.log(Object.keys(weights));
 * ```
 */
export const initialParameters = (architecture: Architecture, key: Key = keyOf(0)): Parameters =>
  Object.fromEntries(
    architecture.parameters.map(({ name, init }) => [name, init(fold(key, nameToNumber(name)))]),
  );
