// Names of data sets: `cifar10`, `folder:PATH`, and with options `stripes:size=20` or `rows:PATH:size=20`.
import { z } from "zod";
import { checkedOptions } from "../math/option-problems.ts";
import { parsedAs } from "../math/option-text.ts";
import { UsageError } from "../math/usage-error.ts";

/** What a name needs of a definition. */
interface WithOptions {
  readonly name: string;
  readonly path?: string;
  readonly options: z.ZodObject;
}

/** Values of a data set's own options, by the names that the definition gives them. */
export type OptionValues = Readonly<Record<string, unknown>>;

/** The parts of a name: what follows the colon, and the options that the name states. */
export interface NameParts {
  /** The path; empty without one. For a data set without a path, any text that is not an option; such text is an error. */
  readonly path: string;
  readonly options: OptionValues;
}

/** The first part of a data set's name, by which it is found. */
export const kindOf = (name: string): string => name.split(":", 1)[0];

const SEPARATORS = /[%:,]/g;

/** A value as a name states it; separators are percent-encoded. */
const written = (value: unknown): string =>
  Array.isArray(value)
    ? value.map(written).join(",")
    : String(value).replace(SEPARATORS, encodeURIComponent);

function decoded(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(decoded);
  if (typeof value !== "string") return value;
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

const truths: ReadonlyMap<unknown, boolean> = new Map([
  ["true", true],
  ["false", false],
]);

/** The values of options that are written as text. */
function valuesOf({ options }: WithOptions, texts: ReadonlyMap<string, string>): OptionValues {
  const { properties = {} } = z.toJSONSchema(options, { io: "input", unrepresentable: "any" });
  return Object.fromEntries(
    [...texts].map(([name, text]) => {
      const schema = properties[name];
      const value = typeof schema === "object" ? parsedAs(text, schema) : text;
      const isSwitch = typeof schema === "object" && schema.type === "boolean";
      return [name, isSwitch ? (truths.get(value) ?? value) : decoded(value)];
    }),
  );
}

/** Splits a name of this data set. Throws `UsageError` for an option out of range, or that the data set does not have. */
export function partsOf(definition: WithOptions, name: string): NameParts {
  const names = Object.keys(definition.options.shape);
  const segments = name.split(":").slice(1);
  const texts = new Map<string, string>();
  while (names.length > 0 && segments.length > 0) {
    const [, option, text] = /^([A-Za-z]\w*)=(.*)$/.exec(segments[segments.length - 1]) ?? [];
    // The last part of a path may hold an equals sign.
    if (option === undefined) break;
    if (definition.path !== undefined && !names.includes(option)) break;
    texts.set(option, text);
    segments.pop();
  }
  const path = segments.join(":").replace(/(?<=.)\/+$/, "");
  if (texts.size === 0) return { path, options: {} };
  const options = valuesOf(definition, texts);
  try {
    checkedOptions(definition.options, options);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError([`data set ${name}: ${error.lines[0]}`, ...error.lines.slice(1)], {
      code: error.code,
      cause: error,
    });
  }
  return { path, options };
}

/** The one name of a data set with this path and these options: those that differ from their defaults, in the schema's order. */
export function nameOf(definition: WithOptions, path: string, given: OptionValues): string {
  const values: OptionValues = checkedOptions(definition.options, given);
  const defaults: OptionValues = definition.options.parse({});
  const stated = Object.keys(definition.options.shape)
    .filter((option) => JSON.stringify(values[option]) !== JSON.stringify(defaults[option]))
    .map((option) => `${option}=${written(values[option])}`);
  const parts = path === "" ? [definition.name] : [definition.name, path];
  return parts.concat(stated).join(":");
}
