import { laplace, normal, uniform } from "../math/distributions.ts";
import { unknownName } from "../math/nearest.ts";
import type { Key } from "../math/random.ts";
import type { Shape, Tensor } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Noise } from "./noise.ts";

interface Distribution {
  /** The parameter when the name leaves it out: the paper's, §4.2, for pixels in [0, 1]. */
  readonly byDefault: number;
  describe(parameter: number): string;
  sample(keys: readonly Key[], shape: Shape, parameter: number): Tensor;
}

const distributions: Readonly<Record<string, Distribution>> = {
  normal: {
    byDefault: 0.25,
    describe: (sigma) => `normal noise of standard deviation ${sigma}`,
    sample: normal,
  },
  uniform: {
    byDefault: 0.2,
    describe: (a) => `uniform noise from −${a} to ${a}`,
    sample: (keys, shape, a) => uniform(keys, shape, -a, a),
  },
  laplace: {
    // The scale whose standard deviation, √2 times the scale, is that of the normal noise.
    byDefault: 0.177,
    describe: (scale) => `Laplace noise of scale ${scale}`,
    sample: laplace,
  },
};

/** The distributions that a noise can have. */
export const noiseNames: readonly string[] = Object.keys(distributions);

/** `normal:0.25` → its distribution and its parameter; `normal` has the paper's; `uniform:8/255` is a fraction. */
function parse(text: string) {
  const [, kind = text, value] = /^([^:]*):(.*)$/.exec(text) ?? [];
  if (!Object.hasOwn(distributions, kind))
    throw new UsageError(unknownName("noise", kind, noiseNames));
  const distribution = distributions[kind];
  const parameter = value === undefined ? distribution.byDefault : parseNumber(value);
  if (!(parameter > 0 && parameter < Number.POSITIVE_INFINITY))
    throw new UsageError(
      `noise ${text} needs a positive number after the colon, for example ${kind}:${distribution.byDefault}`,
    );
  if (parameter >= 1)
    throw new UsageError(
      `noise ${text} is for pixels in [0, 1], where it would hide the picture; ` +
        `did you mean ${kind}:${parameter}/255?`,
    );
  return { kind, distribution, parameter };
}

function parseNumber(text: string): number {
  const [, numerator, denominator = "1"] =
    /^(\d*\.?\d+(?:e-?\d+)?)(?:\/(\d*\.?\d+))?$/i.exec(text) ?? [];
  return numerator === undefined ? Number.NaN : Number(numerator) / Number(denominator);
}

/** The noise written as `normal:0.25`, or `normal` for the paper's parameter; its name has the parameter resolved. */
export function noiseNamed(text: string): Noise {
  const { kind, distribution, parameter } = parse(text);
  return {
    name: `${kind}:${parameter}`,
    sample: (keys, shape) => distribution.sample(keys, shape, parameter),
  };
}

/** The same in words, with the pixel scale: `normal noise of standard deviation 0.25 on pixels in [0, 1]`. */
export function describeNoise(text: string): string {
  const { distribution, parameter } = parse(text);
  return `${distribution.describe(parameter)} on pixels in [0, 1]`;
}
