import { lookUp } from "../math/look-up.ts";
import { fileOf, type PluginDefinition, rememberFile } from "../math/plugin.ts";
import { UsageError } from "../math/usage-error.ts";
import { defineFunctions, kinds } from "./registries.ts";

/** Whether a value states that it is a definition, by a `type` of ours and a name. */
export function isDefinition(value: unknown): value is PluginDefinition {
  if ((typeof value !== "function" && typeof value !== "object") || value === null) return false;
  const { type, name } = value as Partial<PluginDefinition>;
  return typeof type === "string" && lookUp(kinds, type) !== undefined && typeof name === "string";
}

/** `attack mine of ./mine.mjs`; `where` overrides the file that is remembered. */
const described = ({ type, name }: PluginDefinition, where: string | undefined): string =>
  `${type} ${name}${where === undefined ? "" : ` of ${where}`}`;

/** Adds one definition to the table of its kind. `file` is where it was loaded from. Throws `UsageError`, `bad-plugin`. */
export function addDefinition(definition: PluginDefinition, file?: string): void {
  const { registry, define } = kinds[definition.type];
  const fail = (problem: string) =>
    new UsageError(`${described(definition, file)} ${problem}`, { code: "bad-plugin" });
  // The functions that define are what checks a definition, so an object that only looks like one is refused.
  const value: unknown = definition;
  if (typeof value !== "function" || !Object.isFrozen(value))
    throw fail(`was not made by ${define}; export the result of ${define}({ … })`);
  const present = registry.find(definition.name);
  if (present !== undefined && present !== definition) {
    const other = fileOf(present);
    const owner =
      other === undefined ? "there is one of this name already" : `${other} has one of this name`;
    throw fail(`takes a name that is taken: ${owner}; give yours another name`);
  }
  registry.add(definition);
  if (file !== undefined) rememberFile(definition, file);
}

/**
 * Makes definitions known by name: attacks, losses, defences, noises, architectures and data sets, as `--plugin` does on the
 * command line. The same value may be given again. Throws `UsageError` with the code `bad-plugin` for a value that is no
 * definition, or for a name that is taken.
 *
 * @example
 * ```ts
 * import { defineNoise, noiseNamed, tensor, use } from "rampart";
 *
 * const zero = defineNoise({
 *   name: "zero",
 *   parameters: {},
 *   source: "this example",
 *   describe: () => "no noise",
 *   sample: (_, shape) => tensor(shape),
 * });
 * use(zero);
 * console.log(noiseNamed("zero").name);
 * ```
 */
export function use(...definitions: readonly unknown[]): void {
  for (const definition of definitions) {
    if (!isDefinition(definition))
      throw new UsageError(
        `use was given ${typeof definition}, which is not a definition; give the result of ${defineFunctions()}`,
        { code: "bad-plugin" },
      );
    addDefinition(definition);
  }
}
