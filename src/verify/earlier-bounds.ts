import type { Crown } from "../engine/bounds/crown.ts";
import type { Evaluation } from "../engine/bounds/evaluation.ts";
import type { InputRegion } from "../engine/bounds/region.ts";
import type { RegionState } from "../engine/bounds/state.ts";

/** How many analyses are kept per network. */
const KEPT = 8;

/** An analysis of a box, and the evaluation that its bounds hold for. */
interface Analysis {
  readonly state: RegionState;
  readonly evaluation: Evaluation | undefined;
}

/** The latest analyses of one network. The bounds of a box hold for each box inside, whose stable neurons they tell. */
export class EarlierBounds {
  #analyses: readonly Analysis[] = [];

  /** The latest analysis of a box that contains a region, for the same evaluation. */
  find(region: InputRegion, evaluation: Evaluation | undefined): RegionState | undefined {
    return this.#analyses.findLast(
      (one) => one.evaluation === evaluation && contains(one.state.region, region),
    )?.state;
  }

  add(state: RegionState, evaluation: Evaluation | undefined): void {
    const others = this.#analyses.filter((one) => one.state.region !== state.region);
    this.#analyses = others.concat({ state, evaluation }).slice(-KEPT);
  }
}

const contains = (outer: InputRegion, inner: InputRegion): boolean =>
  outer.ball === undefined &&
  outer.lower.every((low, i) => low <= inner.lower[i] && inner.upper[i] <= outer.upper[i]);

const ofNetworks = new WeakMap<Crown, EarlierBounds>();

/** The analyses that are kept for a network. */
export function earlierBoundsOf(crown: Crown): EarlierBounds {
  const made = ofNetworks.get(crown) ?? new EarlierBounds();
  ofNetworks.set(crown, made);
  return made;
}
