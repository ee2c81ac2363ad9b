/** How to import a model. */
export interface ImportOptions {
  /** Differentiate step functions such as rounding straight through (Bengio et al. 2013, arXiv:1308.3432). */
  readonly straightThrough?: boolean;
  /**
   * Rewrites a file with a fixed batch for another one: the first length in its reshapes, and the
   * constants that it concatenates to batches. The caller must compare the results with runs at the
   * stated batch.
   */
  readonly batch?: { readonly stated: number; readonly wanted: number };
  /** Channels per block of a file that was optimised for one kind of CPU; found from its weights by default. */
  readonly blockSize?: number;
  /** Bytes of constants that may be computed during the import; 0 leaves the built-in limits. */
  readonly maxConstants?: number;
  /** Names of the values to import: outputs of the file, or of any node. All outputs by default. */
  readonly wanted?: readonly string[];
}
