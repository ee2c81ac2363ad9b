// Branch and bound over the signs of unstable ReLUs, with multipliers for the splits (Wang et al. 2021, β-CROWN,
// arXiv:2103.06624). A split neuron's relaxation is exact, and its sign may be used anywhere in the walk.

import { elementCount } from "../../math/tensor.ts";
import type { Value } from "../graph/value.ts";
import { type Crown, isRelu, type SparseRow, soundBounds } from "./crown.ts";
import { names } from "./program.ts";
import { Ascent } from "./slopes.ts";
import type { Fed, RegionState } from "./state.ts";

/** Domains that are bounded at once. */
const ROWS = 16;
/** Steps on slopes and multipliers: for the whole region, and for each part of it. */
const [ROOT_STEPS, CHILD_STEPS] = [20, 6];
const [SLOPE_RATE, MULTIPLIER_RATE, DECAY] = [0.2, 0.05, 0.95];
/** Memory that open domains may take, in numbers. */
const MAX_NUMBERS = 2 ** 27;

/** A part of the region: signs of some ReLU inputs, 1 for ≥ 0 and −1 for ≤ 0, by ReLU and element. */
interface Domain {
  readonly row: SparseRow;
  readonly limit: number;
  readonly signs: readonly Int8Array[];
  readonly slopes: Float32Array[];
  readonly multipliers: Float32Array[];
  bound: number;
  /** The next split; null if no unstable ReLU is left. */
  split: { readonly relu: number; readonly element: number } | null;
}

/** A function A·y of the output that must be above a limit. */
export interface Goal {
  readonly row: SparseRow;
  readonly limit: number;
}

/** Whether all goals hold; otherwise how much the worst domain lacks, and how many domains were bounded. */
export interface BranchResult {
  readonly proven: boolean;
  readonly gap: number;
  readonly domains: number;
}

/** Proves goals about the output on a region by splitting it, until all parts are proven or `stop` says so. */
export async function branchAndBound(
  crown: Crown,
  state: RegionState,
  goals: readonly Goal[],
  stop: () => boolean,
): Promise<BranchResult> {
  const brancher = new Brancher(crown, state);
  return brancher.run(goals, stop);
}

class Brancher {
  readonly #crown: Crown;
  readonly #state: RegionState;
  readonly #relus: readonly Value[];

  constructor(crown: Crown, state: RegionState) {
    this.#crown = crown;
    this.#state = state;
    this.#relus = crown.below(crown.plan.output).filter(isRelu);
  }

  async run(goals: readonly Goal[], stop: () => boolean): Promise<BranchResult> {
    let open: Domain[] = goals.map((goal) => this.#root(goal));
    let domains = open.length;
    for (let at = 0; at < open.length; at += ROWS)
      await this.#bound(open.slice(at, at + ROWS), ROOT_STEPS, stop);
    open = open.filter(isOpen);
    const width = this.#relus.reduce((sum, { shape }) => sum + elementCount(shape), 0);
    while (open.length > 0) {
      open.sort((a, b) => b.bound - b.limit - (a.bound - a.limit));
      const parents = open.splice(-ROWS / 2);
      const isFull = (open.length + ROWS) * 3 * width > MAX_NUMBERS;
      if (stop() || isFull || parents.some(({ split }) => split === null))
        return { proven: false, gap: gapOf(open.concat(parents)), domains };
      const children = parents.flatMap((parent) => [
        this.#child(parent, 1),
        this.#child(parent, -1),
      ]);
      await this.#bound(children, CHILD_STEPS, stop);
      domains += children.length;
      open = open.concat(children.filter(isOpen));
    }
    return { proven: true, gap: 0, domains };
  }

  #root({ row, limit }: Goal): Domain {
    const sizes = this.#relus.map(({ shape }) => elementCount(shape));
    return {
      row,
      limit,
      signs: sizes.map((size) => new Int8Array(size)),
      slopes: this.#relus.map((node) =>
        Float32Array.from(this.#state.relaxation(node).lowerSlopes[0]),
      ),
      multipliers: sizes.map((size) => new Float32Array(size)),
      bound: Number.NEGATIVE_INFINITY,
      split: null,
    };
  }

