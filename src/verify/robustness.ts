import { branchAndBound, type Goal } from "../engine/bounds/branch.ts";
import type { Crown, SparseRow } from "../engine/bounds/crown.ts";
import type { Evaluation } from "../engine/bounds/evaluation.ts";
import { importantNeurons, ofElements } from "../engine/bounds/important-neurons.ts";
import type { InputRegion } from "../engine/bounds/region.ts";
import { optimizedBounds } from "../engine/bounds/slopes.ts";
import { RegionState } from "../engine/bounds/state.ts";
import { type RowBounds, untilStopped } from "../engine/bounds/until-stopped.ts";
import type { Value } from "../engine/graph/value.ts";
import { nextUp64 } from "../math/neighbours.ts";
import type { Stage } from "./prove.ts";

/** What is known about a label on a region. */
export interface Robustness {
  /** Whether the label has the largest logit at every image of the region, by more than what is asked for. */
  readonly proven: boolean;
  /** The last method that was needed. */
  readonly method: Stage;
  /** Lower bound of logit[label] − logit[other] over all others, for float32 evaluations too if they were asked for. */
  readonly margin: number;
  /** How much float32 evaluations lower the bound of the margin, for the worst other class. */
  readonly floatError: number;
}

/** The methods that take a fraction of a second, and those that improve as long as there is time. */
const [CHEAP, COSTLY] = [
  ["crown-ibp", "crown"],
  ["alpha-crown-last", "alpha-crown", "branching"],
] as const;

/** Iterations of the ascents. */
const [LAST_ITERATIONS, INNER_ITERATIONS] = [30, 5];

/** Proves that a network keeps its label on the regions around one image, one region inside the other. */
export class RobustnessProver {
  readonly #crown: Crown;
  readonly #label: number;
  readonly #evaluation: Evaluation | undefined;
  readonly #least: number;

  /**
   * `evaluation` is how the network is evaluated in float32; without it proofs are about real arithmetic alone. A margin
   * proves the label if it is above `least`.
   */
  constructor(crown: Crown, label: number, evaluation?: Evaluation, least = 0) {
    this.#least = least;
    this.#crown = crown;
    this.#label = label;
    this.#evaluation = evaluation;
  }

  /** What is known on a region before any bound; `outer` is a region around it, whose intervals hold here too. */
  open(region: InputRegion, outer?: RegionProof): RegionProof {
    return new RegionProof({
      crown: this.#crown,
      label: this.#label,
      evaluation: this.#evaluation,
      least: this.#least,
      region,
      known: outer?.state,
    });
  }
}

/** The parts of a proof on one region. */
interface RegionProofParts {
  readonly crown: Crown;
  readonly label: number;
  readonly evaluation: Evaluation | undefined;
  readonly least: number;
  readonly region: InputRegion;
  readonly known: RegionState | undefined;
}

/** A proof on one region, which further methods improve. */
export class RegionProof {
  /** What the bounds so far say about the network's values. */
  state: RegionState | undefined;
  readonly #parts: RegionProofParts;
  readonly #rows: readonly SparseRow[];
  /** Lower bounds of the margins, one per other class. */
  readonly #bounds: Float64Array;
  /** How much float32 evaluations lower the bounds of the last walk. */
  #floatError = Number.POSITIVE_INFINITY;
  #method: Stage = "crown-ibp";
  /** The methods that have run to their end. */
  readonly #done = new Set<Stage>();

