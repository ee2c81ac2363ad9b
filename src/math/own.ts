/**
 * The entry of a table under a name that a file or a user states. Names that every object inherits, like `toString` or
 * `__proto__`, are no entries.
 */
export const own = <T>(table: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;
