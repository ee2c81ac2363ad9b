import { unknownName } from "../math/nearest.ts";
import { UsageError } from "../math/usage-error.ts";
import { type Distribution, distributions, type Parameter } from "./distributions.ts";
import type { Noise } from "./noise.ts";

/** The names of the noise distributions, without parameters. */
export const noiseNames: readonly string[] = Object.keys(distributions);

/** The name with all its parameters: `normal:0.25`, `mix:0.25:0.2`. */
const fullName = (kind: string, parameters: readonly (number | string)[]): string =>
  [kind, ...parameters.map((value) => (value === Number.POSITIVE_INFINITY ? "inf" : value))].join(
    ":",
  );

/** Parses `normal:0.25`, `uniform:8/255` (a fraction) or `normal` (the paper's parameters). Throws `UsageError`. */
function parse(text: string) {
  const [kind, ...values] = text.split(":");
  if (!Object.hasOwn(distributions, kind))
    throw new UsageError(unknownName("noise", kind, noiseNames), { code: "unknown-name" });
  const distribution: Distribution = distributions[kind];
  const expected = distribution.parameters;
  const example = fullName(
    kind,
    expected.map(({ byDefault }) => byDefault),
  );
  const isOne = expected.length === 1;
  const numbers = isOne
    ? "a positive number after the colon"
    : `${expected.length} positive numbers, each after a colon`;
  if (values.length > 0 && values.length !== expected.length)
    throw new UsageError(`noise ${text} needs ${numbers}, for example ${example}`, {
      code: "bad-option",
    });
  const parameters = expected.map((parameter, i) =>
    values.length === 0 ? parameter.byDefault : parseNumber(values[i], parameter),
  );
  const wrong = parameters.findIndex((value) => !(value > 0));
  if (wrong >= 0)
    throw new UsageError(
      `noise ${text} needs a positive number after ${isOne ? "the" : "each"} colon, got ${JSON.stringify(values[wrong])}, for example ${example}`,
      { code: "bad-option" },
    );
  const large = parameters.findIndex((value, i) => expected[i].unit === "pixels" && value >= 1);
  if (large >= 0) {
    const scaled = values.map((value, i) => (i === large ? `${value}/255` : value));
    throw new UsageError(
      `noise ${text} would hide an image with pixels in [0, 1]; did you mean ${fullName(kind, scaled)}?`,
      { code: "bad-option" },
    );
  }
  return { kind, distribution, parameters };
}

/** Parses a number or a fraction; NaN for anything else. Only an order may be `inf`. */
function parseNumber(text: string, { unit }: Parameter): number {
  if (unit === "order" && text === "inf") return Number.POSITIVE_INFINITY;
  const [, numerator, denominator = "1"] =
    /^(\d*\.?\d+(?:e-?\d+)?)(?:\/(\d*\.?\d+))?$/i.exec(text) ?? [];
  const value = numerator === undefined ? Number.NaN : Number(numerator) / Number(denominator);
  return Number.isFinite(value) ? value : Number.NaN;
}

/**
 * The noise written as `normal:0.25`, or as `normal` for the paper's parameter. The name of the result holds all parameters.
 * Throws `UsageError`.
 */
export function noiseNamed(text: string): Noise {
  const { kind, distribution, parameters } = parse(text);
  return {
    name: fullName(kind, parameters),
    sample: (keys, shape) => distribution.sample(keys, shape, ...parameters),
  };
}

/** The noise in words: `normal noise of standard deviation 0.25 on pixels in [0, 1]`. Throws `UsageError`. */
export function describeNoise(text: string): string {
  const { distribution, parameters } = parse(text);
  return `${distribution.describe(...parameters)} on pixels in [0, 1]`;
}
