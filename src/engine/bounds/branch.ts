// Branch and bound over the signs of unstable ReLUs, with multipliers for the splits (Wang et al. 2021, β-CROWN,
// arXiv:2103.06624). A split neuron's relaxation is exact, and its sign may be used anywhere in the walk. Splits are chosen
// by bounding both halves for a few promising neurons (De Palma et al. 2021, arXiv:2104.06718).

import { BranchProgram } from "./branch-program.ts";
import type { Crown, SparseRow } from "./crown.ts";
import { type Domain, halfOf, isOpen } from "./domain.ts";
import { GoalBounds, neuronsPerLayer } from "./goal-bounds.ts";
import { improved } from "./improved.ts";
import { candidatesOf } from "./split-candidates.ts";
import type { RegionState } from "./state.ts";

/** Steps on slopes and multipliers: for the whole region, and for each part of it. */
export const [ROOT_STEPS, CHILD_STEPS] = [20, 2];
/** Neurons whose halves are bounded before one of them is split. */
const CANDIDATES = 4;
/** How often the steps of a domain without unstable neurons start again: its multipliers alone decide it. */
export const RESTARTS = 30;
/** The most goals that hidden neurons are bounded for before the first split: with more, there would be no time for splits. */
const MAX_TIGHTENED = 16;
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
}

/** The program that bounds parts of a region, and the whole region as the first part for each goal. */
export function rootsOf(crown: Crown, state: RegionState, goals: readonly Goal[]) {
  const rows = goals.map(({ row }) => row);
  const program = new BranchProgram(crown, state, rows);
  const roots = goals.map(({ limit }, goal) => program.root(goal, limit));
  return { program, roots };
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
): Promise<BranchResult> {
  const { program, roots } = rootsOf(crown, state, goals);
  return new Search(program, roots, stop).run();
}

class Search {
  readonly #program: BranchProgram;
  readonly #bounds: GoalBounds;
  readonly #stop: () => boolean;
  /** Not proven and not improved yet. */
  #fresh: Domain[];
  /** Improved and still not proven: to be split. */
  #open: Domain[] = [];
  /** Not proven with all signs known, or given up. */
  readonly #failed: Domain[] = [];
  readonly #goals: number;
  #domains: number;
  /** The share of halves that were not proven at once when they were last bounded. */
  #openShare = 1;

  constructor(program: BranchProgram, roots: readonly Domain[], stop: () => boolean) {
    this.#program = program;
    this.#bounds = new GoalBounds(program);
    this.#stop = stop;
    this.#fresh = roots.slice();
    this.#goals = roots.length;
    this.#domains = roots.length;
  }

  async run(): Promise<BranchResult> {
    // Without unstable neurons there are no slopes to move.
    await this.#improve(this.#program.unstable === 0 ? 0 : ROOT_STEPS);
    if (this.#program.unstable > 0) await this.#tightenRoots();
    while (this.#open.length > 0 && this.#failed.length === 0 && !this.#stop()) {
      await this.#halve(this.#next());
      await this.#improve(CHILD_STEPS);
    }
    const gaps = new Array<number>(this.#goals).fill(Number.POSITIVE_INFINITY);
    for (const { goal, bound, limit } of [...this.#fresh, ...this.#open, ...this.#failed])
      gaps[goal] = Math.min(gaps[goal], bound - limit);
    const gap = Math.min(...gaps);
    const proven = gap === Number.POSITIVE_INFINITY;
    return { proven, gap: proven ? 0 : gap, gaps, domains: this.#domains };
  }

  /** The domains to split next: the worst, or the nearest to a proof if many are open. */
  #next(): Domain[] {
    const isFull = this.#program.memoryOf(this.#open) > MAX_NUMBERS / 2;
    this.#open.sort((a, b) => a.bound - a.limit - (b.bound - b.limit));
    // As many as leave one batch of open halves.
    const count = Math.ceil(this.#program.maxRows / (2 * Math.max(0.25, this.#openShare)));
    return isFull ? this.#open.splice(-count) : this.#open.splice(0, count);
  }

  /** Bounds hidden neurons where goals fail, those first that lack least. */
  async #tightenRoots(): Promise<void> {
    const roots = this.#open.sort((a, b) => b.bound - b.limit - (a.bound - a.limit));
    const open = roots.slice(MAX_TIGHTENED);
    const perLayer = neuronsPerLayer(roots.length);
    for (const root of roots.slice(0, MAX_TIGHTENED)) {
      const tightened = await this.#bounds.ofRegion(root, perLayer, this.#stop);
      if (tightened !== null) open.push(tightened);
    }
    this.#open = open;
  }

  /** Improves the fresh domains. */
  async #improve(steps: number): Promise<void> {
    const { left, isStopped } = await improved(this.#program, this.#fresh, steps, this.#stop);
    this.#fresh = [];
    const into = isStopped ? this.#failed : this.#open;
    const tightened = isStopped ? left : await this.#bounds.ofParts(left, this.#stop);
    // There may be too many for the arguments of one call.
    for (const one of tightened) into.push(one);
  }

  #retry(leaf: Domain): void {
    if (leaf.restarts === RESTARTS || leaf.splits.length === 0) {
      this.#failed.push(leaf);
      return;
    }
    leaf.restarts++;
    leaf.steps = 0;
    this.#fresh.push(leaf);
  }

  /** Replaces domains by the halves of their best split that are not proven at once. */
  async #halve(parents: readonly Domain[]): Promise<void> {
    const splits = await bestSplits(this.#program, parents, CANDIDATES, this.#stop);
    let made = 0;
    let left = 0;
    for (const [i, split] of splits.entries()) {
      if (split === null) {
        this.#retry(parents[i]);
        continue;
      }
      const halves = split.halves.filter(isOpen);
      made += 2;
      left += halves.length;
      this.#fresh.push(...halves);
    }
    this.#domains += made;
    if (made > 0) this.#openShare = left / made;
  }
}

/** The best split of each domain that was improved, among a few candidates; null for a domain without unstable neurons. */
export async function bestSplits(
  program: BranchProgram,
  parents: readonly Domain[],
  candidates: number,
  stop: () => boolean,
): Promise<(Trial | null)[]> {
  const trials = parents.map((parent) =>
    candidatesOf(program, parent, candidates).map(
      (neuron): Trial => ({
        parent,
        neuron,
        halves: [halfOf(parent, { neuron, sign: 1 }), halfOf(parent, { neuron, sign: -1 })],
      }),
    ),
  );
  const halves = trials.flat().flatMap((trial) => trial.halves);
  const { maxRows } = program;
  // Halves that are not bounded have the bound of their whole.
  for (let at = 0; at < halves.length && !stop(); at += maxRows)
    await program.bound(halves.slice(at, at + maxRows));
  return trials.map((own) =>
    own.length === 0 ? null : own.reduce((a, b) => (gainOf(b) > gainOf(a) ? b : a)),
  );
}

/** A split that may be made. */
export interface Trial {
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
