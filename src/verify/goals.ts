import { uniform } from "../math/distributions.ts";
import { fold, type Key } from "../math/random.ts";
import { type Descent, descent, type Opening } from "./descent.ts";
import { type Objective, smoothMaximum, sumOfViolated, worstTerm } from "./objectives.ts";
import type { Case, Property } from "./property.ts";
import {
  centreOf,
  cornerOf,
  type Gap,
  isPoint,
  pointIn,
  type Region,
  regionOf,
  spread,
} from "./region.ts";

/** A case that is searched, and how far that has come. */
export interface Goal {
  /** Its place among the property's cases. */
  readonly index: number;
  readonly case: Case;
  readonly region: Region;
  readonly key: Key;
  /** Searches begun. */
  searches: number;
  /** The least excess of all points that were asked about. */
  closest: number;
}

/** A case that no float32 network can be asked about. */
export interface Skipped extends Gap {
  readonly case: number;
}

/** The cases that can be searched, and those that hold no float32 point. Cases that share a box share a region. */
export function goalsOf(
  { cases }: Property,
  key: Key,
): { readonly goals: Goal[]; readonly skipped: Skipped[] } {
  const regions = new Map<Float64Array, Region | Gap>();
  const [goals, skipped]: [Goal[], Skipped[]] = [[], []];
  for (const [index, one] of cases.entries()) {
    const known = regions.get(one.lower);
    const region = known ?? regionOf(one);
    regions.set(one.lower, region);
    if ("input" in region) skipped.push({ case: index, ...region });
    else {
      const own = { case: one, region, key: fold(key, index) };
      goals.push({ index, ...own, searches: 0, closest: Number.POSITIVE_INFINITY });
    }
  }
  return { goals, skipped };
}

/**
 * Whose turn it is, `count` times at most and with repeats: first each goal once; then half of the turns go to the three
 * that have come closest, the other half to those that had the fewest.
 */
export function turns(goals: readonly Goal[], count: number): Goal[] {
  const fresh = goals.filter(({ searches }) => searches === 0);
  if (fresh.length > 0) return fresh.slice(0, count);
  const open = goals.filter(({ region }) => !isPoint(region));
  if (open.length === 0) return [];
  const [first, second = first, third = second] = [...open].sort((a, b) => a.closest - b.closest);
  const promising = Array.from({ length: count >> 1 }, (_, i) =>
    i % 4 < 2 ? first : i % 4 === 2 ? second : third,
  );
  const rarest = [...open].sort((a, b) => a.searches - b.searches || a.index - b.index);
  const rest = count - promising.length;
  return [...promising, ...Array.from({ length: rest }, (_, i) => rarest[i % rarest.length])];
}

/** Starts in turn, after the centre. */
const starts = [
  { from: pointIn, opening: "wide", times: 2 },
  { from: pointIn, opening: "diverse" },
  { from: pointIn, opening: "wide", times: 4 },
  { from: cornerOf, opening: "diverse" },
  { from: cornerOf, opening: "none" },
] as const;

const objectives: readonly (() => Objective)[] = [
  () => worstTerm,
  () => sumOfViolated,
  smoothMaximum,
];

/** The goal's next search, which depends on its key and on how many it has had, on nothing else. */
export function nextSearch(goal: Goal, outputs: number, steps: number): Descent {
  const { region, case: one } = goal;
  const turn = goal.searches++;
  const key = fold(goal.key, turn);
  const along = turn % 2 === 0 ? "signs" : "gradient";
  const shared = { region, conditions: one.conditions, steps, along, key: fold(key, 2) } as const;
  const objective = objectives[turn % objectives.length]();
  if (turn === 0) return descent({ ...shared, objective, start: centreOf(region) });
  const kind = starts[(turn - 1) % starts.length];
  const drawn = kind.from(region, fold(key, 0));
  const start = kind.opening === "wide" ? spread(region, drawn, kind.times) : drawn;
  const opening = openingOf(kind, outputs, fold(key, 1));
  return descent({ ...shared, objective, start, opening });
}

function openingOf(kind: (typeof starts)[number], outputs: number, key: Key): Opening | undefined {
  if (kind.opening === "none") return undefined;
  if (kind.opening === "wide") return { kind: "wide", times: kind.times };
  return { kind: "diverse", weights: uniform([key], [1, outputs], -1, 1).data };
}
