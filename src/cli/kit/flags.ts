import { Option } from "commander";
import { z } from "zod";

type Schema = z.core.JSONSchema.BaseSchema;

/** One option of a command, as its JSON schema describes it. */
export interface Field {
  /** The key in the options object: `epsilonLinf`. */
  readonly name: string;
  /** The flag on the command line: `--epsilon-linf`. */
  readonly flag: string;
  readonly schema: Schema;
  readonly required: boolean;
}

const kebab = (name: string): string =>
  name.replace(/([a-z0-9])([A-Z])/g, "$1-$2").replace(/([A-Z])([A-Z][a-z])/g, "$1-$2");

/** The options of a schema, in its order. */
export function fieldsOf(options: z.ZodObject): Field[] {
  const { properties = {}, required = [] } = z.toJSONSchema(options, {
    io: "input",
    unrepresentable: "any",
  });
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    flag: `--${kebab(name).toLowerCase()}`,
    schema: typeof schema === "boolean" ? {} : schema,
    required: required.includes(name),
  }));
}

const number = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;

/** The value of `0.031`, `1e-3` or `8/255`; undefined for any other text. */
export function numberOf(text: string): number | undefined {
  const parts = text.trim().split("/");
  if (parts.length > 2 || !parts.every((part) => number.test(part.trim()))) return undefined;
  const [numerator, denominator = 1] = parts.map(Number);
  const value = numerator / denominator;
  return Number.isFinite(value) ? value : undefined;
}

/** The branches of a union, or the schema itself. */
const branches = (schema: Schema): readonly Schema[] =>
  (schema.anyOf ?? [schema]).filter((branch) => typeof branch === "object") as readonly Schema[];

/** Parses text to the type that the schema expects. Text of another type stays text, which zod then refuses. */
export function parsedAs(text: unknown, schema: Schema): unknown {
  if (Array.isArray(text) && schema.type === "array")
    return text.map((item) => parsedAs(item, itemsOf(schema)));
  if (typeof text !== "string") return text;
  const types = branches(schema).map(({ type }) => type);
  if (types.includes("array")) {
    const list = branches(schema).find(({ type }) => type === "array") ?? schema;
    const parts = text.split(",").map((part) => part.trim());
    return parts.map((part) => parsedAs(part, itemsOf(list)));
  }
  if (types.includes("number") || types.includes("integer")) return numberOf(text) ?? text;
  return text;
}

const itemsOf = ({ items }: Schema): Schema =>
  typeof items === "object" && !Array.isArray(items) ? (items as Schema) : {};

/** The allowed words of an option; empty if any value is allowed. */
export function choicesOf(schema: Schema): readonly string[] {
  const words = branches(schema).flatMap((branch) => {
    const { enum: many, const: one } = branch.type === "array" ? itemsOf(branch) : branch;
    return many ?? (one === undefined ? [] : [one]);
  });
  return words.filter((word) => typeof word === "string");
}

const placeholder = (schema: Schema): string => {
  const [{ type, items, placeholder: stated }] = branches(schema);
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
  // A former name stays valid, and help shows the new one alone.
  const isAlias = schema.aliasOf !== undefined;
  return [
    new Option(flag, help(field)).hideHelp(on || isAlias),
    new Option(flag.replace("--", "--no-"), `not: ${help(field)}`).hideHelp(!on || isAlias),
  ];
}
