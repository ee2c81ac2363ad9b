// Options of all attacks in one schema: what commands, configuration files and `attackNamed` take.
import type { z } from "zod";
import type { AttackDefinition, TypedParts } from "./attack-definition.ts";

type Camel<Name extends string> = Name extends `${infer First}-${infer Rest}`
  ? `${First}${Capitalize<Camel<Rest>>}`
  : Name;

/** The shared option that sets option `K` of an attack; never if only a library call sets it. */
type SharedName<Name extends string, S, K extends string> = K extends keyof S
  ? S[K] extends string
    ? S[K]
    : never
  : K extends "stopWhenBroken"
    ? K
    : `${Camel<Name>}${Capitalize<K>}`;

/** Any definition, with the types that it states. */
export type AnyTypedParts = TypedParts<string, string, z.ZodObject, unknown, string>;

/** The shared options of one definition. */
type SharedShape<D> = D extends AnyTypedParts
  ? {
      [K in keyof D["options"]["shape"] & string as SharedName<
        D["name"],
        D["sharedOptions"],
        K
      >]: D["options"]["shape"][K];
    }
  : never;

type KeysOfUnion<T> = T extends unknown ? keyof T : never;
type ValueOfUnion<T, K> = T extends unknown ? (K extends keyof T ? T[K] : never) : never;
type Merged<T> = { [K in KeysOfUnion<T> & string]: ValueOfUnion<T, K> };

/** The shape of the shared options of several definitions. */
export type SharedShapeOf<D> = Merged<SharedShape<D>>;

/** The names of a definition in its norms: `square-linf`. */
export type NamesOf<D> = D extends AnyTypedParts
  ? D["pattern"] extends `${infer Before}*${infer After}`
    ? `${Before}${D["norms"][number]}${After}`
    : never
  : never;

/**
 * The schemas of the shared options of these definitions, by name. If definitions share an option, the first one
 * defines it.
 */
export function sharedShape(
  definitions: readonly AttackDefinition[],
): Readonly<Record<string, z.ZodType>> {
  const shape: Record<string, z.ZodType> = {};
  for (const { options, sharedOptions } of definitions)
    for (const [option, name] of Object.entries(sharedOptions))
      if (name !== null) shape[name] ??= options.shape[option] as z.ZodType;
  return shape;
}

/** A definition's own options, read from resolved shared ones. */
export function ownOptions(
  { sharedOptions }: AttackDefinition,
  shared: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const own: Record<string, unknown> = {};
  for (const [option, name] of Object.entries(sharedOptions))
    if (name !== null && shared[name] !== undefined) own[option] = shared[name];
  return own;
}
