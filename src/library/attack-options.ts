// Written from the table of attacks by scripts/attacks.ts.

/** The options of the built-in attacks. */
export interface BuiltInAttackOptions {
  /** Gradient steps of PGD (default: 20). */
  readonly steps?: number | undefined;
  /** Step size of PGD, for pixels in [0, 1]; ε / 5 by default, the authors' setting. */
  readonly stepSize?: number | undefined;
  /** Starts of PGD, PGD-T and APGD; the most damaging result is kept (default: 1). */
  readonly restarts?: number | undefined;
  /** Gradient steps of each start of PGD-T (default: 100). */
  readonly pgdTSteps?: number | undefined;
  /** Gradient steps of each start of APGD (default: 100). */
  readonly apgdSteps?: number | undefined;
  /** Queries of Square per image (default: 5000). */
  readonly squareQueries?: number | undefined;
  /** Queries of Sparse-RS per image (default: 5000). */
  readonly sparseRsQueries?: number | undefined;
  /** Steps of FAB towards each of 9 classes (default: 100). */
  readonly fabSteps?: number | undefined;
  /** Gradient steps of each search of C&W (default: 60). */
  readonly cwSteps?: number | undefined;
  /** Searches of C&W: values of the constant c tried per image (default: 9). */
  readonly cwSearches?: number | undefined;
  /** Adam's learning rate in C&W (default: 0.01). */
  readonly cwLearningRate?: number | undefined;
  /** First value of the constant c of C&W, a dimensionless factor (default: 0.001). */
  readonly cwInitialConstant?: number | undefined;
  /** Margin κ of C&W, in logits (default: 0). */
  readonly cwConfidence?: number | undefined;
  /** End a search of C&W once its loss stops falling (default: true). */
  readonly cwAbortEarly?: boolean | undefined;
  /** Gradient steps of DDN (default: 100). */
  readonly ddnSteps?: number | undefined;
  /** Gradient steps of FMN (default: 100). */
  readonly fmnSteps?: number | undefined;
  /** Largest number of steps of DeepFool (default: 50). */
  readonly deepfoolSteps?: number | undefined;
  /** Gradient steps of σ-zero (default: 1000). */
  readonly sigmaZeroSteps?: number | undefined;
}
