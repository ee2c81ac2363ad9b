import { Option } from "commander";
import { z } from "zod";
import { branchesOf, itemsOf, type OptionSchema } from "../../math/option-text.ts";

/** One option of a command, as its JSON schema describes it. */
export interface Field {
  /** The key in the options object: `epsilonLinf`. */
  readonly name: string;
  /** The flag on the command line: `--epsilon-linf`. */
  readonly flag: string;
  readonly schema: OptionSchema;
  readonly required: boolean;
}

const kebab = (name: string): string =>
  name.replace(/([a-z0-9])([A-Z])/g, "$1-$2").replace(/([A-Z])([A-Z][a-z])/g, "$1-$2");

/** The flag of an option: `epsilonLinf` is `--epsilon-linf`. */
export const flagOf = (name: string): string => `--${kebab(name).toLowerCase()}`;

/** The options of a schema, in its order. */
export function fieldsOf(options: z.ZodObject): Field[] {
  const { properties = {}, required = [] } = z.toJSONSchema(options, {
    io: "input",
    unrepresentable: "any",
  });
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    flag: flagOf(name),
    schema: typeof schema === "boolean" ? {} : schema,
    required: required.includes(name),
  }));
}

/** The allowed words of an option; empty if any value is allowed. */
export function choicesOf(schema: OptionSchema): readonly string[] {
  const words = branchesOf(schema).flatMap((branch) => {
    const { enum: many, const: one } = branch.type === "array" ? itemsOf(branch) : branch;
    return many ?? (one === undefined ? [] : [one]);
  });
  return words.filter((word) => typeof word === "string");
}

const placeholder = (schema: OptionSchema): string => {
  const [{ type, items, placeholder: stated }] = branchesOf(schema);
  if (typeof stated === "string") return stated;
  if (type === "array") return items === undefined ? "a,b" : `${placeholder(itemsOf({ items }))},…`;
  if (type === "integer") return "n";
  return type === "number" ? "x" : "name";
};

const help = ({ schema, required }: Field): string => {
  const words = choicesOf(schema);
  const shown = Array.isArray(schema.default) ? schema.default.join(",") : schema.default;
  return [
    schema.description ?? "",
    words.length > 0 ? `: ${words.join(", ")}` : "",
    required ? " (required)" : "",
    shown === undefined || schema.type === "boolean" ? "" : ` (default: ${shown})`,
  ].join("");
};

/** The flags that set one option. A switch has two, and help shows the one that changes the default. Deprecated names are hidden. */
export function flagsOf(field: Field): Option[] {
  const { flag, schema } = field;
  if (schema.type !== "boolean")
    return [
      new Option(`${flag} <${placeholder(schema)}>`, help(field)).hideHelp(
        schema.deprecated === true,
      ),
    ];
  const on = schema.default === true;
  // A former name stays valid; help shows only the new one.
  const isAlias = schema.aliasOf !== undefined;
  return [
    new Option(flag, help(field)).hideHelp(on || isAlias),
    new Option(flag.replace("--", "--no-"), `do not ${help(field)}`).hideHelp(!on || isAlias),
  ];
}
