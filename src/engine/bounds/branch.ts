// Branch and bound over the signs of unstable ReLUs, with multipliers for the splits (Wang et al. 2021, β-CROWN,
// arXiv:2103.06624). A split neuron's relaxation is exact, and its sign may be used anywhere in the walk. Splits are chosen
// by bounding both halves for a few promising neurons (De Palma et al. 2021, arXiv:2104.06718).

import { BranchProgram, type Domain, type Neuron, type SignedNeuron } from "./branch-program.ts";
import type { Crown, SparseRow } from "./crown.ts";
import { candidatesOf } from "./split-candidates.ts";
import type { RegionState } from "./state.ts";

/** Domains that are improved at once. */
const ROWS = 64;
/** Steps on slopes and multipliers: for the whole region, and for each part of it. */
const [ROOT_STEPS, CHILD_STEPS] = [20, 6];
/** Neurons whose halves are bounded before one of them is split. */
const CANDIDATES = 4;
/** How often the steps of a domain without unstable neurons start again: its multipliers alone decide it. */
const RESTARTS = 30;
/** Memory that open domains may take, in numbers. */
const MAX_NUMBERS = 2 ** 27;

/** A function A·y of the output that must be above a limit. */
export interface Goal {
  readonly row: SparseRow;
  readonly limit: number;
}

/** Whether all goals hold; otherwise how much the worst domain lacks, and how many domains were bounded. */
export interface BranchResult {
  readonly proven: boolean;
  readonly gap: number;
  /** The least bound − limit of each goal; +∞ for one that holds. */
  readonly gaps: readonly number[];
  readonly domains: number;
  /** The neuron that the worst goal's region was split at first; null if it was not split. */
  readonly split: Neuron | null;
}

/** How a search is told to end, beside `stop`. */
export interface BranchOptions {
  /** Ends the search once the first split is known. */
  readonly isEnough?: (() => boolean) | undefined;
  /** The signs that `state` was computed with, if it is about a part of its region. */
  readonly signs?: readonly SignedNeuron[] | undefined;
}

/**
 * Proves goals about the output on a region by splitting it, until all parts are proven or `stop` says so, which is asked
 * before each step.
 */
export async function branchAndBound(
  crown: Crown,
  state: RegionState,
  goals: readonly Goal[],
  stop: () => boolean,
  { isEnough = () => false, signs = [] }: BranchOptions = {},
): Promise<BranchResult> {
  const rows = goals.map(({ row }) => row);
  const program = new BranchProgram(crown, state, rows, signs);
  return new Search(program, goals, stop, isEnough).run();
}

class Search {
  readonly #program: BranchProgram;
  readonly #goals: readonly Goal[];
  readonly #stop: () => boolean;
  readonly #isEnough: () => boolean;
  /** Not proven and not improved yet. */
  #fresh: Domain[];
  /** Improved and still not proven: to be split. */
  #open: Domain[] = [];
  /** Not proven with all signs known, or given up. */
  readonly #failed: Domain[] = [];
  #domains: number;
  #split: Neuron | null = null;

  constructor(
    program: BranchProgram,
    goals: readonly Goal[],
    stop: () => boolean,
    isEnough: () => boolean,
  ) {
    this.#program = program;
    this.#goals = goals;
    this.#stop = stop;
    this.#isEnough = isEnough;
    this.#fresh = goals.map(({ limit }, goal) => program.root(goal, limit));
    this.#domains = goals.length;
  }

  async run(): Promise<BranchResult> {
    await this.#improve(ROOT_STEPS);
    while (this.#open.length > 0 && this.#failed.length === 0) {
      if (this.#isOver()) break;
      await this.#halve(this.#next());
      await this.#improve(CHILD_STEPS);
    }
    const left = [...this.#fresh, ...this.#open, ...this.#failed];
    const gaps = this.#goals.map(() => Number.POSITIVE_INFINITY);
    for (const { goal, bound, limit } of left) gaps[goal] = Math.min(gaps[goal], bound - limit);
    const proven = left.length === 0;
    const gap = proven ? 0 : Math.min(...gaps);
    return { proven, gap, gaps, domains: this.#domains, split: this.#split };
  }

  /** Whether to end. Patience ends after the first split, which tells what to split. */
  #isOver = (): boolean => this.#stop() || (this.#split !== null && this.#isEnough());

  /** The domains to split next: the worst, or the nearest to a proof if many are open. */
  #next(): Domain[] {
    const isFull = this.#open.length * this.#program.numbersPerDomain > MAX_NUMBERS / 2;
    this.#open.sort((a, b) => a.bound - a.limit - (b.bound - b.limit));
    return isFull ? this.#open.splice(-ROWS / 2) : this.#open.splice(0, ROWS / 2);
  }

  /** Improves the fresh domains. Whenever one is proven or done, the next takes its row. */
  async #improve(steps: number): Promise<void> {
    let active: Domain[] = [];
    while (active.length > 0 || this.#fresh.length > 0) {
      active = active.concat(this.#fresh.splice(0, ROWS - active.length));
      if (this.#isOver()) {
        for (const one of active) this.#failed.push(one);
        return;
      }
      await this.#program.improve(active);
      for (const one of active.filter((each) => isOpen(each) && each.steps > steps)) {
        one.moments = null;
        this.#open.push(one);
      }
      active = active.filter((one) => isOpen(one) && one.steps <= steps);
    }
  }

  #retry(leaf: Domain): void {
    if (leaf.restarts === RESTARTS) {
      this.#failed.push(leaf);
      return;
    }
    leaf.restarts++;
    leaf.steps = 0;
    this.#fresh.push(leaf);
  }

  /** Replaces domains by the halves of their best split that are not proven at once. */
  async #halve(parents: readonly Domain[]): Promise<void> {
    const trials: Trial[] = [];
    for (const parent of parents) {
      const candidates = candidatesOf(this.#program, parent, CANDIDATES);
      if (candidates.length === 0) this.#retry(parent);
      for (const neuron of candidates)
        trials.push({
          parent,
          neuron,
          halves: [this.#program.half(parent, neuron, 1), this.#program.half(parent, neuron, -1)],
        });
    }
    const halves = trials.flatMap((trial) => trial.halves);
    // Halves that are not bounded have the bound of their whole.
    for (let at = 0; at < halves.length && !this.#stop(); at += ROWS)
      await this.#program.bound(halves.slice(at, at + ROWS));
    for (const parent of parents) {
      const own = trials.filter((trial) => trial.parent === parent);
      if (own.length === 0) continue;
      const best = own.reduce((a, b) => (gainOf(b) > gainOf(a) ? b : a));
      // Parents come with the worst first.
      this.#split ??= this.#program.neuron(best.neuron);
      this.#domains += 2;
      this.#fresh.push(...best.halves.filter(isOpen));
    }
  }
}

/** A split that may be made. */
interface Trial {
  readonly parent: Domain;
  readonly neuron: number;
  readonly halves: readonly Domain[];
}

/** How much a split gains: the product of what each half gains towards its limit. */
function gainOf({ parent, halves }: Trial): number {
  const missing = parent.limit - parent.bound;
  return halves.reduce((product, { bound }) => {
    const gain = Math.min(bound - parent.bound, missing);
    return product * Math.max(gain, 1e-6 * missing);
  }, 1);
}

const isOpen = ({ bound, limit }: Domain): boolean => !(bound > limit);
