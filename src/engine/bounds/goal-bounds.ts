// Tightens the domains of a search by bounds that hold where their goals fail.

import type { BranchProgram } from "./branch-program.ts";
import { type Domain, isOpen, type Layer, onPart, type PartLines } from "./domain.ts";
import { ascended, costliest, type Side, sideBound, sidesOf, tiltedBy } from "./goal-sides.ts";
import { improved } from "./improved.ts";
import { narrowed, type SideBound } from "./narrowed.ts";

/** The costliest neurons of a layer that are bounded. */
const PER_LAYER = 64;
/** Steps on the bounds of a layer in each pass over the layers, and on the goal after the pass. */
const [SIDE_STEPS, GOAL_STEPS] = [4, 10];
const MAX_PASSES = 20;
/** A pass that makes up for less than this share of what is missing is the last. */
const LEAST_GAIN = 0.1;
/** A layer whose intervals become narrower by less than this share is left out of the next passes. */
const LEAST_SHRINKAGE = 0.01;
/** Parts are tightened after each this many splits. */
const EVERY = 2;
/** The costliest neurons of a part that are bounded, of all layers. */
const PER_PART = 24;

/** The bounds of hidden neurons for the goals of a search. */
export class GoalBounds {
  readonly #program: BranchProgram;
  /** By goal: the sides of neurons, with the slopes and factors that were found on the whole region. */
  readonly #sides = new Map<number, readonly Side[]>();

  constructor(program: BranchProgram) {
    this.#program = program;
  }

  /** The whole region for a goal, which was improved, with tighter lines; null if the goal fails nowhere. */
  async ofRegion(root: Domain, stop: () => boolean): Promise<Domain | null> {
    const sides = new Map<Layer, Side[]>();
    let layers = this.#program.layers.toReversed();
    let one = root;
    for (let pass = 0; pass < MAX_PASSES && layers.length > 0 && isOpen(one) && !stop(); pass++) {
      const { bound, limit } = one;
      const responding: Layer[] = [];
      for (const layer of layers) {
        const own = sides.get(layer) ?? sidesOf(layer, one, costliest([layer], one, PER_LAYER));
        sides.set(layer, own);
        const open = own.filter((side) => isUnstable(one, side));
        const lines = this.#narrowed(
          one,
          layer,
          await ascended(this.#program, one, open, SIDE_STEPS, stop),
        );
        if (lines === null) return null;
        const shrinkage = shrinkageOf(one.lines, lines, open);
        one = { ...one, lines };
        if (shrinkage >= LEAST_SHRINKAGE) responding.push(layer);
        // What does not help a layer does not help the layers before it, whose neurons see less of the input.
        else if (pass === 0) break;
      }
      // Bounds of later layers use those of earlier ones.
      layers = responding.sort((a, b) => a.first - b.first);
      one = onPart(one, one.lines);
      await improved(this.#program, [one], GOAL_STEPS, stop);
      if (one.bound - bound < LEAST_GAIN * (limit - bound)) break;
    }
    this.#sides.set(
      root.goal,
      layers.flatMap((layer) => sides.get(layer) ?? []),
    );
    return isOpen(one) ? one : null;
  }

  /** Parts that were improved; those that are due are tightened and improved again, and left out if their goal fails nowhere. */
  async ofParts(parts: readonly Domain[], stop: () => boolean): Promise<Domain[]> {
    const isDue = ({ splits, goal }: Domain) =>
      splits.length > 0 && splits.length % EVERY === 0 && (this.#sides.get(goal)?.length ?? 0) > 0;
    const due = parts.filter(isDue);
    const rest = parts.filter((one) => !isDue(one));
    if (due.length === 0 || stop()) return parts.slice();
    const tightened: Domain[] = [];
    for (const [i, lines] of (await this.narrowedParts(due, PER_PART, stop)).entries())
      if (lines !== null) tightened.push(onPart(due[i], lines));
    const { left } = await improved(this.#program, tightened, 1, stop);
    return [...rest, ...left];
  }

  /** The lines of parts where the costliest neurons have tighter bounds; null if the goal of a part fails nowhere. */
  async narrowedParts(
    parts: readonly Domain[],
    count: number,
    stop: () => boolean,
  ): Promise<(PartLines | null)[]> {
    const rows = parts.flatMap((part, i) =>
      this.#tiltedParts(part, count).map((one) => ({ i, ...one })),
    );
    const { maxRows } = this.#program;
    for (let at = 0; at < rows.length && !stop(); at += maxRows)
      await this.#program.bound(rows.slice(at, at + maxRows).map(({ tilted }) => tilted));
    return parts.map((part, i) => {
      const own = rows.filter((row) => row.i === i);
      let lines: PartLines | null = part.lines;
      for (const layer of new Set(own.map(({ side }) => side.layer))) {
        const bounds = own
          .filter(({ side }) => side.layer === layer)
          .map(
            ({ side: { neuron, sign }, tilted }): SideBound => ({
              neuron,
              sign,
              bound: sideBound(tilted.bound, tilted),
            }),
          );
        lines = lines === null ? null : this.#narrowed({ lines }, layer, bounds);
      }
      return lines;
    });
  }

  /** The goal of a part tilted by each of its costliest neurons, with the slopes that were found on the whole region. */
  #tiltedParts(part: Domain, count: number) {
    const sides = this.#sides.get(part.goal) ?? [];
    const layers = [...new Set(sides.map(({ layer }) => layer))];
    const chosen = new Set(costliest(layers, part, count));
    return sides
      .filter(({ neuron }) => chosen.has(neuron))
      .map((side) => ({
        side,
        tilted: tiltedBy(part, side.neuron, side.tilted.tilt?.factor ?? 0, side.tilted),
      }));
  }

  #narrowed(
    { lines }: Pick<Domain, "lines">,
    layer: Layer,
    bounds: readonly SideBound[],
  ): PartLines | null {
    return narrowed(lines, layer, bounds, this.#program.crown.plan.type);
  }
}

const isUnstable = ({ lines }: Domain, { neuron }: Side): boolean =>
  lines.lower[neuron] < 0 && lines.upper[neuron] > 0;

/** By which share the intervals of some neurons became narrower, all together. */
function shrinkageOf(before: PartLines, after: PartLines, sides: readonly Side[]): number {
  const width = ({ lower, upper }: PartLines) =>
    sides.reduce((sum, { neuron }) => sum + upper[neuron] - lower[neuron], 0);
  return sides.length === 0 ? 0 : 1 - width(after) / width(before);
}
