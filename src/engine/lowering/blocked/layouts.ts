import type { Lowered } from "../../graph/lowered.ts";
import type { Value } from "../../graph/value.ts";
import type { Builder } from "../builder.ts";
import type { BreakEven } from "./cost.ts";
import { computed, type Deferred, materialized } from "./deferred.ts";
import { DeferredValues } from "./deferred-values.ts";
import type { NchwcBuilder } from "./nchwc-builder.ts";

/** The result of a rule: a deferred value, an array in NCHW, or null to leave the node to the plain lowering. */
export type RuleResult = Deferred | { readonly plain: Lowered } | null;

/** The lowered values of a graph in both layouts, each converted on demand and once. */
export class Layouts {
  readonly b: Builder;
  readonly nchwc: NchwcBuilder;
  readonly breakEven: BreakEven;
  readonly deferredValues: DeferredValues;
  readonly #blocked = new Map<Value, Deferred>();
  readonly #plain = new Map<Value, Lowered>();

  constructor(b: Builder, nchwc: NchwcBuilder, breakEven: BreakEven) {
    this.b = b;
    this.nchwc = nchwc;
    this.breakEven = breakEven;
    this.deferredValues = new DeferredValues(b, nchwc, breakEven);
  }

  /** Whether a value was computed in blocks, so that reading it in blocks costs no conversion. */
  isBlocked(value: Value): boolean {
    return this.#blocked.has(value);
  }

  /** The value in blocks, not necessarily computed. Reorders an array in NCHW. */
  deferred(value: Value): Deferred {
    return (
      this.#blocked.get(value) ??
      computed(
        reorderAsFloat(this.b, this.plain(value), (x) => this.nchwc.fromPlain(x)),
        value.shape[1],
      )
    );
  }

  /** The value as a blocked array [batch, channel, height, width]. */
  blocked(value: Value): Lowered {
    const deferred = this.deferred(value);
    const found = materialized(deferred);
    if (found !== null) return found;
    const array = this.deferredValues.materialize(deferred);
    this.#blocked.set(value, computed(array, deferred.channels));
    return array;
  }

  /** The value as an array in NCHW. */
  plain(value: Value): Lowered {
    const found = this.#plain.get(value);
    if (found !== undefined) return found;
    const array = reorderAsFloat(this.b, this.blocked(value), (x) =>
      this.nchwc.toPlain(x, value.shape[1]),
    );
    this.#plain.set(value, array);
    return array;
  }

  setBlocked(value: Value, result: Deferred): void {
    this.#blocked.set(value, result);
  }

  setPlain(value: Value, array: Lowered): void {
    this.#plain.set(value, array);
  }
}

/** Reorders an array of any dtype by way of float32, the only dtype that ONNX Runtime reorders. */
function reorderAsFloat(b: Builder, x: Lowered, reorder: (x: Lowered) => Lowered): Lowered {
  if (x.dtype === "float32") return reorder(x);
  const result = reorder(b.make("Cast", [x], { to: "float32" }, "float32", x.shape));
  return b.make("Cast", [result], { to: x.dtype }, x.dtype, result.shape);
}
