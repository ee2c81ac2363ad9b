import type { CallHints, NextCall } from "../losses/call-hints.ts";
import type { Loss, LossAndGradient } from "../losses/loss.ts";
import type { Labels } from "../losses/loss-definition.ts";
import type { Key } from "../math/random.ts";
import type { Tensor } from "../math/tensor.ts";

export type { CallHints, Labels, Loss, LossAndGradient, NextCall };

/**
 * A classifier as an attack sees it. `keys` [batch] has one key per example, which decides the example's noise. `hints` make
 * calls faster and never change results; see `CallHints`.
 */
export interface Victim {
  /** Images [batch, ...pixels] → logits [batch, classes]. */
  logits(x: Tensor, keys: readonly Key[], hints?: CallHints): Promise<Tensor>;
  /**
   * Images [batch, ...pixels] → losses [batch] (one per group of rows of a mean loss), logits [batch, classes], and the gradient of
   * the summed losses in the shape of x.
   */
  lossAndGradient(
    x: Tensor,
    loss: Loss,
    keys: readonly Key[],
    hints?: CallHints,
  ): Promise<LossAndGradient>;
}

/** The norms that have gradient ascents, proofs and certificates: ℓ∞, ℓ2 and ℓ1. */
export type Norm = "linf" | "l2" | "l1";

/**
 * The norms of attacks: these three, and ℓ0, the number of changed pixels. A pixel is all channels at one position. A radius
 * in ℓ0 is a whole number of pixels. ℓ0 has no proofs.
 */
export type AttackNorm = Norm | "l0";

/** The norms of Araujo et al. 2019, arXiv:1903.10219: ℓ∞ and ℓ2. */
export type PaperNorm = Exclude<Norm, "l1">;

/** Passes through the network for one image: without a gradient, and with one. */
export interface Passes {
  readonly forwards: number;
  readonly gradients: number;
}

/** Called by an ensemble when `member` breaks an example, given by its row in the batch; the last call per example counts. */
export type OnBroken = (example: number, member: string) => void;

/** An attack that looks for a point of high loss in the ball of radius `epsilon`, in its norm, around each image. */
export interface BoundedAttack {
  readonly name: string;
  readonly norm: AttackNorm;
  readonly epsilon: number;
  /** The queries that the attack makes: the loss `ce` only, any loss, or logits only. */
  readonly asks: "cross-entropy" | "losses" | "logits";
  /** The attack's resolved options, for the record. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The most passes that it takes for an image, if `steps`, `queries` and `restarts` among its options do not say so. */
  readonly passes?: Passes | undefined;
  /** Whether one call must have all images: the attack shares its time among them. */
  readonly takesAll?: boolean;
  /** x [batch, ...pixels] in [0, 1], labels and keys [batch] → adversarial examples of the shape of x, in the ball and in [0, 1]. */
  perturb(
    victim: Victim,
    x: Tensor,
    labels: Labels,
    keys: readonly Key[],
    onBroken?: OnBroken,
  ): Promise<Tensor>;
}

/** An attack that looks for the smallest perturbation that changes the decision, without a bound on its norm. */
export interface MinimalAttack {
  readonly name: string;
  /** The norm that is minimised. */
  readonly norm: AttackNorm;
  readonly epsilon: null;
  /** The attack's resolved options, for the record. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The most passes that it takes for an image, if `steps`, `queries` and `restarts` among its options do not say so. */
  readonly passes?: Passes | undefined;
  /** x [batch, ...pixels] in [0, 1], labels and keys [batch] → the closest adversarial example found, or x itself if none was. */
  minimize(victim: Victim, x: Tensor, labels: Labels, keys: readonly Key[]): Promise<Minimized>;
}

/** The result of a minimum-norm attack: images [batch, ...pixels], and for each whether it claims success [batch]. */
export interface Minimized {
  readonly adversarial: Tensor;
  readonly found: readonly boolean[];
}

/** A bounded or a minimum-norm attack; the latter has `epsilon === null`. */
export type Attack = BoundedAttack | MinimalAttack;
