// What a blocked value is before it is computed: a sum of convolutions, scaled arrays and a shift per channel. Batch norms, biases,
// residual sums and their gradients are such sums, and each summand costs one pass that also adds what came before.

import type { Shape } from "../../../math/tensor.ts";
import type { Lowered } from "../../graph/lowered.ts";
import type { ConvAttributes } from "../../graph/value.ts";
import type { Builder } from "../builder.ts";
import type { BreakEven } from "./cost.ts";
import type { Fused, Nchwc } from "./nchwc.ts";
import { winograd, winogradWins } from "./winograd.ts";

/** A convolution that has not been made yet, so that bias, sum and relu can still enter it. */
export interface OpenConv {
  readonly x: Lowered;
  readonly w: Lowered;
  readonly attrs: ConvAttributes;
}

/** An image in pieces: part [a][b] holds the pixels whose row is a and column b, modulo `steps`. */
export interface Phases {
  /** [rows, columns]. */
  readonly steps: readonly [number, number];
  /** What is summed in each part; nothing means zeros. */
  readonly parts: readonly (readonly (readonly OpenConv[])[])[];
}

/** Σ convs + Σ phases + Σ scale · array + shift, blocked; `channels` of its channels are real ones. */
export interface Deferred {
  /** With the channels that fill the last block. */
  readonly shape: Shape;
  readonly channels: number;
  readonly convs: readonly OpenConv[];
  readonly phases: readonly Phases[];
  /** Scales are [channel]; null is 1. */
  readonly arrays: ReadonlyMap<Lowered, Lowered | null>;
  /** [channel]. */
  readonly shift: Lowered | null;
}

const EMPTY = { convs: [], phases: [], arrays: new Map(), shift: null } as const;

/** A form that is one computed array. */
export const computed = (array: Lowered, channels: number): Deferred => ({
  ...EMPTY,
  shape: array.shape,
  channels,
  arrays: new Map([[array, null]]),
});

/** A form of the given summands. */
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

/** The one array that a form is, or null where something is left to compute. */
export function materialized(form: Deferred): Lowered | null {
  const { convs, phases, arrays, shift } = form;
  if (convs.length + phases.length > 0 || shift !== null || arrays.size !== 1) return null;
  const [[array, scale]] = arrays;
  return scale === null ? array : null;
}

/** Arithmetic on forms, which makes nodes only for vectors of one number per channel; and `settle`, which makes the rest. */
export function deferredValues(b: Builder, n: Nchwc, { images }: BreakEven) {
  const vectors = (op: "Add" | "Mul", x: Lowered, y: Lowered) =>
    b.make(op, [x, y], {}, x.dtype, x.shape);
  const ones = (x: Deferred) => n.filled([x.shape[1]], 1);
  const plus = (x: Lowered | null, y: Lowered | null) =>
    x === null || y === null ? (x ?? y) : vectors("Add", x, y);

  /** x + y, of equal shapes. */
  function sum(x: Deferred, y: Deferred): Deferred {
    const arrays = new Map(x.arrays);
    for (const [array, scale] of y.arrays) {
      const sofar = arrays.get(array);
      arrays.set(
        array,
        sofar === undefined ? scale : vectors("Add", sofar ?? ones(x), scale ?? ones(x)),
      );
    }
    return {
      ...x,
      convs: [...x.convs, ...y.convs],
      phases: [...x.phases, ...y.phases],
      arrays,
      shift: plus(x.shift, y.shift),
    };
  }

  /** x · scale, with one number per channel. */
  function scaled(x: Deferred, scale: Lowered): Deferred {
    const array = x.convs.length + x.phases.length > 0 ? materialize(x) : null;
    const arrays = array === null ? x.arrays : new Map([[array, null]]);
    return deferredOf(x.shape, x.channels, {
      arrays: new Map(
        [...arrays].map(([part, by]) => [part, by === null ? scale : vectors("Mul", by, scale)]),
      ),
      shift: array !== null || x.shift === null ? null : vectors("Mul", x.shift, scale),
    });
  }

  const shifted = (x: Deferred, shift: Lowered): Deferred => ({
    ...x,
    shift: plus(x.shift, shift),
  });

  /** Makes the nodes that compute a form, and at the end its relu. */
  function materialize(form: Deferred, relu = false): Lowered {
    const { convs, arrays, shift } = form;
    const add = (x: Lowered | null, y: Lowered) =>
      x === null ? y : b.make("Add", [x, y], {}, y.dtype, y.shape);
    let sum: Lowered | null = null;
    for (const [array, scale] of arrays) if (scale === null) sum = add(sum, array);
    for (const phases of merged(form.phases)) sum = add(sum, interleaved(phases, form.shape));

    const passes: ((fused: Fused) => Lowered)[] = [];
    for (const [array, scale] of arrays)
      if (scale !== null) passes.push((fused) => n.scaled(array, scale, fused));
    for (const conv of convs) {
      const { x, w, attrs } = conv;
      if (winogradWins(n, images, conv)) sum = add(sum, winograd(b, n, conv));
      else passes.push((fused) => n.conv(x, w, attrs, fused));
    }
    if (passes.length === 0 && shift !== null) {
      const array = sum ?? n.filled(form.shape, 0);
      passes.push((fused) => n.scaled(array, ones(form), fused));
      sum = null;
    }
    passes.forEach((pass, i) => {
      const last = i === passes.length - 1;
      sum = pass(last ? { sum, bias: shift, relu } : { sum });
    });
    const result = sum ?? n.filled(form.shape, 0);
    return passes.length > 0 || !relu
      ? result
      : b.make("Relu", [result], {}, result.dtype, result.shape);
  }

  /** Phases with the same steps are added part by part. */
  function merged(all: readonly Phases[]): Phases[] {
    const byStep = new Map<string, Phases>();
    for (const phases of all) {
      const key = phases.steps.join();
      const before = byStep.get(key);
      const parts = phases.parts.map((row, a) =>
        row.map((part, column) => [...(before?.parts[a][column] ?? []), ...part]),
      );
      byStep.set(key, { steps: phases.steps, parts });
    }
    return [...byStep.values()];
  }

  /** The whole image: columns are interleaved as pixels, then rows as rows. */
  function interleaved({ steps, parts }: Phases, shape: Shape): Lowered {
    const [batch, channels, height, width] = shape;
    const [h, w] = [height / steps[0], width / steps[1]];
    const planes = (batch * channels) / n.block;
    const rows = parts.map((row) => {
      const pieces = row.map((part) => {
        let sum: Lowered | null = null;
        for (const { x, w, attrs } of part) sum = n.conv(x, w, attrs, { sum });
        return n.reshape(sum ?? n.filled([batch, channels, h, w], 0), [planes * h * w, n.block]);
      });
      return n.reshape(n.concat(pieces, 1), [planes * h, width * n.block]);
    });
    return n.reshape(n.concat(rows, 1), shape);
  }

  return { sum, scaled, shifted, settle: materialize };
}

export type DeferredValues = ReturnType<typeof deferredValues>;
