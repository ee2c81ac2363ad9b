import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Numbers } from "../src/cli/bench-work.ts";
import type { WorkName } from "../src/cli/bench-works.ts";
import { type Spread, spread } from "../src/cli/measure.ts";
import { readSafetensors } from "../src/train/safetensors.ts";
import { type Agreement, agreementOf, disagreements } from "./agreement.ts";
import { type Peer, startOurs, startTorch } from "./peer.ts";

const layouts = ["nchw", "channels-last"] as const;
export type Layout = (typeof layouts)[number];

/** Seconds of quiet before each turn: threads of OpenMP and OpenBLAS spin for a while after their work. */
const QUIET = 0.1;

/** Seconds of a turn at least: its time is the median of its steps, as they follow each other in a loop. */
const TURN = 0.5;

/** One side's times in seconds, and its process's highest resident memory in bytes. */
export interface Side {
  readonly seconds: Spread;
  readonly memory: number;
}

/** Both sides on the same work. */
export interface Comparison {
  readonly ours: Side;
  /** PyTorch in the layout whose median is the lower one, and in the other. */
  readonly pytorch: (Side & { readonly layout: Layout; readonly other: Side }) | null;
  readonly agreement: Agreement | null;
  /** What the sides disagree on; there is no ratio then. */
  readonly disagreements: readonly string[];
  /** Our time over PyTorch's, round by round; below 1 we are faster. */
  readonly ratio: Spread | null;
  /** Our peak memory over PyTorch's. */
  readonly memoryRatio: number | null;
}

/** What both sides are to do. */
export interface Job {
  readonly work: WorkName;
  /** The task, as `writeTask` wrote it. */
  readonly file: string;
  readonly details: object;
}

/** How it is measured. */
export interface Setting {
  /** A Python with PyTorch; null for our side alone. */
  readonly python: string | null;
  readonly threads: number;
  readonly rounds: number;
  /** Where arrays are exchanged. */
  readonly folder: string;
  progress(round: number): void;
}

/** A process with the work open, and the seconds of a step in each turn that it had. */
interface Player {
  readonly peer: Peer;
  readonly seconds: number[];
}

const turn = async ({ peer, seconds }: Player) => {
  await sleep(1000 * QUIET);
  seconds.push(spread(await steps(peer)).median);
};

const steps = async (peer: Peer) =>
  (await peer.ask<{ seconds: number[] }>("steps", { least: TURN })).seconds;

const sideOf = async ({ peer, seconds }: Player): Promise<Side> => ({
  seconds: spread(seconds),
  memory: (await peer.ask<{ bytes: number }>("memory")).bytes,
});

/** The numbers and arrays of a check. */
async function checked(peer: Peer, folder: string): Promise<Numbers> {
  const arrays = join(folder, "arrays.safetensors");
  const numbers = await peer.ask<Numbers>("check", { arrays });
  return { ...numbers, arrays: (await readSafetensors(await readFile(arrays))).tensors };
}

/**
 * Measures one kind of work on both sides in turns, so that whatever else the machine does meets all of them: each
 * round runs us and both of PyTorch's layouts, each in a process of its own, and every other round in reverse order.
 * One turn each comes before and does not count; a comparison of the numbers comes last, when memory has been read.
 */
export async function compare(job: Job, setting: Setting): Promise<Comparison> {
  const { python, threads, rounds, folder, progress } = setting;
  const peers: Peer[] = [];
  const player = async (peer: Peer, request: object = {}): Promise<Player> => {
    peers.push(peer);
    await peer.ask("open", { ...job, ...request });
    return { peer, seconds: [] };
  };
  const torch = (layout: Layout, dtype: string) =>
    player(startTorch(python ?? "", threads), { layout, dtype });
  try {
    const ours = await player(startOurs(threads));
    const theirs = [];
    for (const layout of python === null ? [] : layouts)
      theirs.push({ layout, ...(await torch(layout, "float32")) });
    const turns = [ours, ...theirs];
    for (const one of turns) await steps(one.peer);
    for (let round = 1; round <= rounds; round++) {
      for (const one of round % 2 === 0 ? turns.toReversed() : turns) await turn(one);
      progress(round);
    }
    const side = await sideOf(ours);
    const alone = { ...{ ours: side, pytorch: null, agreement: null, disagreements: [] } };
    if (theirs.length === 0) return { ...alone, ratio: null, memoryRatio: null };

    const measured = [];
    for (const one of theirs) measured.push({ ...one, side: await sideOf(one) });
    const [best, other] = measured.sort((a, b) => a.side.seconds.median - b.side.seconds.median);

    const numbers = await checked(ours.peer, folder);
    let exactly: Promise<Numbers> | null = null;
    const exact = async () => {
      exactly ??= torch("nchw", "float64").then(({ peer }) => checked(peer, folder));
      return exactly;
    };
    const theirNumbers = [];
    for (const { peer } of [best, other]) theirNumbers.push(await checked(peer, folder));
    const agreements = [];
    for (const one of theirNumbers)
      agreements.push(await agreementOf(numbers, one, { exact, theirs: theirNumbers }));
    const wrong = [...new Set(agreements.flatMap(disagreements))];
    const agree = wrong.length === 0;
    return {
      ...{ ours: side, pytorch: { ...best.side, layout: best.layout, other: other.side } },
      ...{ agreement: agreements[0], disagreements: wrong },
      ratio: agree ? spread(ours.seconds.map((own, i) => own / best.seconds[i])) : null,
      memoryRatio: agree ? side.memory / best.side.memory : null,
    };
  } finally {
    await Promise.all(peers.map((peer) => peer.close()));
  }
}
