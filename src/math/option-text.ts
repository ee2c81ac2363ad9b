// Text as the value of an option, as its JSON schema describes it.
import type { z } from "zod";

/** The JSON schema of one option. */
export type OptionSchema = z.core.JSONSchema.BaseSchema;

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
export const branchesOf = (schema: OptionSchema): readonly OptionSchema[] =>
  (schema.anyOf ?? [schema]).filter(
    (branch) => typeof branch === "object",
  ) as readonly OptionSchema[];

/** The schema of a list's items; one that allows anything if it states none. */
export const itemsOf = ({ items }: OptionSchema): OptionSchema =>
  typeof items === "object" && !Array.isArray(items) ? (items as OptionSchema) : {};

/** Parses text to the type that the schema expects. Text of another type stays text, which zod then refuses. */
export function parsedAs(text: unknown, schema: OptionSchema): unknown {
  if (Array.isArray(text) && schema.type === "array")
    return text.map((item) => parsedAs(item, itemsOf(schema)));
  if (typeof text !== "string") return text;
  const types = branchesOf(schema).map(({ type }) => type);
  if (types.includes("array")) {
    const list = branchesOf(schema).find(({ type }) => type === "array") ?? schema;
    const parts = text.split(",").map((part) => part.trim());
    return parts.map((part) => parsedAs(part, itemsOf(list)));
  }
  if (types.includes("number") || types.includes("integer")) return numberOf(text) ?? text;
  return text;
}
