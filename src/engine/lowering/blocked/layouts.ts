import type { Lowered } from "../../graph/lowered.ts";
import type { Value } from "../../graph/value.ts";
import type { Builder } from "../builder.ts";
import type { BreakEven } from "./cost.ts";
import type { Deferred, DeferredValues } from "./deferred.ts";
import type { Nchwc } from "./nchwc.ts";

/** What a rule sees: makers of nodes, and its inputs in either layout. */
export interface Layouts {
  readonly b: Builder;
  readonly n: Nchwc;
  readonly f: DeferredValues;
  readonly breakEven: BreakEven;
  /** Whether a value was computed in blocks, so that asking for its form costs nothing. */
  isBlocked(value: Value): boolean;
  /** Its form; an array in NCHW is reordered. */
  form(value: Value): Deferred;
  /** Its blocked array. */
  blocked(value: Value): Lowered;
  /** Its array in NCHW. */
  plain(value: Value): Lowered;
}

/** A value's form, its array in NCHW, or null for the plain lowering. */
export type Blocked = Deferred | { readonly plain: Lowered } | null;
