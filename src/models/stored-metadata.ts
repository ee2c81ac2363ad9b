// Validates the metadata of our own files: a file's text may come from anyone.

import { z } from "zod";
import type { InputSpec } from "./architecture.ts";

/** The maximum side, number of classes and number of channels in stored metadata. */
const MAX_LENGTH = 2 ** 16;
const Length = z.int().positive().max(MAX_LENGTH);
const PerChannel = z.array(z.number()).min(1).max(MAX_LENGTH);

const Input = z
  .looseObject({
    shape: z.array(Length).length(3),
    classes: Length,
    mean: PerChannel,
    std: PerChannel,
  })
  .refine(
    ({ shape, mean, std }) => [mean, std].every(({ length }) => [1, shape[0]].includes(length)),
    { error: "mean and std have one number, or one per channel" },
  );

const Names = z.array(z.string()).max(MAX_LENGTH);

const HeldOut = z.looseObject({ examples: z.int().nonnegative(), of: z.int().nonnegative() });

const Stored = z.looseObject({
  architecture: z.string().max(100),
  defense: z.string(),
  data: z.string(),
  noise: z.string().nullable(),
  classNames: Names,
  input: Input,
  heldOut: HeldOut.optional(),
});

/** The value as its schema parses it. Throws an `Error` whose message continues a sentence about the file. */
function valid<S extends z.ZodType>(schema: S, name: string, value: unknown): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [{ path, message }] = result.error.issues;
  throw new Error(`its ${[name, ...path].join(".").slice(0, 100)} is wrong: ${message}`);
}

/** The value of a JSON text. Throws an `Error` whose message continues a sentence about the file. */
export function parsedJson(name: string, text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    throw new Error(`its ${name} is not JSON`);
  }
}

/** The input of a stored network: shape, classes, mean and std. */
export const storedInput = (text: string | undefined): InputSpec =>
  valid(Input, "input", parsedJson("input", text));

/** The examples that training held out of a data set without a split; undefined if the file does not say. */
export const storedHeldOut = (text: string | undefined) =>
  text === undefined ? undefined : valid(HeldOut, "held_out", parsedJson("held_out", text));

/** The class names in a file. */
export const storedNames = (text: string): string[] =>
  valid(Names, "classes", parsedJson("classes", text));

/**
 * Throws an `Error` unless a value is a checkpoint's `CheckpointMetadata`; the message continues a sentence about the
 * file.
 */
export function requireMetadata(value: unknown): void {
  valid(Stored, "model", value);
}
