// Written from the table of defences by scripts/attacks.ts.

/** The options of the built-in defences. */
export interface BuiltInDefenseOptions {
  /** ℓ∞ radius in training (default: 0.031). */
  readonly epsilonLinf?: number | undefined;
  /** ℓ2 radius in training (default: 0.83). */
  readonly epsilonL2?: number | undefined;
  /** ℓ1 radius in training (default: 12). */
  readonly epsilonL1?: number | undefined;
  /** Steps of the attack in training (default: 10). */
  readonly steps?: number | undefined;
  /** Step size in training; by default the defence's, ε / 5 in the paper. */
  readonly stepSize?: number | undefined;
  /** Noise of a randomised defence, such as normal:0.25. */
  readonly noise?: string | undefined;
  /** mat-*: choose the norm per example (default, Eq. 12 and 13) or per batch (the authors' code). */
  readonly matChoice?: "example" | "batch" | undefined;
  /** rat-*: the inner attack sees fresh noise at each step (default, Eq. 16) or one fixed noisy image (the authors' code). */
  readonly ratNoise?: "fresh" | "fixed" | undefined;
  /** fast-at-*: n-fgsm starts from noise of 2ε and does not project; rs-fgsm starts in the ball and projects (default: n-fgsm). */
  readonly fastMethod?: "n-fgsm" | "rs-fgsm" | undefined;
  /** free-at: steps of the optimiser on each batch; divide --epochs by it (default: 8). */
  readonly freeReplays?: number | undefined;
  /** trades-*: weight of the divergence between clean and adversarial predictions (default: 6). */
  readonly tradesBeta?: number | undefined;
  /** mart-linf: dimensionless weight of the divergence; 5 in the paper, 6 in the authors' code (default: 5). */
  readonly martLambda?: number | undefined;
  /** Norms of a defence over several norms, separated by commas (default: linf,l2). */
  readonly norms?: string | undefined;
  /** ramp: dimensionless weight of the divergence between the norms; 5 from scratch, 1.5 for fine-tuning (default: 5). */
  readonly rampLambda?: number | undefined;
  /** consistency: noisy copies of each image (default: 2). */
  readonly consistencyCopies?: number | undefined;
  /** consistency: dimensionless weight of the divergence from the mean; 20 for σ 0.25, 10 for σ 0.5 (default: 20). */
  readonly consistencyLambda?: number | undefined;
  /** consistency: dimensionless weight of the entropy of the mean (default: 0.5). */
  readonly consistencyEta?: number | undefined;
  /** smoothadv: noisy copies of each image (default: 2). */
  readonly smoothadvCopies?: number | undefined;
  /** smoothadv: ℓ2 radius of the attack on the smoothed classifier, for pixels in [0, 1] (default: 0.25098039215686274). */
  readonly smoothadvRadius?: number | undefined;
  /** smoothadv: steps of the attack (default: 2). */
  readonly smoothadvSteps?: number | undefined;
  /** macer: noisy copies of each image (default: 16). */
  readonly macerCopies?: number | undefined;
  /** macer: weight of the loss of the radius for pixels in [0, 1]; 12 for σ 0.25, 4 for σ 0.5 (default: 12). */
  readonly macerLambda?: number | undefined;
  /** macer: largest difference of normal quantiles that counts; a factor on σ/2 (default: 8). */
  readonly macerGamma?: number | undefined;
  /** macer: factor on the logits of the votes (default: 16). */
  readonly macerBeta?: number | undefined;
  /** ibp: share of the run before the radius grows, on clean images (default: 0.03333333333333333). */
  readonly ibpStart?: number | undefined;
  /** ibp: share of the run in which the radius grows at every step from 0 to --epsilon-linf (default: 0.16666666666666666). */
  readonly ibpWarmup?: number | undefined;
  /** ibp: weight of the loss of clean images after the warm-up, which starts at 1 (default: 0.5). */
  readonly ibpKappa?: number | undefined;
  /** ibp: initial weights that keep the width of intervals (Shi et al. 2021), or those of the network (default: interval). */
  readonly ibpInit?: "interval" | "network" | undefined;
  /** crown-ibp: share of the run before the radius grows, on clean images (default: 0.05). */
  readonly crownIbpStart?: number | undefined;
  /** crown-ibp: share of the run in which the radius grows at every step from 0 to --epsilon-linf (default: 0.25). */
  readonly crownIbpWarmup?: number | undefined;
  /** crown-ibp: weight of the loss of clean images after the warm-up, which starts at 1 (default: 0.5). */
  readonly crownIbpKappa?: number | undefined;
  /** crown-ibp: initial weights that keep the width of intervals (Shi et al. 2021), or those of the network (default: interval). */
  readonly crownIbpInit?: "interval" | "network" | undefined;
}
