/** Where `parts` parts of 0 … `total`, as equal as can be, begin and end: parts + 1 numbers. */
export const boundsOf = (total: number, parts: number): number[] =>
  Array.from({ length: parts + 1 }, (_, i) => Math.round((i * total) / parts));
