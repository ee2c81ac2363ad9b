import { branchAndBound } from "../engine/bounds/branch.ts";
import type { Crown, SparseRow } from "../engine/bounds/crown.ts";
import type { InputRegion } from "../engine/bounds/region.ts";
import { down, up } from "../engine/bounds/rounding.ts";
import { optimizedBounds } from "../engine/bounds/slopes.ts";
import type { RegionState } from "../engine/bounds/state.ts";
import type { Stage } from "./prove.ts";

/**
 * Bounds of how far the logits that a runtime computes in float32 lie from those of real arithmetic [classes], at every
 * image of the region that `state` describes.
 */
export type LogitError = (state: RegionState) => Float64Array;

/** What is known about a label on a region. */
export interface Robustness {
  /** Whether the label has the strictly largest logit at every image of the region, as the runtime computes it. */
  readonly proven: boolean;
  /** The last method that was needed. */
  readonly method: Stage;
  /** Lower bound of logit[label] − logit[other] over all others, as the runtime computes them. */
  readonly margin: number;
  /** What was subtracted for float32, of the worst pair of logits. */
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
  readonly #errorOf: LogitError;
  readonly #label: number;

  constructor(crown: Crown, label: number, errorOf: LogitError) {
    this.#crown = crown;
    this.#label = label;
    this.#errorOf = errorOf;
  }

  /** What is known on a region before any bound; `outer` is a region around it, whose intervals hold here too. */
  open(region: InputRegion, outer?: RegionProof): RegionProof {
    return new RegionProof({
      crown: this.#crown,
      label: this.#label,
      errorOf: this.#errorOf,
      region,
      known: outer?.state,
    });
  }
}

/** The parts of a proof on one region. */
interface RegionProofParts {
  readonly crown: Crown;
  readonly label: number;
  readonly errorOf: LogitError;
  readonly region: InputRegion;
  readonly known: RegionState | undefined;
}

/** A proof on one region, which further methods improve. */
export class RegionProof {
  /** What the bounds so far say about the network's values. */
  state: RegionState | undefined;
  readonly #parts: RegionProofParts;
  readonly #rows: readonly SparseRow[];
  /** Lower bounds of the margins in real arithmetic, one per other class. */
  readonly #bounds: Float64Array;
  /** What float32 may take from each margin. */
  #errors: Float64Array;
  #method: Stage = "crown-ibp";

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
    this.#errors = new Float64Array(others.length).fill(Number.POSITIVE_INFINITY);
  }

  get found(): Robustness {
    const margins = this.#bounds.map((bound, i) => down(bound - this.#errors[i]));
    const margin = Math.min(Number.POSITIVE_INFINITY, ...margins);
    return {
      proven: margin > 0,
      method: this.#method,
      margin,
      floatError: Math.max(0, ...this.#errors),
    };
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
      if (this.found.proven || stop()) break;
      await this.#run(method, stop);
      this.#method = method;
    }
    return this.found;
  }

  async #run(method: Stage, stop: () => boolean): Promise<void> {
    const { crown, region } = this.#parts;
    if (method === "crown-ibp")
      this.#analysed(await crown.analyse(region, { walks: false, known: this.state }));
    if (method === "crown") this.#analysed(await crown.analyse(region, { known: this.state }));
    if (method === "alpha-crown") this.#analysed(await this.#optimized(stop));
    const state = this.state as RegionState;
    const open = this.#open();
    const rows = open.map((i) => this.#rows[i]);
    if (method === "branching") {
      await this.#branch(state, open, stop);
      return;
    }
    const isCheap = method === "crown-ibp" || method === "crown";
    const bounds = isCheap
      ? await crown.lowerBounds(state, crown.plan.output, rows)
      : await optimizedBounds(crown, state, crown.plan.output, rows, {
          iterations: LAST_ITERATIONS,
          untilPositive: false,
          stop,
        });
    for (const [k, i] of open.entries()) this.#bounds[i] = Math.max(this.#bounds[i], bounds[k]);
  }

  /** The other classes whose margin is not proven, by their place in `#rows`. */
  #open(): number[] {
    return [...this.#bounds.keys()].filter((i) => !(down(this.#bounds[i] - this.#errors[i]) > 0));
  }

  #analysed(state: RegionState): void {
    const errors = this.#parts.errorOf(state);
    this.state = state;
    this.#errors = Float64Array.from(this.#rows, (row, i) => {
      const pair = row.reduce((sum, [logit]) => up(sum + errors[logit]), 0);
      return Math.min(this.#errors[i], pair);
    });
  }

  /** The intervals after an ascent over the slopes of each layer. */
  #optimized(stop: () => boolean): Promise<RegionState> {
    const { crown, region } = this.#parts;
    return crown.analyse(region, {
      known: this.state,
      bounds: (state, node, rows) =>
        stop()
          ? Promise.resolve(new Float64Array(rows.length).fill(Number.NEGATIVE_INFINITY))
          : optimizedBounds(crown, state, node, rows, {
              iterations: INNER_ITERATIONS,
              untilPositive: false,
              stop,
            }),
    });
  }

  /** Splits the region for one margin after the other, the worst first: one that stays open decides. */
  async #branch(state: RegionState, open: readonly number[], stop: () => boolean): Promise<void> {
    const excess = (i: number) => this.#bounds[i] - this.#errors[i];
    for (const i of open.toSorted((a, b) => excess(a) - excess(b))) {
      const limit = this.#errors[i];
      const goal = { row: this.#rows[i], limit };
      const { proven, gap } = await branchAndBound(this.#parts.crown, state, [goal], stop);
      const bound = proven ? up(up(limit) + Number.MIN_VALUE) : down(limit + gap);
      this.#bounds[i] = Math.max(this.#bounds[i], bound);
      if (!proven) return;
    }
  }
}
