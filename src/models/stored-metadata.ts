// What files of ours say about the network in them is text that anybody may have written.

import { z } from "zod";
import type { InputSpec } from "./architecture.ts";

/** Sides and classes that a stored network may state. */
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

/** What one schema says of a value; throws an `Error` that says in a few words what is wrong. */
function valid<S extends z.ZodType>(schema: S, what: string, value: unknown): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [{ path, message }] = result.error.issues;
  throw new Error(`its ${[what, ...path].join(".").slice(0, 100)} is wrong: ${message}`);
}

/** The value of JSON text in a file; throws an `Error` in a few words where it is none. */
export function parsedJson(what: string, text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    throw new Error(`its ${what} is not JSON`);
  }
}

/** What the first layer of a stored network expects. */
export const storedInput = (text: string | undefined): InputSpec =>
  valid(Input, "input", parsedJson("input", text));

/** What training held out of a data set without a split; undefined where a file does not say. */
export const storedHeldOut = (text: string | undefined) =>
  text === undefined ? undefined : valid(HeldOut, "held_out", parsedJson("held_out", text));

/** Names of classes in a file. */
export const storedNames = (text: string): string[] =>
  valid(Names, "classes", parsedJson("classes", text));

/** Throws an `Error` in a few words where a checkpoint's card could not be opened. */
export function requireMetadata(value: unknown): void {
  valid(Stored, "model", value);
}
