// Branch and bound that bounds the hidden layers again after each split. A split of an early neuron tightens all layers
// behind it, which decides deep networks; `branchAndBound` keeps the bounds of the whole region and is far cheaper per part.

import { bestSplits, type Goal, RESTARTS, ROOT_STEPS, rootsOf } from "./branch.ts";
import type { BranchProgram } from "./branch-program.ts";
import type { Crown } from "./crown.ts";
import { type Domain, halfOf, isOpen, linesOfPart, onPart } from "./domain.ts";
import { boundsOfHalf } from "./half-bounds.ts";
import { improved } from "./improved.ts";
import type { RegionState } from "./state.ts";

/** Parts that are split at once. Most have one open goal, so this fills the rows of a walk. */
const PARTS = 64;
/** Neurons whose halves are bounded before one of them is split. */
const CANDIDATES = 8;
/** Steps on the slopes and multipliers of each part, with the bounds of its parent and with its own. */
const [EARLY_STEPS, STEPS] = [2, 4];

/** A part of the region: its intervals, and a domain for each goal that is open on it. */
interface Part {
  readonly state: RegionState;
  readonly domains: readonly Domain[];
}

/**
 * Proves goals about the output on a region. True if all hold; false if `stop` ended the search, or no neuron is left to
 * be split.
 */
export async function refinedBranching(
  crown: Crown,
  root: RegionState,
  goals: readonly Goal[],
  stop: () => boolean,
): Promise<boolean> {
  const { program, roots: domains } = rootsOf(crown, root, goals);
  const steps = program.unstable === 0 ? 0 : ROOT_STEPS;
  let open = await stillOpen(program, [{ state: root, domains }], steps, stop);
  while (open.length > 0) {
    if (stop()) return false;
    const halves = await halved(program, open.splice(-PARTS), stop);
    if (halves === null) return false;
    const hard = await stillOpen(program, halves, EARLY_STEPS, stop);
    const parts: Part[] = [];
    for (const half of hard) {
      const part = await boundedAgain(program, half, stop);
      if (stop()) return false;
      if (part !== null) parts.push(part);
    }
    open = open.concat(await stillOpen(program, parts, STEPS, stop));
  }
  return true;
}

/** The parts that are not proven after some steps, with the domains that are open on them. */
async function stillOpen(
  program: BranchProgram,
  parts: readonly Part[],
  steps: number,
  stop: () => boolean,
): Promise<Part[]> {
  await improved(
    program,
    parts.flatMap(({ domains }) => domains),
    steps,
    stop,
    "last",
  );
  return parts
    .map(({ state, domains }): Part => ({ state, domains: domains.filter(isOpen) }))
    .filter(({ domains }) => domains.length > 0);
}

/** The halves of parts, each split where its worst domain gains most, with the bounds of the part; null if one cannot be. */
async function halved(
  program: BranchProgram,
  parts: readonly Part[],
  stop: () => boolean,
): Promise<Part[] | null> {
  const missing = ({ bound, limit }: Domain) => limit - bound;
  const worst = parts.map(({ domains }) =>
    domains.reduce((a, b) => (missing(b) > missing(a) ? b : a)),
  );
  const splits = await bestSplits(program, worst, CANDIDATES, stop);
  const halves: Part[] = [];
  for (const [i, split] of splits.entries()) {
    if (split === null) {
      if (await isSettled(program, parts[i], stop)) continue;
      return null;
    }
    const { state, domains } = parts[i];
    for (const sign of [1, -1] as const)
      halves.push({
        state,
        domains: domains.map((domain) => halfOf(domain, { neuron: split.neuron, sign })),
      });
  }
  return halves;
}

/** A half with new bounds behind the neuron that it was split at; null if it is empty. */
async function boundedAgain(
  program: BranchProgram,
  { state: whole, domains }: Part,
  stop: () => boolean,
): Promise<Part | null> {
  const { splits } = domains[0];
  const { neuron, sign } = splits[splits.length - 1];
  const { relu, element } = program.neuron(neuron);
  const state = await boundsOfHalf(program.crown, whole, { relu, element, sign }, stop);
  if (state.isEmpty) return null;
  const lines = linesOfPart(state, program.layers);
  return { state, domains: domains.map((domain) => onPart(domain, lines)) };
}

/** Whether the domains of a part without unstable neurons are proven: its multipliers alone decide them. */
async function isSettled(
  program: BranchProgram,
  { domains }: Part,
  stop: () => boolean,
): Promise<boolean> {
  let left = domains;
  if (domains[0].splits.length === 0) return false;
  for (let restart = 0; restart < RESTARTS && left.length > 0 && !stop(); restart++) {
    for (const one of left) one.steps = 0;
    left = (await improved(program, left, STEPS, stop, "last")).left;
  }
  return left.length === 0;
}
