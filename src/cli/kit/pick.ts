/** The named properties of an object, in the order of `names`; a name that the object lacks is left out. */
export const pick = <T extends object, K extends keyof T>(
  values: T,
  names: readonly K[],
): Pick<T, K> =>
  Object.fromEntries(
    names.filter((name) => name in values).map((name) => [name, values[name]]),
  ) as Pick<T, K>;

/** The names of a schema's options. */
export const namesOf = <S extends object>(shape: S): (keyof S)[] =>
  Object.keys(shape) as (keyof S)[];
