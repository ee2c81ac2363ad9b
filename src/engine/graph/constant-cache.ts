// Values that depend on no input are computed once for as long as the arrays behind them live, whichever graph asks.

import { type NdArray, sizeOf } from "../../math/tensor.ts";
import { evaluateNode } from "./interpret.ts";
import { is, type Value } from "./value.ts";

/** Arrays of at most this many elements are told apart by their numbers, longer ones by being the same object. */
const SHORT = 16;

/** What was computed from one more long array: results by operator and short arrays, and what came from further long ones. */
interface Computed {
  readonly results: Map<string, NdArray>;
  readonly further: WeakMap<NdArray, Computed>;
}

const nothing = (): Computed => ({ results: new Map(), further: new WeakMap() });
// Each step hangs on the array itself, so that a result goes when one of its inputs does.
const root = nothing();

const isLong = ({ shape }: NdArray) => sizeOf(shape) > SHORT;

function place(long: readonly NdArray[]): Computed {
  let at = root;
  for (const array of long) {
    const next = at.further.get(array) ?? nothing();
    at.further.set(array, next);
    at = next;
  }
  return at;
}

/** -0 and NaN are numbers of their own. */
const spelled = ({ dtype, shape, data }: NdArray): string =>
  `${dtype}[${shape}]:${Array.from(data as ArrayLike<number>, (v) => (Object.is(v, -0) ? "-0" : String(v)))}`;

const keyOf = ({ op, attrs, dtype, shape }: Value, inputs: readonly NdArray[]): string =>
  `${op} ${dtype}[${shape}] ${JSON.stringify(attrs, (_, v) => (typeof v === "number" && !Number.isFinite(v) ? String(v) : v))} ${inputs.map((x) => (isLong(x) ? "…" : spelled(x)))}`;

/** The value of one node, given its inputs' values: computed, or remembered. */
export function constantValue(node: Value, inputs: readonly NdArray[]): NdArray {
  const long = inputs.filter(isLong);
  if (long.length === 0 || is(node, "Constant")) return evaluateNode(node, inputs);
  const { results } = place(long);
  const key = keyOf(node, inputs);
  const seen = results.get(key);
  if (seen !== undefined) return seen;
  const made = evaluateNode(node, inputs);
  results.set(key, made);
  // Turning the axes back gives the array that there was: gradients do.
  if (is(node, "Transpose")) {
    const { perm } = node.attrs;
    const [x] = inputs;
    const perm0 = perm.map((_, axis) => perm.indexOf(axis));
    const back = { ...node, attrs: { perm: perm0 }, shape: x.shape } as Value;
    if (isLong(made)) place([made]).results.set(keyOf(back, [made]), x);
  }
  return made;
}
