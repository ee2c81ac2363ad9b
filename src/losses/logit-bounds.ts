// Infinite logits. A network may rule a class out by a logit of −∞. 0 · ∞ is NaN, so losses see ±∞ as ±MAX_LOGIT.
import { clip } from "../engine/graph/ops.ts";
import type { Value } from "../engine/graph/value.ts";

/**
 * Stands for an infinite logit. Just below half of the largest float32, so that the difference of two logits is finite
 * and as few finite logits as possible are clipped.
 */
export const MAX_LOGIT = 1.5e38;

/** Logits at or below this value belong to classes that the network rules out. */
export const RULED_OUT = -1e20;

/** Whether the class with this logit can win; a class that cannot is left out of denominators. */
export const isLive = (logit: number): boolean => logit > RULED_OUT;

/** One logit, clipped to ±MAX_LOGIT. */
export const clipLogit = (logit: number): number =>
  Math.min(Math.max(logit, -MAX_LOGIT), MAX_LOGIT);

/** Logits [batch, classes], clipped to ±MAX_LOGIT; the gradient of a clipped logit is 0. */
export const clipLogits = (logits: Value): Value => clip(logits, -MAX_LOGIT, MAX_LOGIT);
