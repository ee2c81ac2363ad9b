import { uniform } from "../math/distributions.ts";
import { fold, type Key } from "../math/random.ts";
import { type Descent, descent, type Opening } from "./descent.ts";
import { type Objective, smoothMaximum, sumOfViolated, worstTerm } from "./objectives.ts";
import { type Case, casesByBox, type Property } from "./property.ts";
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

/** A case to search, and the progress of its search. */
export interface Goal {
  /** The index of the case in the property. */
  readonly index: number;
  readonly case: Case;
  readonly region: Region;
  readonly key: Key;
  /** The number of searches that have begun. */
  searches: number;
  /** The least excess so far. */
  closest: number;
}

/** A case without points of float32, or of whole numbers. */
export interface Skipped extends Gap {
  readonly case: number;
}

/** The cases to search, and those without points (see `regionOf`). Cases that share a box share a region. */
export function goalsOf(
  { cases }: Property,
  key: Key,
  isWhole = false,
): { readonly goals: Goal[]; readonly skipped: Skipped[] } {
  const regions = new Map<Case, Region | Gap>();
  for (const sharing of casesByBox(cases)) {
    const region = regionOf(sharing[0], isWhole);
    for (const one of sharing) regions.set(one, region);
  }
  const [goals, skipped]: [Goal[], Skipped[]] = [[], []];
  for (const [index, one] of cases.entries()) {
    const region = regions.get(one) as Region | Gap;
    if ("input" in region) skipped.push({ case: index, ...region });
    else
      goals.push({
        index,
        case: one,
        region,
        key: fold(key, index),
        searches: 0,
        closest: Number.POSITIVE_INFINITY,
      });
  }
  return { goals, skipped };
}

/**
 * The goals of the next searches, `count` at most and with repeats. First every goal has one search; then half of the
 * searches go to the three goals that came closest, and the other half to the goals with the fewest searches.
 */
export function nextGoals(goals: readonly Goal[], count: number): Goal[] {
  const fresh = goals.filter(({ searches }) => searches === 0);
  if (fresh.length > 0) return fresh.slice(0, count);
  const open = goals.filter(({ region }) => !isPoint(region));
  if (open.length === 0) return [];
  const [first, second = first, third = second] = [...open].sort((a, b) => a.closest - b.closest);
  const turns = [first, first, second, third];
  const promising = Array.from({ length: count >> 1 }, (_, i) => turns[i % turns.length]);
  const rarest = [...open].sort((a, b) => a.searches - b.searches || a.index - b.index);
  const rest = count - promising.length;
  return [...promising, ...Array.from({ length: rest }, (_, i) => rarest[i % rarest.length])];
}

/** The starts and openings of searches in turn, after the first one from the centre. */
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

/** Begins the next search of a goal, which depends on its key and its number of searches only. */
export function nextSearch(goal: Goal, outputs: number, steps: number): Descent {
  const { region, case: one } = goal;
  const turn = goal.searches++;
  const key = fold(goal.key, turn);
  const along = turn % 2 === 0 ? "signs" : "gradient";
  const shared = {
    region,
    conditions: one.conditions,
    objective: objectives[turn % objectives.length](),
    steps,
    along,
    key: fold(key, 2),
  } as const;
  if (turn === 0) return descent({ ...shared, start: centreOf(region) });
  const kind = starts[(turn - 1) % starts.length];
  const drawn = kind.from(region, fold(key, 0));
  const start = kind.opening === "wide" ? spread(region, drawn, kind.times) : drawn;
  const opening = openingOf(kind, outputs, fold(key, 1));
  return descent({ ...shared, start, opening });
}

function openingOf(kind: (typeof starts)[number], outputs: number, key: Key): Opening | undefined {
  if (kind.opening === "none") return undefined;
  if (kind.opening === "wide") return { kind: "wide", times: kind.times };
  return { kind: "diverse", weights: uniform([key], [1, outputs], -1, 1).data };
}