  #child(parent: Domain, sign: 1 | -1): Domain {
    const { relu, element } = parent.split as NonNullable<Domain["split"]>;
    const signs = parent.signs.map((one, k) => (k === relu ? one.slice() : one));
    signs[relu][element] = sign;
    const { row, limit, slopes, multipliers, bound } = parent;
    // A bound of the whole holds for a part.
    return {
      row,
      limit,
      signs,
      slopes: slopes.slice(),
      multipliers: multipliers.slice(),
      bound,
      split: null,
    };
  }

  /** Bounds up to ROWS domains, improves their slopes and multipliers, and chooses their splits. */
  async #bound(domains: Domain[], steps: number, stop: () => boolean): Promise<void> {
    const crown = this.#crown;
    const { output } = crown.plan;
    const program = await crown.program(output, ROWS, "splits", this.#state.region);
    const { start, slack } = crown.startOf(
      this.#state,
      output,
      domains.map(({ row }) => row),
      ROWS,
    );
    const feeds = this.#feeds(program.inputs, domains);
    feeds[names.start] = this.#state.typed([ROWS, ...output.shape], start);
    const ascents = this.#ascents(domains, feeds);
    for (let step = 1; ; step++) {
      const outputs = await program.compiled.run(feeds);
      const bounds = soundBounds(
        outputs.bound.data as Float64Array,
        outputs.error.data as Float64Array,
        slack,
      );
      for (const [r, domain] of domains.entries()) domain.bound = Math.max(domain.bound, bounds[r]);
      const isDone = step > steps || stop() || !domains.some(isOpen);
      if (isDone) {
        this.#keep(domains, feeds, outputs);
        return;
      }
      for (const { name, ascent, rate } of ascents)
        ascent.step(outputs[names.gradient(name)].data as Float32Array, step, rate * DECAY ** step);
    }
  }

  /** The arrays of all nodes, repeated for every row; those of ReLUs as the domains' signs say. */
  #feeds(wanted: ReadonlySet<string>, domains: readonly Domain[]): Fed {
    const state = this.#state;
    const { plan, below } = {
      plan: this.#crown.plan,
      below: this.#crown.below(this.#crown.plan.output),
    };
    const feeds = state.feeds(wanted, below);
    for (const node of below.filter((one) => plan.isRelaxed(one))) {
      const [id, size] = [plan.id(node), elementCount(node.shape)];
      const k = this.#relus.indexOf(node);
      const { lowerSlopes, upperSlopes, lowerIntercept, upperIntercept } = state.relaxation(node);
      const shape = [ROWS, ...node.shape];
      /** The given numbers in each row, or `active` and 0 where a sign is known. */
      const lines = (ofRow: (r: number) => ArrayLike<number>, active: number): Float64Array => {
        const data = new Float64Array(ROWS * size);
        for (let r = 0; r < ROWS; r++) {
          data.set(ofRow(r), r * size);
          const signs = k < 0 ? undefined : domains[r]?.signs[k];
          if (signs === undefined) continue;
          for (let i = 0; i < size; i++)
            if (signs[i] !== 0) data[r * size + i] = signs[i] > 0 ? active : 0;
        }
        return data;
      };
      const double = (data: Float64Array) => ({ dtype: "float64" as const, shape, data });
      feeds[names.lowerIntercept(id)] = double(lines(() => lowerIntercept, 0));
      feeds[names.upperIntercept(id)] = double(lines(() => upperIntercept, 0));
      for (let j = 0; j < lowerSlopes.length; j++) {
        const slopesOf = (r: number) => domains[r]?.slopes[k] ?? lowerSlopes[j];
        feeds[names.lowerSlope(id, j)] = state.typed(
          shape,
          lines(k < 0 ? () => lowerSlopes[j] : slopesOf, 1),
        );
        feeds[names.upperSlope(id, j)] = state.typed(
          shape,
          lines(() => upperSlopes[j], 1),
        );
      }
      if (k < 0) continue;
      const multipliers = new Float64Array(ROWS * size);
      for (const [r, domain] of domains.entries()) multipliers.set(domain.multipliers[k], r * size);
      feeds[names.multiplier(id)] = state.typed(shape, multipliers);
    }
    return feeds;
  }

  #ascents(domains: readonly Domain[], feeds: Fed) {
    return this.#relus.flatMap((node, k) => {
      const id = this.#crown.plan.id(node);
      const size = elementCount(node.shape);
      const { lower, upper } = this.#state.interval(node.inputs[0]);
      const signAt = (i: number): number => {
        const element = i % size;
        const known = domains[Math.floor(i / size)]?.signs[k][element] ?? 0;
        if (known !== 0) return known;
        if (lower[element] >= 0) return 1;
        return upper[element] <= 0 ? -1 : 0;
      };
      const slope = (value: number, i: number): number => {
        const sign = signAt(i);
        if (sign !== 0) return sign > 0 ? 1 : 0;
        return Math.min(1, Math.max(0, value));
      };
      // For z ≥ 0 a bound of f(z) − βz with β ≥ 0 bounds f(z), and for z ≤ 0 one of f(z) + βz.
      const multiplier = (value: number, i: number): number => {
        const sign = domains[Math.floor(i / size)]?.signs[k][i % size] ?? 0;
        if (sign === 0) return 0;
        return sign > 0 ? Math.min(0, value) : Math.max(0, value);
      };
      const [slopes, multipliers] = [names.lowerSlope(id, 0), names.multiplier(id)];
      return [
        {
          name: slopes,
          rate: SLOPE_RATE,
          ascent: new Ascent(feeds[slopes].data as Float32Array, slope),
        },
        {
          name: multipliers,
          rate: MULTIPLIER_RATE,
          ascent: new Ascent(feeds[multipliers].data as Float32Array, multiplier),
        },
      ];
    });
  }

  /** Stores slopes, multipliers and the best split of each open domain. */
  #keep(domains: readonly Domain[], feeds: Fed, outputs: Fed): void {
    for (const [r, domain] of domains.entries()) {
      if (!isOpen(domain)) continue;
      let best = 0;
      for (const [k, node] of this.#relus.entries()) {
        const id = this.#crown.plan.id(node);
        const size = elementCount(node.shape);
        const part = (name: string) =>
          Float32Array.from((feeds[name].data as Float32Array).subarray(r * size, (r + 1) * size));
        domain.slopes[k] = part(names.lowerSlope(id, 0));
        domain.multipliers[k] = part(names.multiplier(id));
        const positive = outputs[names.gradient(names.lowerIntercept(id))].data as Float64Array;
        const negative = outputs[names.gradient(names.upperIntercept(id))].data as Float64Array;
        const { lower, upper } = this.#state.interval(node.inputs[0]);
        for (let i = 0; i < size; i++) {
          const [l, u] = [lower[i], upper[i]];
          if (domain.signs[k][i] !== 0 || l >= 0 || u <= 0) continue;
          const slope = domain.slopes[k][i];
          const below = Math.abs(positive[r * size + i]) * Math.max(-slope * l, (1 - slope) * u);
          const above = (Math.abs(negative[r * size + i]) * (-l * u)) / (u - l);
          const score = above + below / 2 + Number.MIN_VALUE;
          if (!(score > best)) continue;
          best = score;
          domain.split = { relu: k, element: i };
        }
      }
    }
  }
}

const isOpen = ({ bound, limit }: Domain): boolean => !(bound > limit);

const gapOf = (domains: readonly Domain[]): number =>
  Math.min(...domains.map(({ bound, limit }) => bound - limit));