  constructor(parts: RegionProofParts) {
    this.#parts = parts;
    this.state = parts.known;
    const [, classes] = parts.crown.plan.output.shape;
    const others = Array.from({ length: classes }, (_, j) => j).filter((j) => j !== parts.label);
    this.#rows = others.map((j) => [
      [parts.label, 1],
      [j, -1],
    ]);
    this.#bounds = new Float64Array(others.length).fill(Number.NEGATIVE_INFINITY);
  }

  get found(): Robustness {
    const margin = Math.min(Number.POSITIVE_INFINITY, ...this.#bounds);
    return {
      proven: margin > this.#parts.least,
      method: this.#method,
      margin,
      floatError: this.#floatError,
    };
  }

  /** The numbers of the intervals. */
  get size(): number {
    let size = 0;
    for (const { lower } of this.state?.intervals.values() ?? []) size += 2 * lower.length;
    return size;
  }

  /** Drops what can be computed again from the intervals, for a proof that is continued much later. */
  rest(): void {
    if (this.state !== undefined) this.state = withIntervals(this.state, this.state.errors);
  }

  /** One walk on interval arithmetic, then walks for all layers. */
  async cheaply(stop: () => boolean): Promise<Robustness> {
    return this.#tryEach(CHEAP, stop);
  }

  /** Everything, until it is proven or `stop` says so. */
  async thoroughly(stop: () => boolean): Promise<Robustness> {
    const cheap = await this.cheaply(stop);
    return cheap.proven ? cheap : this.#tryEach(COSTLY, stop);
  }

  async #tryEach(methods: readonly Stage[], stop: () => boolean): Promise<Robustness> {
    for (const method of methods) {
      if (this.#done.has(method)) continue;
      if (this.found.proven || stop()) break;
      await this.#run(method, stop);
      this.#method = method;
      if (!stop()) this.#done.add(method);
    }
    return this.found;
  }

  async #run(method: Stage, stop: () => boolean): Promise<void> {
    const { crown, region, evaluation } = this.#parts;
    if (method === "crown-ibp")
      this.state = await crown.analyse(region, { evaluation, walks: false, known: this.state });
    if (method === "crown") this.state = await this.#walked(stop);
    if (method === "alpha-crown") this.state = await this.#optimized(stop);
    const state = this.state as RegionState;
    const open = this.#open;
    const bounds = await this.#boundsBy(method, state, open, stop);
    for (const [k, i] of open.entries()) this.#bounds[i] = Math.max(this.#bounds[i], bounds[k]);
  }

  /** The other classes that may have the larger logit. */
  get #open(): number[] {
    return [...this.#bounds.keys()].filter((i) => !(this.#bounds[i] > this.#parts.least));
  }

  #goalsOf(open: readonly number[]): Goal[] {
    return open.map((i) => ({ row: this.#rows[i], limit: this.#parts.least }));
  }

  /** Lower bounds of the margins of some other classes. */
  async #boundsBy(
    method: Stage,
    state: RegionState,
    open: readonly number[],
    stop: () => boolean,
  ): Promise<Float64Array> {
    const { crown } = this.#parts;
    const { output } = crown.plan;
    const rows = open.map((i) => this.#rows[i]);
    if (method === "branching") {
      const { least } = this.#parts;
      const { gaps } = await branchAndBound(crown, state, this.#goalsOf(open), stop);
      // Where no part is left, the margin is above the limit, and nothing else is known of it.
      return Float64Array.from(gaps, (gap) =>
        gap === Number.POSITIVE_INFINITY ? nextUp64(least) : least + gap,
      );
    }
    if (method === "crown-ibp" || method === "crown") {
      const bounds = await crown.lowerBounds(state, output, rows);
      const exact = await crown.lowerBounds(withIntervals(state), output, rows);
      this.#floatError = Math.max(0, ...exact.map((bound, k) => bound - bounds[k]));
      return bounds;
    }
    return optimizedBounds(crown, state, output, rows, {
      iterations: LAST_ITERATIONS,
      untilPositive: false,
      untilHopeless: true,
      stop,
    });
  }

  /** The intervals after walks for all layers. */
  #walked(stop: () => boolean): Promise<RegionState> {
    const { crown } = this.#parts;
    return this.#analyse(stop, (state, node, rows) => crown.lowerBounds(state, node, rows));
  }

  /** The intervals after an ascent over the slopes of each layer, for the neurons that matter most. */
  async #optimized(stop: () => boolean): Promise<RegionState> {
    const { crown } = this.#parts;
    const options = { iterations: INNER_ITERATIONS, untilPositive: false, stop };
    const known = this.state as RegionState;
    const isWanted = await importantNeurons(crown, known, this.#goalsOf(this.#open), stop);
    return this.#analyse(
      stop,
      ofElements(isWanted, (state, node, rows) =>
        optimizedBounds(crown, state, node, rows, options),
      ),
    );
  }

  /** Bounds of all layers, in parts of a few rows. */
  #analyse(stop: () => boolean, boundsOf: RowBounds): Promise<RegionState> {
    const { crown, region, evaluation } = this.#parts;
    const bounds = untilStopped(stop, boundsOf);
    return crown.analyse(region, { evaluation, known: this.state, bounds });
  }
}

/** The same intervals and nothing else; without errors, walks do not count float32 evaluations. */
function withIntervals(
  { plan, region, intervals }: RegionState,
  errors: ReadonlyMap<Value, Float64Array> = new Map(),
): RegionState {
  const copy = new RegionState(plan, region);
  for (const [node, interval] of intervals) copy.intervals.set(node, interval);
  for (const [node, error] of errors) copy.errors.set(node, error);
  return copy;
}
