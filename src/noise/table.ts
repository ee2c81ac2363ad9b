import { unknownName } from "../math/nearest.ts";
import { UsageError } from "../math/usage-error.ts";
import { type Distribution, distributions, type Parameter } from "./distributions.ts";
import type { Noise } from "./noise.ts";

/** The distributions that a noise can have. */
export const noiseNames: readonly string[] = Object.keys(distributions);

/** How a name with all its parameters looks: `normal:0.25`, `mix:0.25:0.2`. */
const written = (kind: string, parameters: readonly (number | string)[]): string =>
  [kind, ...parameters.map((one) => (one === Number.POSITIVE_INFINITY ? "inf" : one))].join(":");

/** `normal:0.25` → its distribution and its parameters; `normal` has the paper's; `uniform:8/255` is a fraction. */
function parse(text: string) {
  const [kind, ...given] = text.split(":");
  if (!Object.hasOwn(distributions, kind))
    throw new UsageError(unknownName("noise", kind, noiseNames));
  const distribution: Distribution = distributions[kind];
  const expected = distribution.parameters;
  const example = written(
    kind,
    expected.map(({ byDefault }) => byDefault),
  );
  if (given.length > 0 && given.length !== expected.length)
    throw new UsageError(
      `noise ${text} needs ${expected.length === 1 ? "a positive number after the colon" : `${expected.length} positive numbers, each after a colon`}, for example ${example}`,
    );
  const parameters = expected.map((parameter, i) =>
    given.length === 0 ? parameter.byDefault : parseNumber(given[i], parameter),
  );
  const wrong = parameters.findIndex((value) => !(value > 0));
  if (wrong >= 0)
    throw new UsageError(
      `noise ${text} needs a positive number after ${expected.length === 1 ? "the" : "each"} colon, got ${JSON.stringify(given[wrong])}, for example ${example}`,
    );
  const large = parameters.findIndex((value, i) => expected[i].unit === "pixels" && value >= 1);
  if (large >= 0)
    throw new UsageError(
      `noise ${text} is for pixels in [0, 1], where it would hide the image; did you mean ${written(
        kind,
        given.map((one, i) => (i === large ? `${one}/255` : one)),
      )}?`,
    );
  return { kind, distribution, parameters };
}

/** A number or a fraction; NaN if it is neither. An order, which is no length, may be infinite. */
function parseNumber(text: string, { unit }: Parameter): number {
  if (unit === "order" && text === "inf") return Number.POSITIVE_INFINITY;
  const [, numerator, denominator = "1"] =
    /^(\d*\.?\d+(?:e-?\d+)?)(?:\/(\d*\.?\d+))?$/i.exec(text) ?? [];
  const value = numerator === undefined ? Number.NaN : Number(numerator) / Number(denominator);
  return Number.isFinite(value) ? value : Number.NaN;
}

/** The noise written as `normal:0.25`, or `normal` for the paper's parameter; its name has the parameters resolved. */
export function noiseNamed(text: string): Noise {
  const { kind, distribution, parameters } = parse(text);
  return {
    name: written(kind, parameters),
    sample: (keys, shape) => distribution.sample(keys, shape, ...parameters),
  };
}

/** The same in words, with the pixel scale: `normal noise of standard deviation 0.25 on pixels in [0, 1]`. */
export function describeNoise(text: string): string {
  const { distribution, parameters } = parse(text);
  return `${distribution.describe(...parameters)} on pixels in [0, 1]`;
}
