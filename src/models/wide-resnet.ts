import { z } from "zod";
import { add, input, mul, relu } from "../engine/graph/ops.ts";
import type { Value } from "../engine/graph/value.ts";
import type { Shape } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import type { InputSpec, Mode, ParameterSpec } from "./architecture.ts";
import { defineArchitecture, type NetworkSpecification } from "./define-architecture.ts";
import { batchNormSpecs, convWeight, linearSpecs } from "./initial.ts";
import { batchNorm, convSame, globalAveragePool, linear, normalize } from "./layers.ts";

/** One residual block. */
interface Block {
  /** Prefix of the names of its arrays: `group2.block0`. */
  readonly name: string;
  /** Channels of its input and output. */
  readonly into: number;
  readonly out: number;
  readonly stride: number;
  /** [channel, height, width] between its two convolutions, where dropout is applied. */
  readonly inner: Shape;
}

function blocksOf(depth: number, width: number, [, height, columns]: Shape): Block[] {
  const perGroup = (depth - 4) / 6;
  const blocks: Block[] = [];
  let into = 16;
  let size = [height, columns];
  for (const group of [1, 2, 3])
    for (let i = 0; i < perGroup; i++) {
      const out = 16 * width * 2 ** (group - 1);
      const stride = group > 1 && i === 0 ? 2 : 1;
      size = size.map((n) => Math.ceil(n / stride));
      const name = `group${group}.block${i}`;
      blocks.push({ name, into, out, stride, inner: [out, ...size] });
      into = out;
    }
  return blocks;
}

const needsShortcut = ({ into, out, stride }: Block) => into !== out || stride !== 1;

function blockSpecs(block: Block): ParameterSpec[] {
  const { name, into, out } = block;
  const specs = [
    ...batchNormSpecs(`${name}.bn1`, into),
    convWeight(`${name}.conv1`, [out, into, 3, 3]),
    ...batchNormSpecs(`${name}.bn2`, out),
    convWeight(`${name}.conv2`, [out, out, 3, 3]),
  ];
  if (needsShortcut(block)) specs.push(convWeight(`${name}.shortcut`, [out, into, 1, 1]));
  return specs;
}

const Options = z.strictObject({
  depth: z.int().max(999).describe("convolutions: 4 plus a multiple of 6"),
  width: z.int().max(999).describe("factor of the channels"),
  dropout: z.number().nonnegative().lt(1).default(0).describe("share dropped in each block"),
});
type Options = z.output<typeof Options>;

function network(
  { shape, classes, mean, std }: InputSpec,
  { depth, width, dropout }: Options,
): NetworkSpecification {
  if (depth < 10 || (depth - 4) % 6 !== 0 || width < 1)
    throw new UsageError(
      `wrn-${depth}-${width} does not exist: the depth is 4 plus a multiple of 6 (10, 16, 22, 28, …), the width 1 or more`,
      { code: "unknown-name" },
    );
  const blocks = blocksOf(depth, width, shape);
  const features = 64 * width;
  const parameters: ParameterSpec[] = [
    convWeight("conv0", [16, shape[0], 3, 3]),
    ...blocks.flatMap(blockSpecs),
    ...batchNormSpecs("bn", features),
    ...linearSpecs("fc", classes, features),
  ];
  const masks = dropout > 0 ? Object.fromEntries(blocks.map((b) => [b.name, b.inner])) : {};

  return {
    parameters,
    dropout: { rate: dropout, masks },
    input: (image) => normalize(image, mean, std),
    forward(image: Value, parameter: (name: string) => Value, mode: Mode) {
      const statistics: Record<string, Value> = {};
      const normRelu = (x: Value, name: string) => {
        const arrays = {
          scale: parameter(`${name}.scale`),
          bias: parameter(`${name}.bias`),
          mean: parameter(`${name}.mean`),
          variance: parameter(`${name}.variance`),
        };
        const { y, mean, variance } = batchNorm(x, arrays, mode);
        if (mode === "batch") {
          statistics[`${name}.mean`] = mean;
          statistics[`${name}.variance`] = variance;
        }
        return relu(y);
      };
      const drop = (x: Value, { name }: Block) =>
        mode === "batch" && dropout > 0 ? mul(x, input(`dropout/${name}`, x.shape)) : x;

      let x = convSame(normalize(image, mean, std), parameter("conv0"));
      for (const block of blocks) {
        const { name, stride } = block;
        const a = normRelu(x, `${name}.bn1`);
        const b = normRelu(convSame(a, parameter(`${name}.conv1`), stride), `${name}.bn2`);
        const residual = convSame(drop(b, block), parameter(`${name}.conv2`));
        const shortcut = needsShortcut(block)
          ? convSame(a, parameter(`${name}.shortcut`), stride)
          : x;
        x = add(residual, shortcut);
      }
      const pooled = globalAveragePool(normRelu(x, "bn"));
      return { logits: linear(pooled, parameter("fc.weight"), parameter("fc.bias")), statistics };
    },
  };
}

/**
 * Wide ResNet (Zagoruyko & Komodakis 2016, arXiv:1605.07146) for images [channel, height, width]: three groups of
 * (depth − 4) / 6 pre-activation blocks with 16, 32 and 64 times `width` channels. The first layer normalises pixels.
 * Throws `UsageError` for a depth or width that no such network has.
 */
export const wideResnet = defineArchitecture({
  name: "wrn",
  options: Options,
  source: "Zagoruyko & Komodakis 2016, arXiv:1605.07146",
  examples: ["wrn-10-1", "wrn-16-4", "wrn-28-10"],
  make: network,
});
