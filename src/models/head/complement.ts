// c − p for a mixture p of probabilities, rewritten so that it keeps its precision where p is near c.

import * as g from "../../engine/graph/expressions.ts";
import { is, type Value } from "../../engine/graph/value.ts";
import { elementCount } from "../../math/tensor.ts";
import { bare, constantNumber, isSame, withNumber } from "./constants.ts";
import { rangeOf } from "./ranges.ts";
import { scoreMapOf } from "./score-maps.ts";

/** The maximum number of operators to look through. */
const MAX_DEPTH = 32;

/** Σ weightᵢ pᵢ + offset for each element of distinct values pᵢ. */
export interface Affine {
  readonly terms: readonly { readonly p: Value; readonly weight: number }[];
  readonly offset: number;
}

const scaledBy = ({ terms, offset }: Affine, factor: number): Affine => ({
  terms: terms.map(({ p, weight }) => ({ p, weight: weight * factor })),
  offset: offset * factor,
});

/** a + b, with the weights of equal terms added. */
export function plus(a: Affine, b: Affine): Affine {
  const terms = [...a.terms];
  for (const { p, weight } of b.terms) {
    const index = terms.findIndex((term) => isSame(term.p, p));
    if (index < 0) terms.push({ p, weight });
    else terms[index] = { p: terms[index].p, weight: terms[index].weight + weight };
  }
  return { terms, offset: a.offset + b.offset };
}

/** Whether an operand is one number, or has one element for each element of the result. */
const isAlike = (input: Value, value: Value): boolean =>
  elementCount(input.shape) === elementCount(value.shape) || constantNumber(input) !== null;

/** Decomposes a value into a weighted sum of other values, with the same weights for all elements. */
export function affineOf(value: Value, depth = MAX_DEPTH): Affine {
  const itself: Affine = { terms: [{ p: value, weight: 1 }], offset: 0 };
  const c = constantNumber(value);
  if (c !== null) return { terms: [], offset: c };
  if (depth === 0 || value.inputs.some((input) => !isAlike(input, value))) return itself;
  const of = (input: Value) => affineOf(input, depth - 1);
  if (is(value, "Reshape") || is(value, "Transpose")) return of(value.inputs[0]);
  if (is(value, "Cast") && value.inputs[0].dtype.startsWith("float")) return of(value.inputs[0]);
  if (is(value, "Neg")) return scaledBy(of(value.inputs[0]), -1);
  const [a, b] = value.inputs;
  if (is(value, "Add")) return plus(of(a), of(b));
  if (is(value, "Sub")) return plus(of(a), scaledBy(of(b), -1));
  const operands = is(value, "Mul") || is(value, "Div") ? withNumber(value) : null;
  if (operands === null) return itself;
  if (is(value, "Mul")) return scaledBy(of(operands.x), operands.c);
  return operands.first && operands.c !== 0 ? scaledBy(of(operands.x), 1 / operands.c) : itself;
}

/** One entry of a softmax: its logits [.., classes, ..], the axis of the classes, and the index on that axis. */
export interface SoftmaxEntry {
  readonly logits: Value;
  readonly axis: number;
  readonly index: number;
}

/** The softmax entry that a value holds, one per example; null for any other value. */
export function softmaxEntry(value: Value): SoftmaxEntry | null {
  const cut = bare(value);
  const softmax = cut.inputs.length > 0 ? bare(cut.inputs[0]) : cut;
  if (!is(softmax, "Softmax") || softmax.shape.join() !== cut.inputs[0].shape.join()) return null;
  const { axis } = softmax.attrs;
  const entry = { logits: softmax.inputs[0], axis };
  if (is(cut, "Slice")) {
    const isWhole = cut.shape.every((n, i) => i === axis || n === softmax.shape[i]);
    return isWhole && cut.shape[axis] === 1 ? { ...entry, index: cut.attrs.starts[axis] } : null;
  }
  if (!is(cut, "Gather") || cut.attrs.axis !== axis || elementCount(cut.inputs[1].shape) !== 1)
    return null;
  const index = constantNumber(cut.inputs[1]);
  return index === null ? null : { ...entry, index };
}

/** x without the entry, [.., classes − 1, ..]; x has the shape of the softmax's logits. */
export function otherEntries(x: Value, { axis, index }: SoftmaxEntry): Value {
  const parts = [g.sliceAxis(x, axis, 0, index), g.sliceAxis(x, axis, index + 1, x.shape[axis])];
  return g.concat(
    parts.filter(({ shape }) => shape[axis] > 0),
    axis,
  );
}

/**
 * 1 − p in a form that is precise where p is near 1, such as σ(−z) for p = σ(z); null if p is neither a sigmoid nor a
 * softmax entry.
 */
function oneMinus(p: Value, depth = 4): Value | null {
  const entry = softmaxEntry(p);
  if (entry !== null && entry.logits.shape[entry.axis] > 1)
    return g.reshape(
      g.sum(otherEntries(g.softmax(entry.logits, entry.axis), entry), [entry.axis]),
      p.shape,
    );
  const map = scoreMapOf(p);
  if (map?.name === "Sigmoid" && map.middle === 0.5)
    return g.sigmoid(map.direction === 1 ? g.neg(map.inner) : map.inner);
  const [x] = p.inputs;
  const inner = x === undefined || depth === 0 ? null : oneMinus(x, depth - 1);
  if (inner === null) return null;
  if (is(p, "Slice")) return g.slice(inner, p.attrs);
  if (is(p, "Gather")) return g.gather(inner, p.inputs[1], p.attrs.axis);
  if (is(p, "Reshape")) return g.reshape(inner, p.shape);
  return null;
}

/** The rounding error allowed in weights that should add up to one. */
const SLACK = 1e-5;

/** c − p, in the shape of p, as a sum of non-negative terms; null if p is not a mixture of sigmoids and softmax entries. */
export function complement(p: Value, c = 1): Value | null {
  const { terms, offset } = affineOf(p);
  if (terms.length === 0) return null;
  const rest = c - offset - terms.reduce((total, { weight }) => total + weight, 0);
  if (rest < -SLACK) return null;
  let total: Value | null = null;
  for (const { p: one, weight } of terms) {
    const { low, high } = rangeOf(one);
    const opposite = weight >= 0 && low >= 0 && high <= 1 ? oneMinus(one) : null;
    if (opposite === null) return null;
    const term = g.cast(g.reshape(opposite, p.shape), p.dtype);
    const part = weight === 1 ? term : g.mul(term, g.scalarLike(p, weight));
    total = total === null ? part : g.add(total, part);
  }
  if (total === null) return null;
  return rest > SLACK ? g.add(total, g.scalarLike(p, rest)) : total;
}
