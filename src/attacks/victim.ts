import type { Loss, LossAndGradient } from "../losses/loss.ts";
import type { Labels } from "../losses/loss-definition.ts";
import type { Key } from "../math/random.ts";
import type { Shape, Tensor } from "../math/tensor.ts";

export type { Labels, Loss, LossAndGradient };

/** A classifier as an attack sees it. `keys` holds one key per example: noise belongs to the example. */
export interface Victim {
  /** [batch, ...pixels] → [batch, classes]. */
  logits(x: Tensor, keys: readonly Key[]): Promise<Tensor>;
  /** `over` is an answer that nobody reads any more: this one may be written over its arrays. */
  lossAndGradient(
    x: Tensor,
    loss: Loss,
    keys: readonly Key[],
    over?: LossAndGradient,
  ): Promise<LossAndGradient>;
  /** Hears which keys a call will soon bring with an x of this shape, so that their noise can be drawn; only time depends on it. */
  prefetch?(keys: readonly Key[], shape: Shape): void;
}

/** The norms that an attack can be bounded in. */
export type Norm = "linf" | "l2" | "l1";

/** The two norms of the paper. */
export type PaperNorm = Exclude<Norm, "l1">;

/** Hears from an ensemble which member made an example of the batch what it returns; the last word counts. */
export type OnBroken = (example: number, member: string) => void;

/** Finds, inside the ball of `epsilon` around each x, a point of high loss. */
export interface BoundedAttack {
  readonly name: string;
  readonly norm: Norm;
  readonly epsilon: number;
  /** What it asks the victim for: losses of the kind `ce` alone, of any kind, or nothing but logits. */
  readonly asks: "cross-entropy" | "losses" | "logits";
  /** The attack's resolved options, for the record. */
  readonly options: Readonly<Record<string, unknown>>;
  /** x [batch, ...pixels] in [0, 1] → adversarial examples of the same shape, in the ball and in [0, 1]. */
  perturb(
    victim: Victim,
    x: Tensor,
    labels: Labels,
    keys: readonly Key[],
    onBroken?: OnBroken,
  ): Promise<Tensor>;
}

/** Looks for the smallest perturbation that changes the decision; has no bound on its norm. */
export interface MinimalAttack {
  readonly name: string;
  /** The norm that is made small. */
  readonly norm: Norm;
  readonly epsilon: null;
  /** The attack's resolved options, for the record. */
  readonly options: Readonly<Record<string, unknown>>;
  /** x [batch, ...pixels] in [0, 1] → the best example found for each in [0, 1], x itself where none was found. */
  minimize(victim: Victim, x: Tensor, labels: Labels, keys: readonly Key[]): Promise<Minimized>;
}

/** What a minimum-norm attack returns: images of the shape of x, and per example its own word on its success. */
export interface Minimized {
  readonly adversarial: Tensor;
  readonly found: readonly boolean[];
}

/** Either family; `epsilon === null` tells them apart. */
export type Attack = BoundedAttack | MinimalAttack;
