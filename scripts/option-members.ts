// Members of an interface for the options of a schema, so that an editor shows each option's description.
import type { Field } from "../src/cli/kit/flags.ts";

/** The TypeScript type of an option's values. */
function typeOf({ schema }: Field): string {
  if (schema.enum !== undefined)
    return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.type === "integer") return "number";
  return String(schema.type);
}

/** The member of an interface for one option: its description, its default, and its type. */
export function optionMember(field: Field): string {
  const { description = "", default: byDefault } = field.schema;
  // A description that begins with a name, such as `mat-*:`, keeps it as it is written.
  const isNamed = /^[a-z0-9*-]+: /.test(description);
  const first = description.charAt(0);
  const sentence = `${isNamed ? first : first.toUpperCase()}${description.slice(1)}`;
  const ending = byDefault === undefined ? "." : ` (default: ${byDefault}).`;
  return `  /** ${sentence}${ending} */\n  readonly ${field.name}?: ${typeOf(field)} | undefined;`;
}
