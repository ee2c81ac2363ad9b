// A definition's own options: their names among those of all definitions, and their checks.
import { z } from "zod";
import { badPlugin, type PluginDefinition } from "./plugin.ts";

/** A caller's own options; `unknown` if there are none, because zod's type for an empty strict object forbids every key. */
export type OwnInput<O extends z.ZodObject> = [keyof O["shape"]] extends [never]
  ? unknown
  : z.input<O>;

/** Resolved own options. */
export type OwnOutput<O extends z.ZodObject> = [keyof O["shape"]] extends [never]
  ? unknown
  : z.output<O>;

/** `pgd-t` → `pgdT`. */
const camelCase = (name: string): string =>
  name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** The name of a definition's option among those of all: `queries` of `square` is `squareQueries`. */
export const sharedOptionName = (definition: string, option: string): string =>
  camelCase(definition) + option[0].toUpperCase() + option.slice(1);

/**
 * Throws `bad-plugin` unless `options` is an object of zod whose options are described and may be left out, and none of them is
 * called as one that Rampart gives (`reserved`, with the reason as the end of a sentence).
 */
export function requireOwnOptions(
  self: PluginDefinition,
  options: unknown,
  reserved: { readonly names: readonly string[]; readonly why: string },
): asserts options is z.ZodObject {
  if (!(options instanceof z.ZodObject))
    throw badPlugin(self, "needs options, a z.strictObject of zod; it may be empty");
  for (const [option, schema] of Object.entries(options.shape)) {
    if (reserved.names.includes(option))
      throw badPlugin(self, `has an option ${option}; ${reserved.why}`);
    if (!(schema as z.ZodType).description)
      throw badPlugin(self, `has an option ${option} without a description; add .describe("…")`);
  }
  const [issue] = options.safeParse({}).error?.issues ?? [];
  if (issue !== undefined)
    throw badPlugin(
      self,
      `has an option ${issue.path.join(".")} without a valid default; add .default(…) or .optional()`,
    );
}

/** An option as a schema of many definitions has it: absent unless it was given, since each definition has its own default. */
export const withoutDefault = (schema: z.ZodType): z.ZodType =>
  schema instanceof z.ZodDefault
    ? (schema.unwrap() as z.ZodType)
        .optional()
        .describe(
          `${schema.description ?? ""} (default: ${String(schema.parse(undefined))})`.trimStart(),
        )
    : schema.optional().describe(schema.description ?? "");
