// A blocked value that is not computed yet: a sum of convolutions, scaled arrays and a shift per channel. Batch norms,
// biases, residual sums and their gradients have this form. Each summand costs one pass over memory, which also adds the
// result of the pass before.
//
// Arrays are blocked: their shape is [batch, channel, height, width], and they lie in memory as
// [batch, channel / B, height, width, B].

import type { Shape } from "../../../math/tensor.ts";
import type { Lowered } from "../../graph/lowered.ts";
import type { ConvAttributes } from "../../graph/value.ts";

/** The operands of a convolution that has no node yet, so that bias, sum and relu can still become part of it. */
export interface PendingConv {
  /** [batch, in, height, width], blocked, or NCHW with fewer than B channels. */
  readonly x: Lowered;
  /** [out, in / groups, rows, columns], in the order of `NchwcBuilder.weights` or `depthwiseWeights`. */
  readonly w: Lowered;
  readonly attrs: ConvAttributes;
}

/** An image in interleaved phases: phase [a][b] has the pixels of all rows r ≡ a and columns c ≡ b modulo `steps`. */
export interface Phases {
  /** [rows, columns]. */
  readonly steps: readonly [number, number];
  /** For each phase, the convolutions whose sum it is; an empty list means zeros. */
  readonly parts: readonly (readonly (readonly PendingConv[])[])[];
}

/** Σ convs + Σ phases + Σ scale · array + shift. */
export interface Deferred {
  /** [batch, channel, height, width], including the channels that fill the last block. */
  readonly shape: Shape;
  /** Number of channels without those that fill the last block. */
  readonly channels: number;
  readonly convs: readonly PendingConv[];
  readonly phases: readonly Phases[];
  /** Arrays with their scales, each [channel] or null for 1. */
  readonly arrays: ReadonlyMap<Lowered, Lowered | null>;
  /** [channel], or null for 0. */
  readonly shift: Lowered | null;
}

const EMPTY = { convs: [], phases: [], arrays: new Map(), shift: null } as const;

/** A value that is one computed array. */
export const computed = (array: Lowered, channels: number): Deferred => ({
  ...EMPTY,
  shape: array.shape,
  channels,
  arrays: new Map([[array, null]]),
});

/** A value with the given summands. */
export const deferredOf = (
  shape: Shape,
  channels: number,
  summands: Partial<Deferred>,
): Deferred => ({
  ...EMPTY,
  shape,
  channels,
  ...summands,
});

/** The array that a value consists of; null if there is anything left to compute. */
export function materialized(value: Deferred): Lowered | null {
  const { convs, phases, arrays, shift } = value;
  if (convs.length + phases.length > 0 || shift !== null || arrays.size !== 1) return null;
  const [[array, scale]] = arrays;
  return scale === null ? array : null;
}
