// One score as two classes: where it is decided, in terms of what it was made of.

import * as g from "../../engine/graph/expressions.ts";
import { is, type Value } from "../../engine/graph/value.ts";
import {
  affineOf,
  complement,
  otherEntries,
  plus,
  type SoftmaxEntry,
  softmaxEntry,
} from "./complement.ts";
import { bare, isSame } from "./constants.ts";
import { logOf } from "./log-probabilities.ts";
import { type Range, rangeOf } from "./ranges.ts";
import type { ScoreMap } from "./score-map.ts";
import { mapOf } from "./score-maps.ts";

/** Two classes out of one score. */
export interface TwoClasses {
  /** Scores of class 0 and of class 1, each of the shape of the score; class 1 is answered where its score is larger. */
  readonly scores: readonly [Value, Value];
  /** Names of what was taken off, the outermost first. */
  readonly removed: readonly string[];
  /** Whether scores are logarithms of probabilities that have no logits of their own. */
  readonly isLogarithm: boolean;
  /** How the file's output decides, in words: `probability 0.5`. */
  readonly rule: string;
  /** Class 1 where what is left is above (or below) the threshold; null where scores are compared with each other. */
  readonly decision: { readonly side: "above" | "below"; readonly threshold: number } | null;
  /** The file's own value by which it decides, and the threshold that class 1 is above (or below). */
  readonly decidedBy: { readonly value: Value; readonly t: number; readonly isAbove: boolean };
}

/** A value on the way back from the score, and the map that it ends in. */
interface Link {
  readonly value: Value;
  readonly map: ScoreMap;
}

/** a > b, or with `orEqual` a ≥ b. */
interface Comparison {
  readonly a: Value;
  readonly b: Value;
  readonly orEqual: boolean;
}

/** The comparison that a truth value is, also as its opposite, or as "larger or equal"; null for any other. */
function comparedBy(truth: Value): Comparison | null {
  const inner = bare(truth);
  if (is(inner, "Not")) {
    const found = comparedBy(inner.inputs[0]);
    return found === null ? null : { a: found.b, b: found.a, orEqual: !found.orEqual };
  }
  if (is(inner, "Or")) {
    const [larger, equal] = inner.inputs.map((input) => bare(input));
    const found = is(equal, "Equal") ? comparedBy(larger) : null;
    if (found === null || !is(equal, "Equal")) return null;
    const isOfSame = [found.a, found.b].every((one) =>
      equal.inputs.some((input) => isSame(input, one)),
    );
    return isOfSame ? { ...found, orEqual: true } : null;
  }
  if (!is(inner, "Greater") || !inner.inputs[0].dtype.startsWith("float")) return null;
  const [a, b] = inner.inputs;
  return { a, b, orEqual: false };
}

/** 1 where one number is larger than another, 0 elsewhere, as a map of their difference. */
function comparison(value: Value): ScoreMap | null {
  const isTruth = is(value, "Cast") && value.inputs[0].dtype === "bool";
  const found = isTruth ? comparedBy(value.inputs[0]) : null;
  if (found === null) return null;
  return {
    inner: g.sub(found.a, found.b),
    name: "comparison",
    direction: 1,
    // d ≥ 0 is d > the number before 0.
    cut: () => (found.orEqual ? -1.2e-38 : 0),
    middle: 0.5,
    flat: { low: 0, high: 0 },
  };
}

/** The value before reshapes and the like; elements of one score per example are alike in any order of length-1 axes. */
function arrangedFrom(value: Value): Value {
  let inner = value;
  while (
    (is(inner, "Reshape") || is(inner, "Transpose") || is(inner, "Expand")) &&
    inner.inputs[0].shape.filter((n) => n > 1).join() === inner.shape.filter((n) => n > 1).join()
  )
    inner = inner.inputs[0];
  return inner;
}

/** All maps behind a score, and what they end at. */
function chainOf(score: Value): { readonly links: readonly Link[]; readonly end: Value } {
  const links: Link[] = [];
  let value = arrangedFrom(score);
  for (;;) {
    const map = mapOf(value) ?? comparison(value);
    if (map === null) return { links, end: value };
    links.push({ value, map });
    value = arrangedFrom(map.inner);
  }
}

/** A threshold on the value at a place of the chain (0: the score itself), and why. */
interface Threshold {
  readonly place: number;
  readonly t: number;
  readonly rule: string;
}

