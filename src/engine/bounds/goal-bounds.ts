// Tightens the domains of a search by bounds that hold where their goals fail.

import type { BranchProgram } from "./branch-program.ts";
import { type Domain, isOpen, type Layer, onPart, type PartLines } from "./domain.ts";
import { ascend, type Side, sideBound, sidesOf, tiltedBy } from "./goal-sides.ts";
import { improved } from "./improved.ts";
import { narrowed, type SideBound } from "./narrowed.ts";
import { costliest } from "./split-candidates.ts";

/** The fewest and the most of a layer's costliest neurons that are bounded on the whole region. */
const [MIN_PER_LAYER, MAX_PER_LAYER] = [64, 256];
/** Steps on the bounds of a layer in each pass over the layers, and on the goal after the pass. */
const [SIDE_STEPS, GOAL_STEPS] = [4, 10];
const MAX_PASSES = 20;
/** Tightening ends after a pass that closes less than this share of the gap to the limit. */
const LEAST_GAIN = 0.1;
/** A layer whose intervals become narrower by less than this share is left out of the next passes. */
const LEAST_SHRINKAGE = 0.01;
/** A part is tightened when its number of splits is a multiple of this. */
const EVERY = 2;
/** The costliest neurons of a part that are bounded, of all layers together. */
const PER_PART = 24;

/** How many neurons of each layer to bound for each goal: fewer if there are more goals, whose bounds take time as well. */
export const neuronsPerLayer = (goals: number): number =>
  Math.max(MIN_PER_LAYER, Math.floor(MAX_PER_LAYER / goals));

/** The bounds of hidden neurons for the goals of a search. */
export class GoalBounds {
  readonly #program: BranchProgram;
  /** By goal: the sides of neurons, with the slopes and factors that were found on the whole region. */
  readonly #sides = new Map<number, readonly Side[]>();

  constructor(program: BranchProgram) {
    this.#program = program;
  }

  /**
   * The whole region for a goal, which was improved, with tighter lines for the `perLayer` costliest neurons of each layer;
   * null if the goal fails nowhere.
   */
  async ofRegion(root: Domain, perLayer: number, stop: () => boolean): Promise<Domain | null> {
    const sides = new Map<Layer, readonly Side[]>();
    const helped = new Set<Layer>();
    let layers = this.#program.layers.toReversed();
    let one = root;
    for (let pass = 0; pass < MAX_PASSES && layers.length > 0 && isOpen(one) && !stop(); pass++) {
      const { bound, limit } = one;
      const responding: Layer[] = [];
      for (const layer of layers) {
        const own = sides.get(layer) ?? sidesOf(layer, one, costliest(all(layer), one, perLayer));
        sides.set(layer, own);
        const open = own.filter((side) => isUnstable(one, side));
        const found = await ascend(this.#program, one, open, SIDE_STEPS, stop);
        const lines = this.#narrowed(one, layer, found);
        if (lines === null) return null;
        const shrinkage = shrinkageOf(one.lines, lines, open);
        one = { ...one, lines };
        if (shrinkage >= LEAST_SHRINKAGE) responding.push(layer);
        // Earlier layers of a convolutional network see less of the image, and the goal says less about them.
        else if (pass === 0 && open.length > 0) break;
      }
      for (const layer of responding) helped.add(layer);
      // Bounds of later layers use those of earlier ones.
      layers = responding.sort((a, b) => a.first - b.first);
      one = onPart(one, one.lines);
      await improved(this.#program, [one], GOAL_STEPS, stop);
      if (one.bound - bound < LEAST_GAIN * (limit - bound)) break;
    }
    const kept = Array.from(helped, (layer) => sides.get(layer) ?? []).flat();
    this.#sides.set(root.goal, kept);
    return isOpen(one) ? one : null;
  }

  /** Parts that were improved; those that are due are tightened and improved again, and left out if their goal fails nowhere. */
  async ofParts(parts: readonly Domain[], stop: () => boolean): Promise<Domain[]> {
    const isDue = ({ splits }: Domain) => splits.length > 0 && splits.length % EVERY === 0;
    const due = parts.filter(isDue);
    const rest = parts.filter((one) => !isDue(one));
    const tightened: Domain[] = [];
    for (const [i, lines] of (await this.narrowParts(due, stop)).entries()) {
      const one = due[i];
      if (lines === one.lines) rest.push(one);
      else if (lines !== null) tightened.push({ ...onPart(one, lines), restarts: one.restarts });
    }
    const { left } = await improved(this.#program, tightened, 1, stop);
    return [...rest, ...left];
  }

  /**
   * The lines of parts where the costliest neurons have tighter bounds: those of the part if none is tighter; null if the
   * goal of a part fails nowhere.
   */
  async narrowParts(parts: readonly Domain[], stop: () => boolean): Promise<(PartLines | null)[]> {
    const tilted = parts.map((part) => this.#tilts(part));
    const domains = tilted.flat().map(({ domain }) => domain);
    const { maxRows } = this.#program;
    for (let at = 0; at < domains.length && !stop(); at += maxRows)
      await this.#program.bound(domains.slice(at, at + maxRows));
    return parts.map((part, i) => {
      let lines: PartLines | null = part.lines;
      for (const layer of new Set(tilted[i].map(({ side }) => side.layer))) {
        const bounds = tilted[i]
          .filter(({ side }) => side.layer === layer)
          .map(
            ({ side: { neuron, sign }, domain }): SideBound => ({
              neuron,
              sign,
              bound: sideBound(domain.bound, domain),
            }),
          );
        if (lines !== null) lines = this.#narrowed({ lines }, layer, bounds);
      }
      return lines;
    });
  }

  /** The goal of a part tilted by each of its costliest neurons, with the slopes and factors of the whole region. */
  #tilts(part: Domain): { readonly side: Side; readonly domain: Domain }[] {
    const sides = this.#sides.get(part.goal) ?? [];
    const neurons = new Set(sides.map(({ neuron }) => neuron));
    const chosen = new Set(costliest(neurons, part, PER_PART));
    return sides
      .filter(({ neuron }) => chosen.has(neuron))
      .map((side) => ({
        side,
        domain: tiltedBy(part, side.neuron, side.tilted.tilt?.factor ?? 0, side.tilted),
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

/** The neurons of a layer that are unstable on the whole region. */
const all = ({ first, elements }: Layer): number[] => Array.from(elements, (_, i) => first + i);

const isUnstable = ({ lines }: Domain, { neuron }: Side): boolean =>
  lines.lower[neuron] < 0 && lines.upper[neuron] > 0;

/** By which share the intervals of some neurons became narrower, all together. */
function shrinkageOf(before: PartLines, after: PartLines, sides: readonly Side[]): number {
  const width = ({ lower, upper }: PartLines) =>
    sides.reduce((sum, { neuron }) => sum + upper[neuron] - lower[neuron], 0);
  return sides.length === 0 ? 0 : 1 - width(after) / width(before);
}
