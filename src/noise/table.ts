// The table of noises. A noise is one file and one row here.
import { Registry } from "../math/registry.ts";
import { UsageError } from "../math/usage-error.ts";
import { conv } from "./conv.ts";
import {
  fullName,
  HALF_LEVELS,
  halfLevels,
  MAX_LENGTH,
  type NoiseDefinition,
  type Parameter,
  type ParameterValues,
} from "./define-noise.ts";
import { expLinf } from "./exp-linf.ts";
import { generalizedNormal } from "./generalized-normal.ts";
import { laplace } from "./laplace.ts";
import { mix } from "./mix.ts";
import { mixImage } from "./mix-image.ts";
import type { Noise } from "./noise.ts";
import { normal } from "./normal.ts";
import { splitting } from "./splitting.ts";
import { uniform } from "./uniform.ts";

/** The noises by name, without parameters. A plug-in's noise is added last. */
export const noises = new Registry<NoiseDefinition>("noise", [
  normal,
  uniform,
  laplace,
  generalizedNormal,
  conv,
  mix,
  mixImage,
  expLinf,
  splitting,
]);

/** Whether a length would hide an image with pixels in [0, 1]: it was meant in levels, of which there are 255. */
const isTooLarge = (value: number, { unit }: Parameter): boolean =>
  (unit === "pixels" && value >= 1) || (unit === "half-levels" && value >= MAX_LENGTH);

/** The definition and the values of a noise given by name. */
export interface ParsedNoise {
  readonly definition: NoiseDefinition;
  readonly parameters: ParameterValues;
}

/** Parses `normal:0.25`, `uniform:8/255` (a fraction) or `normal` (the default parameters). Throws `UsageError`. */
export function parseNoise(text: string): ParsedNoise {
  const [kind, ...values] = text.split(":");
  const definition = noises.named(kind);
  const names = Object.keys(definition.parameters);
  const expected = names.map((name) => definition.parameters[name]);
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
  const large = parameters.findIndex((value, i) => isTooLarge(value, expected[i]));
  if (large >= 0) {
    const scaled = values.map((value, i) => (i === large ? `${value}/255` : value));
    throw new UsageError(
      `noise ${text} would hide an image with pixels in [0, 1]; did you mean ${fullName(kind, scaled)}?`,
      { code: "bad-option" },
    );
  }
  const between = parameters.findIndex(
    (value, i) => expected[i].unit === "half-levels" && halfLevels(value) === null,
  );
  if (between >= 0) {
    const halves = Math.max(1, Math.round(parameters[between] * HALF_LEVELS));
    const nearest = values.map((value, i) => (i === between ? `${halves}/${HALF_LEVELS}` : value));
    throw new UsageError(
      `noise ${text} needs a multiple of 1/${HALF_LEVELS}, half a level of 8-bit pixels; did you mean ${fullName(kind, nearest)}?`,
      { code: "bad-option" },
    );
  }
  const byName = Object.fromEntries(names.map((name, i) => [name, parameters[i]]));
  return { definition, parameters: byName };
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
 * The noise written as `normal:0.25`, or as `normal` for its default parameters. The name of the result holds all parameters.
 * Throws `UsageError`.
 *
 * @example
 * ```ts
 * import { keyOf, keysFor, noiseNamed } from "rampart";
 *
 * const noise = noiseNamed("normal:0.25");
 * console.log(noise.sample(keysFor(keyOf(0), [0]), [1, 3]).data);
 * ```
 */
export function noiseNamed(text: string): Noise {
  const { definition, parameters } = parseNoise(text);
  return definition(parameters);
}

/** The noise in words: `normal noise of standard deviation 0.25 on pixels in [0, 1]`. Throws `UsageError`. */
export function describeNoise(text: string): string {
  const noise = noiseNamed(text);
  return noise.describe?.() ?? noise.name;
}

/** Whether this noise, given with or without parameters, is one of ours, which a worker thread knows too. */
export const isBuiltInNoise = (text: string): boolean =>
  noises.builtIn.some(({ name }) => name === text.split(":")[0]);