const isProbability = ({ low, high }: Range): boolean => low >= 0 && high <= 1;
const has = ({ low, high }: Range, t: number): boolean => low < t && t < high;

/** Whether links in front of a probability make everything on one side of ½ equal. */
function isCutOff(links: readonly Link[], probability: number): boolean {
  if (probability <= 0) return false;
  let t = 0.5;
  return links.toReversed().some(({ map }) => {
    if (map.name === "Clip" && map.flat !== null && (map.flat.low >= t || map.flat.high <= t))
      return true;
    if (map.name !== null) t = Number.NaN;
    return false;
  });
}

/** Where the score is decided: a probability at ½, what ends in a map onto an interval at the middle of that, others at 0. */
function thresholdOf(links: readonly Link[], end: Value): Threshold {
  const values = [...links.map(({ value }) => value), end];
  const ranges = values.map((value) => rangeOf(value));
  const half = { t: 0.5, rule: "probability 0.5" };
  const probability = ranges.findIndex((range) => isProbability(range) && has(range, 0.5));
  // A clip of a probability to one side of ½ leaves one answer.
  if (isProbability(ranges[0]) && isCutOff(links.slice(0, probability), probability))
    return { place: 0, t: half.t, rule: half.rule };
  if (probability >= 0) return { place: probability, t: half.t, rule: half.rule };
  const onto = links.findLastIndex(({ map }) => map.middle !== null);
  if (onto >= 0) {
    const t = links[onto].map.middle as number;
    return { place: onto, t, rule: `the middle of ${links[onto].map.name}, ${t}` };
  }
  if (isProbability(ranges[0])) return { place: 0, t: 0.5, rule: "probability 0.5" };
  const isLogSigmoid = links[0]?.map.direction === -1 && links[1]?.map.name === "Softplus";
  if (ranges[0].high <= 0 && (is(values[0], "Log") || isLogSigmoid))
    return { place: 0, t: Math.log(0.5), rule: "log-probability log 0.5" };
  const rule = "nothing in the file says where it is decided";
  const place = moved(links, 0, 0, links.length).t === null ? links.length : 0;
  return { place, t: 0, rule };
}

/** A decision in terms of a value behind the score: above or below `t`; null where all scores are on one side. */
interface Moved {
  readonly t: number | null;
  readonly isAbove: boolean;
  /** Class 1 for every score, where `t` is null. */
  readonly isAlways: boolean;
}

/** A threshold at one place of the chain as one at a later place. */
function moved(links: readonly Link[], place: number, threshold: number, stop: number): Moved {
  let isAbove = links.slice(0, place).filter(({ map }) => map.direction === -1).length % 2 === 0;
  let t = threshold;
  for (const { map } of links.slice(place, stop)) {
    t = map.cut(t);
    if (map.direction === -1) isAbove = !isAbove;
    if (!Number.isFinite(t)) return { t: null, isAbove, isAlways: isAbove === t < 0 };
  }
  return { t, isAbove, isAlways: false };
}

const real = (x: Value): Value => (x.dtype.startsWith("float") ? x : g.cast(x, "float32"));
const zeroLike = (x: Value): Value => g.mul(x, g.scalarLike(x, 0));
const shifted = (x: Value, by: number): Value => (by === 0 ? x : g.add(x, g.scalarLike(x, by)));
const ordered = (low: Value, high: Value, isAbove: boolean): readonly [Value, Value] =>
  isAbove ? [low, high] : [high, low];
const logit = (p: number): number => Math.log(p / (1 - p));

/** log(1 − p) + logit(t) against log p of one entry of a softmax: its logit against log-sum-exp of the others. */
function entryScores(entry: SoftmaxEntry, t: number): readonly [Value, Value] {
  const { logits, axis, index } = entry;
  const rest = otherEntries(logits, entry);
  const own = g.sliceAxis(logits, axis, index, index + 1);
  const joined = rest.shape[axis] === 1 ? rest : logOf(g.sum(g.exp(rest), [axis], true)).value;
  return [shifted(joined, logit(t)), own];
}

