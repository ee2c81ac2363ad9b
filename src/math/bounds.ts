/** The parts + 1 boundaries that divide 0 … total into parts whose sizes differ by at most 1. */
export const boundsOf = (total: number, parts: number): number[] =>
  Array.from({ length: parts + 1 }, (_, i) => Math.round((i * total) / parts));
