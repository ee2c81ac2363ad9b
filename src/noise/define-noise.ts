import { z } from "zod";
import { makerWith } from "../math/maker.ts";
import { checkedOptions } from "../math/option-problems.ts";
import { badPlugin, callPlugin, type PluginDefinition, requireResult } from "../math/plugin.ts";
import type { Key } from "../math/random.ts";
import { isBuiltIn } from "../math/registry.ts";
import type { Shape, Tensor } from "../math/tensor.ts";
import type { Noise } from "./noise.ts";

/** One parameter of a noise. */
export interface Parameter {
  /** The default; of a built-in noise the value of Araujo et al. 2019, arXiv:1903.10219, §4.2. */
  readonly byDefault: number;
  /**
   * `pixels`: a length below 1, on the scale of pixels in [0, 1]. `half-levels`: a length of whole halves of an 8-bit level, a
   * multiple of 1/510, that may exceed 1. `order`: dimensionless, above 0, may be `inf`.
   */
  readonly unit: "pixels" | "half-levels" | "order";
  /** For help and the JSON schema: `standard deviation`. */
  readonly text: string;
}

/** A parameter that is a length on the scale of pixels in [0, 1]. */
export const pixels = (byDefault: number, text: string): Parameter => ({
  byDefault,
  unit: "pixels",
  text,
});

/** Halves of an 8-bit level in the range [0, 1]. */
export const HALF_LEVELS = 510;

/** Lengths of unit `half-levels` are below this; noise beyond it leaves nothing of an image. */
export const MAX_LENGTH = 16;

/** A length, for pixels in [0, 1], in halves of an 8-bit level; null if it is not a positive integer, or too large. */
export function halfLevels(length: number): number | null {
  const halves = Math.round(length * HALF_LEVELS);
  const isWhole = Math.abs(length * HALF_LEVELS - halves) < 1e-6;
  return isWhole && halves > 0 && length < MAX_LENGTH ? halves : null;
}

/** The values of a noise's parameters by name. */
export type ParameterValues<Name extends string = string> = { readonly [N in Name]: number };

/** What `defineNoise` is given. */
export interface NoiseSpecification<Name extends string = string> {
  /** The name on the command line, before the colons: `normal`. */
  readonly name: string;
  /** The parameters by name, in the order in which the name of a noise states them: `mix:0.25:0.2`. */
  readonly parameters: Readonly<Record<Name, Parameter>>;
  /** The publication, or another origin. */
  readonly source: string;
  /** The distribution in words; lengths are on the scale of pixels in [0, 1]. */
  describe(parameters: ParameterValues<Name>): string;
  /** One draw per key, independent between keys; `shape` and the result are [batch, ...pixels], `keys` is [batch]. */
  sample(keys: readonly Key[], shape: Shape, parameters: ParameterValues<Name>): Tensor;
  /** The images x [batch, ...pixels] under draws of `sample` of the same shape; absent for noise that is added. */
  combine?(x: Tensor, drawn: Tensor, parameters: ParameterValues<Name>): Tensor;
  /** The density of one pixel's noise at x, for tests; absent if it has no closed form. */
  density?(x: number, parameters: ParameterValues<Name>): number;
}

/**
 * A distribution of noise. Called with values for its parameters, it makes a noise; a parameter that is left out has its
 * default. Throws `UsageError` for a value out of range.
 */
export interface NoiseDefinition<Name extends string = string> extends NoiseSpecification<Name> {
  (values?: Partial<ParameterValues<Name>>): Noise;
  readonly type: "noise";
  /** The strict schema of the parameters, with their defaults. */
  readonly options: z.ZodObject;
}

/** A positive number of its unit. zod's numbers are finite, but an order may be infinite. */
function valuesOf(unit: Parameter["unit"]): z.ZodType<number> {
  const positive = z.number().positive();
  if (unit === "pixels") return positive.lt(1);
  if (unit === "order") return z.union([positive, z.literal(Number.POSITIVE_INFINITY)]);
  return positive.refine((length) => halfLevels(length) !== null, {
    error: `it must be a multiple of 1/${HALF_LEVELS} below ${MAX_LENGTH}`,
  });
}

const schemaOf = ({ byDefault, unit, text }: Parameter): z.ZodType =>
  valuesOf(unit).default(byDefault).describe(text);

