/**
 * The entry of a table under a name that comes from a file or a user; undefined if there is none. Inherited names such as
 * `toString` and `__proto__` are not entries.
 */
export const lookUp = <T>(table: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;
