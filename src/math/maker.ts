/**
 * A function that is also a definition: `make` with the properties `fields`, frozen. A property may be called `name`, which
 * a plain assignment to a function cannot set.
 */
export function makerWith<Make extends (...given: never[]) => unknown, Fields extends object>(
  make: Make,
  fields: Fields,
): Make & Readonly<Fields> {
  const maker: Make = ((...given: never[]) => make(...given)) as Make;
  for (const [name, value] of Object.entries(fields))
    Object.defineProperty(maker, name, { value, enumerable: true });
  return Object.freeze(maker) as Make & Readonly<Fields>;
}
