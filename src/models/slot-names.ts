// Names of the arrays in a checkpoint that are not parameters.

/**
 * Whether an array of a checkpoint is a slot and no parameter: of SGD (`momentum/`), of Adam (`mean/` and `squares/`), of a
 * defence, or an average.
 */
export const isSlot = (name: string): boolean =>
  /^(momentum|mean|squares|objective|average)\//.test(name);
