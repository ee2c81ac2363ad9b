import type { Shape } from "../../../math/tensor.ts";
import type { Lowered } from "../../graph/lowered.ts";
import type { Builder } from "../builder.ts";
import type { BreakEven } from "./cost.ts";
import { type Deferred, deferredOf, type PendingConv, type Phases } from "./deferred.ts";
import type { Fused, NchwcBuilder } from "./nchwc-builder.ts";
import { winograd, winogradWins } from "./winograd.ts";

/**
 * Arithmetic on deferred values. `sum`, `scaled` and `shifted` make nodes for vectors [channel] only; `materialize` makes
 * the nodes for images.
 */
export class DeferredValues {
  readonly #b: Builder;
  readonly #nchwc: NchwcBuilder;
  readonly #breakEven: BreakEven;

  constructor(b: Builder, nchwc: NchwcBuilder, breakEven: BreakEven) {
    this.#b = b;
    this.#nchwc = nchwc;
    this.#breakEven = breakEven;
  }

  /** x + y, for equal shapes. */
  sum(x: Deferred, y: Deferred): Deferred {
    const arrays = new Map(x.arrays);
    for (const [array, scale] of y.arrays) {
      const other = arrays.get(array);
      if (other === undefined) arrays.set(array, scale);
      else arrays.set(array, this.#binary("Add", other ?? this.#ones(x), scale ?? this.#ones(x)));
    }
    return {
      shape: x.shape,
      channels: x.channels,
      convs: [...x.convs, ...y.convs],
      phases: [...x.phases, ...y.phases],
      arrays,
      shift: this.#plus(x.shift, y.shift),
    };
  }

  /** x · scale, for a scale [channel]. Materializes convolutions, because a scale cannot be deferred behind them. */
  scaled(x: Deferred, scale: Lowered): Deferred {
    if (x.convs.length + x.phases.length > 0) {
      const array = this.materialize(x);
      return deferredOf(x.shape, x.channels, { arrays: new Map([[array, scale]]) });
    }
    const arrays = new Map<Lowered, Lowered>();
    for (const [array, factor] of x.arrays)
      arrays.set(array, factor === null ? scale : this.#binary("Mul", factor, scale));
    return deferredOf(x.shape, x.channels, {
      arrays,
      shift: x.shift === null ? null : this.#binary("Mul", x.shift, scale),
    });
  }

  /** x + shift, for a shift [channel]. */
  shifted(x: Deferred, shift: Lowered): Deferred {
    return { ...x, shift: this.#plus(x.shift, shift) };
  }

  /** The nodes that compute x, or relu(x): a blocked array [batch, channel, height, width]. */
  materialize(x: Deferred, { relu = false } = {}): Lowered {
    const { convs, arrays, shift, shape } = x;
    let sum: Lowered | null = null;
    for (const [array, scale] of arrays) if (scale === null) sum = this.#added(sum, array);
    for (const phases of mergeBySteps(x.phases))
      sum = this.#added(sum, this.#interleaved(phases, shape));
    for (const conv of convs)
      if (this.#usesWinograd(conv)) sum = this.#added(sum, winograd(this.#b, this.#nchwc, conv));

    const passes = this.#passes(x);
    if (passes.length === 0 && shift !== null) {
      // A pass that scales by 1, for the sake of the bias that it adds.
      const array = sum ?? this.#nchwc.filled(shape, 0);
      passes.push((fused) => this.#nchwc.scaled(array, this.#ones(x), fused));
      sum = null;
    }
    for (const pass of passes.slice(0, -1)) sum = pass({ sum });
    const lastPass = passes.at(-1);
    if (lastPass !== undefined) return lastPass({ sum, bias: shift, relu });
    const result = sum ?? this.#nchwc.filled(shape, 0);
    return relu ? this.#b.make("Relu", [result], {}, result.dtype, result.shape) : result;
  }

  /** The summands of x that take bias, sum and relu into their own pass over memory. */
  #passes({ arrays, convs }: Deferred): ((fused: Fused) => Lowered)[] {
    const passes: ((fused: Fused) => Lowered)[] = [];
    for (const [array, scale] of arrays)
      if (scale !== null) passes.push((fused) => this.#nchwc.scaled(array, scale, fused));
    for (const conv of convs)
      if (!this.#usesWinograd(conv))
        passes.push((fused) => this.#nchwc.conv(conv.x, conv.w, conv.attrs, fused));
    return passes;
  }

  #usesWinograd(conv: PendingConv): boolean {
    return winogradWins(this.#nchwc, this.#breakEven.images, conv);
  }

  /** The image whose phases are given. Interleaves columns pixel by pixel, then rows. */
  #interleaved({ steps, parts }: Phases, shape: Shape): Lowered {
    const nchwc = this.#nchwc;
    const [batch, channels, height, width] = shape;
    const [h, w] = [height / steps[0], width / steps[1]];
    // Planes of B channels: [batch · channel / B].
    const planes = (batch * channels) / nchwc.block;
    const rows = parts.map((row) => {
      const phases = row.map((convs) => {
        let sum: Lowered | null = null;
        for (const conv of convs) sum = nchwc.conv(conv.x, conv.w, conv.attrs, { sum });
        const phase = sum ?? nchwc.filled([batch, channels, h, w], 0);
        return nchwc.reshape(phase, [planes * h * w, nchwc.block]);
      });
      return nchwc.reshape(nchwc.concat(phases, 1), [planes * h, width * nchwc.block]);
    });
    return nchwc.reshape(nchwc.concat(rows, 1), shape);
  }

  #binary(op: "Add" | "Mul", x: Lowered, y: Lowered): Lowered {
    return this.#b.make(op, [x, y], {}, x.dtype, x.shape);
  }

  #added(sum: Lowered | null, x: Lowered): Lowered {
    return sum === null ? x : this.#b.make("Add", [sum, x], {}, x.dtype, x.shape);
  }

  /** x + y, where null is 0. */
  #plus(x: Lowered | null, y: Lowered | null): Lowered | null {
    return x === null || y === null ? (x ?? y) : this.#binary("Add", x, y);
  }

  /** A scale of 1: [channel]. */
  #ones(x: Deferred): Lowered {
    return this.#nchwc.filled([x.shape[1]], 1);
  }
}

/** Merges images with equal steps into one, by collecting the convolutions of each phase. */
function mergeBySteps(images: readonly Phases[]): Phases[] {
  const bySteps = new Map<string, Phases>();
  for (const { steps, parts } of images) {
    const key = steps.join();
    const previous = bySteps.get(key)?.parts;
    const merged =
      previous === undefined
        ? parts
        : parts.map((row, a) => row.map((convs, b) => previous[a][b].concat(convs)));
    bySteps.set(key, { steps, parts: merged });
  }
  return [...bySteps.values()];
}
