// Written from the table of defences by scripts/attacks.ts.

/** The options of the built-in defences. */
export interface BuiltInDefenseOptions {
  /** ℓ∞ radius in training (default: 0.031). */
  readonly epsilonLinf?: number | undefined;
  /** ℓ2 radius in training (default: 0.83). */
  readonly epsilonL2?: number | undefined;
  /** Steps of the attack in training (default: 10). */
  readonly steps?: number | undefined;
  /** By default ε / 5, the authors' setting. */
  readonly stepSize?: number | undefined;
  /** Noise of a randomised defence, such as normal:0.25. */
  readonly noise?: string | undefined;
  /** Mat-*: choose the norm per example (default, Eq. 12 and 13) or per batch (the authors' code). */
  readonly matChoice?: "example" | "batch" | undefined;
  /** Rat-*: the inner attack sees fresh noise at each step (default, Eq. 16) or one fixed noisy image (the authors' code). */
  readonly ratNoise?: "fresh" | "fixed" | undefined;
}