/** The name with all its parameters: `normal:0.25`, `mix:0.25:0.2`. */
export const fullName = (kind: string, values: readonly (number | string)[]): string =>
  [kind, ...values.map((value) => (value === Number.POSITIVE_INFINITY ? "inf" : value))].join(":");

/** The description of a noise in its definition, with the scale of its lengths. */
export const inWords = (description: string): string => `${description} on pixels in [0, 1]`;

/** The words of `describe`, with the scale of lengths. Throws `bad-plugin` for anything but text. */
function wordsOf(definition: PluginDefinition, description: unknown): string {
  if (typeof description === "string") return inWords(description);
  throw badPlugin(
    definition,
    `returned ${typeof description} from describe, and must return words`,
  );
}

/** The noise of a plug-in: what it throws, and arrays of another shape, are errors that name it. */
function checkedNoise(definition: PluginDefinition, noise: Noise): Noise {
  const { name, describe, sample, combine } = noise;
  const checked = (call: string, make: () => Tensor, shape: Shape) =>
    requireResult(definition, call, callPlugin(definition, call, make), shape);
  return {
    name,
    describe: describe && (() => callPlugin(definition, "describe", describe)),
    sample: (keys, shape) => checked("sample", () => sample(keys, shape), shape),
    combine: combine && ((x, drawn) => checked("combine", () => combine(x, drawn), x.shape)),
  };
}

/**
 * Defines a noise distribution. Pure: `noises.add` makes its name known. Throws `UsageError` with the code `bad-plugin` for a
 * name that is not made of lower-case letters, digits and hyphens, or for a parameter whose default is out of range.
 *
 * @example
 * ```ts
 * import { defineNoise, tensor } from "rampart";
 *
 * const shift = defineNoise({
 *   name: "shift",
 *   parameters: { size: { byDefault: 0.1, unit: "pixels", text: "added to every pixel" } },
 *   source: "this example",
 *   describe: ({ size }) => `a shift of ${size}`,
 *   sample: (keys, shape, { size }) => {
 *     const pixels = shape.slice(1).reduce((product, length) => product * length, 1);
 *     return tensor(shape, new Float32Array(keys.length * pixels).fill(size));
 *   },
 * });
 * console.log(shift({ size: 0.2 }).name); // shift:0.2
 * ```
 */
export function defineNoise<Name extends string>(
  given: NoiseSpecification<Name>,
): NoiseDefinition<Name> {
  const self = { type: "noise", name: String(given.name) } as const;
  if (!/^[a-z][a-z0-9-]*$/.test(self.name))
    throw badPlugin(self, "needs a name of lower-case letters, digits and hyphens");
  for (const [field, value] of Object.entries({ describe: given.describe, sample: given.sample }))
    if (typeof value !== "function") throw badPlugin(self, `needs a function ${field}`);
  const isObject = typeof given.parameters === "object" && given.parameters !== null;
  if (!isObject) throw badPlugin(self, "needs parameters by name; they may be empty");
  const names = Object.keys(given.parameters) as Name[];
  const options = z.strictObject(
    Object.fromEntries(names.map((name) => [name, schemaOf(given.parameters[name])])),
  );
  const byDefault = Object.fromEntries(
    names.map((name) => [name, given.parameters[name].byDefault]),
  );
  const { error } = options.safeParse(byDefault);
  if (error !== undefined)
    throw badPlugin(self, `has a default out of range: ${String(error.issues[0].path[0])}`);

  const make = (values: Partial<ParameterValues<Name>> = {}): Noise => {
    const parameters = checkedOptions(options, values) as ParameterValues<Name>;
    const name = fullName(
      given.name,
      names.map((parameter) => parameters[parameter]),
    );
    const { combine } = given;
    const noise: Noise = {
      name,
      describe: () => wordsOf(definition, given.describe(parameters)),
      sample: (keys, shape) => given.sample(keys, shape, parameters),
      combine: combine && ((x, drawn) => combine(x, drawn, parameters)),
    };
    return isBuiltIn(definition) ? noise : checkedNoise(definition, noise);
  };
  const definition: NoiseDefinition<Name> = makerWith(make, {
    type: self.type,
    name: given.name,
    parameters: given.parameters,
    source: given.source,
    describe: given.describe,
    sample: given.sample,
    combine: given.combine,
    density: given.density,
    options,
  });
  return definition;
}
