// The options of all data sets in one schema, and the name of a data set with the options that were given.
import type { z } from "zod";
import { sharedOptionName, withoutDefault } from "../math/own-options.ts";
import { badPlugin } from "../math/plugin.ts";
import { UsageError } from "../math/usage-error.ts";
import { kindOf, nameOf, type OptionValues, partsOf } from "./data-name.ts";
import type { DatasetDefinition } from "./define-dataset.ts";
import { datasets, requireDataName } from "./table.ts";

/** The shared name of each option of a data set: `size` of `stripes` is `stripesSize`. */
const sharedNames = ({
  name,
  options,
}: DatasetDefinition): readonly (readonly [string, string])[] =>
  Object.keys(options.shape).map((option) => [option, sharedOptionName(name, option)] as const);

/** The options of all data sets at this moment, by shared name. Each is absent unless it is given. */
export function dataOptionShape(): Readonly<Record<string, z.ZodType>> {
  const shape: Record<string, z.ZodType> = {};
  for (const definition of datasets.all)
    for (const [option, shared] of sharedNames(definition))
      shape[shared] = withoutDefault(definition.options.shape[option] as z.ZodType);
  return shape;
}

/** A schema with the options of all data sets. Throws `bad-plugin` if one has the name of an option of the schema. */
export function withDataOptions<S extends z.ZodObject>(schema: S): S {
  for (const definition of datasets.all)
    for (const [option, shared] of sharedNames(definition))
      if (Object.hasOwn(schema.shape, shared))
        throw badPlugin(
          definition,
          `has an option ${option}, which is ${shared} beside other options, and there is one of this name already; rename it`,
        );
  return schema.extend(dataOptionShape()) as unknown as S;
}

/** The data set that has an option of this shared name. */
const ownerOf = (shared: string): DatasetDefinition | undefined =>
  datasets.all.find((one) => sharedNames(one).some(([, name]) => name === shared));

/**
 * The name of a data set with the options among `values`, which it then states: `stripes:size=20`. `label` is how messages name
 * an option. The name stays as it is without such options. Throws `UsageError` for an option of another data set.
 */
export function nameWithOptions(
  name: string | undefined,
  values: OptionValues,
  label: (option: string) => string = (option) => option,
): string | undefined {
  const shared = Object.keys(dataOptionShape()).filter((option) => values[option] !== undefined);
  if (shared.length === 0) return name;
  const [first] = shared;
  const owner = ownerOf(first)?.name;
  if (name === undefined)
    throw new UsageError(
      `${label(first)} is an option of data set ${owner}, but no data set is named; add ${label("data")} ${owner}`,
      { code: "missing-option" },
    );
  requireDataName(name);
  const definition = datasets.named(kindOf(name));
  const options: Record<string, unknown> = Object.assign({}, partsOf(definition, name).options);
  const own = new Map(sharedNames(definition).map(([option, known]) => [known, option]));
  for (const option of shared) {
    const mine = own.get(option);
    if (mine === undefined)
      throw new UsageError(
        `${label(option)} is an option of data set ${ownerOf(option)?.name}, and ${name} has no such option; leave it out`,
        { code: "misfit" },
      );
    options[mine] = values[option];
  }
  return nameOf(definition, partsOf(definition, name).path, options);
}

/** Values without the options of data sets, which the name in `field` then states. */
export function withDataName<V extends object>(
  values: V,
  field: keyof V & string,
  label?: (option: string) => string,
): V {
  const shape = dataOptionShape();
  const entries = Object.entries(values).filter(([name]) => !Object.hasOwn(shape, name));
  const name: unknown = values[field];
  const stated =
    name === undefined || typeof name === "string"
      ? nameWithOptions(name, values as OptionValues, label)
      : name;
  const rest = Object.fromEntries(entries);
  if (stated !== undefined) rest[field] = stated;
  return rest as V;
}