/** log(1 − p) + logit(t) against log p; null where p is one score's and has a better form. */
function shareScores(p: Value, t: number): readonly [Value, Value] | null {
  const own = logOf(p);
  if (!own.isStable) return null;
  const rest = complement(p) ?? g.sub(g.scalarLike(p, 1), p);
  return [shifted(logOf(rest).value, logit(t)), own.value];
}

/** Two classes out of a probability that no map of one score gives. */
interface Mixed {
  readonly pair: readonly [Value, Value];
  /** What was taken off it. */
  readonly name: string | null;
}

/** The scores of such a probability that is decided at t; null for anything else. */
function mixedScores(value: Value, { t }: Moved): Mixed | null {
  if (t === null || t <= 0 || t >= 1 || !isProbability(rangeOf(value))) return null;
  const entry = softmaxEntry(value);
  if (entry !== null && entry.logits.shape[entry.axis] > 1)
    return { pair: entryScores(entry, t), name: "Softmax" };
  // A softmax over a single unit, or over something else than classes, is no mixture.
  const pair = is(bare(value), "Softmax") ? null : shareScores(value, t);
  return pair === null ? null : { pair, name: null };
}

/** The last place of the chain that holds such a probability; none where a sigmoid or the like is taken off behind it. */
function mixedFrom(links: readonly Link[], end: Value, { place, t }: Threshold) {
  const values = links.map(({ value }) => value).concat(end);
  for (let at = links.length; at >= place; at--) {
    if (links[at]?.map.middle !== undefined && links[at].map.middle !== null) return null;
    const { isAbove, t: own, isAlways } = moved(links, place, t, at);
    const mixed = mixedScores(values[at], { isAbove, t: own, isAlways });
    if (mixed !== null) return { at, isAbove, pair: mixed.pair, name: mixed.name };
  }
  return null;
}

/** The two classes that one score stands for; `threshold` is where it is decided, if that is known. */
export function twoClasses(score: Value, threshold?: Pick<Threshold, "t" | "rule">): TwoClasses {
  const { links, end } = chainOf(score);
  const at =
    threshold === undefined
      ? thresholdOf(links, end)
      : { place: 0, t: threshold.t, rule: threshold.rule };
  const { place, t, rule } = at;
  const values = links.map((link) => link.value).concat(end);
  const { isAbove } = moved(links, place, t, place);
  const decidedBy = { value: values[place], t, isAbove };
  const names = (count: number) => links.slice(0, count).flatMap(({ map }) => map.name ?? []);
  const mixed = mixedFrom(links, end, at);
  if (mixed !== null)
    return {
      scores: ordered(mixed.pair[0], mixed.pair[1], mixed.isAbove),
      removed: names(mixed.at).concat(mixed.name ?? []),
      isLogarithm: mixed.name === null,
      rule,
      decision: null,
      decidedBy,
    };
  const stop = stopOf(links, at);
  const decided = moved(links, place, t, stop);
  const own = ownScore(real(values[stop]), decided);
  return {
    scores: [zeroLike(own), own],
    removed: names(stop),
    isLogarithm: false,
    rule,
    decision:
      decided.t === null
        ? null
        : { side: decided.isAbove ? "above" : "below", threshold: decided.t },
    decidedBy,
  };
}

/** How far back the score is undone: to before the last map onto an interval; all the way where a probability has none. */
function stopOf(links: readonly Link[], { place, t }: Threshold): number {
  const onto = links.findLastIndex(({ map }) => map.middle !== null);
  if (onto >= 0) return Math.max(place, onto + 1);
  return t === 0 ? place : links.length;
}

/** What is positive exactly where class 1 is answered. */
function ownScore(value: Value, { t, isAbove, isAlways }: Moved): Value {
  if (t === null) return shifted(zeroLike(value), isAlways ? 1 : -1);
  if (isAbove) return shifted(value, -t);
  return t === 0 ? g.neg(value) : g.sub(g.scalarLike(value, t), value);
}

/** Two scores of which each is a number minus the other, `[1 − p, p]`, as one; null for others, and where nothing is undone. */
export function pairScores(first: Value, second: Value): TwoClasses | null {
  const { terms, offset } = plus(affineOf(first), affineOf(second));
  if (terms.some(({ weight }) => Math.abs(weight) > 1e-6)) return null;
  const half = offset / 2;
  const found = twoClasses(second, { t: half, rule: `probability ${half}` });
  return found.removed.length > 0 || found.isLogarithm ? found : null;
}
