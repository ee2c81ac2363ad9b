import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Spread, spread } from "../src/bench/measure.ts";
import type { Numbers } from "../src/bench/work.ts";
import type { WorkName } from "../src/bench/works.ts";
import { readSafetensors } from "../src/models/opening/safetensors.ts";
import { type Agreement, agreementOf, disagreements } from "./agreement.ts";
import { type Peer, startOurs, startTorch } from "./peer.ts";

const layouts = ["nchw", "channels-last"] as const;

/** How PyTorch lays out pixels in memory, and whether freed memory stays with its process. */
export interface Manner {
  readonly layout: (typeof layouts)[number];
  /** False: as it is installed. */
  readonly keepMemory: boolean;
}

const manners: readonly Manner[] = [false, true].flatMap((keepMemory) =>
  layouts.map((layout) => ({ layout, keepMemory })),
);

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
  /** PyTorch in each manner, the one of the lowest median first. */
  readonly pytorch: readonly (Side & Manner)[];
  readonly agreement: Agreement | null;
  /** What the sides disagree on; there is no ratio then. */
  readonly disagreements: readonly string[];
  /** Our time over that of PyTorch's best manner, round by round; below 1 we are faster. */
  readonly ratio: Spread | null;
  /** The same over PyTorch's better layout as it is installed. */
  readonly installedRatio: Spread | null;
  /** Our peak memory over that of PyTorch's best manner. */
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
 * round runs us and each of PyTorch's manners, all in processes of their own, and every other round in reverse order.
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
  const torch = (manner: Manner, dtype: string) =>
    player(startTorch(python ?? "", threads, manner), { layout: manner.layout, dtype });
  try {
    const ours = await player(startOurs(threads));
    const theirs = [];
    for (const manner of python === null ? [] : manners)
      theirs.push({ manner, ...(await torch(manner, "float32")) });
    const turns = [ours, ...theirs];
    for (const one of turns) await steps(one.peer);
    for (let round = 1; round <= rounds; round++) {
      for (const one of round % 2 === 0 ? turns.toReversed() : turns) await turn(one);
      progress(round);
    }
    const side = await sideOf(ours);
    const none = { ratio: null, installedRatio: null, memoryRatio: null };
    if (theirs.length === 0)
      return { ours: side, pytorch: [], agreement: null, disagreements: [], ...none };

    const measured = [];
    for (const one of theirs) measured.push({ ...one, side: await sideOf(one) });
    measured.sort((a, b) => a.side.seconds.median - b.side.seconds.median);
    const [best] = measured;
    const installed = measured.find(({ manner }) => !manner.keepMemory) ?? best;

    const numbers = await checked(ours.peer, folder);
    let exactly: Promise<Numbers> | null = null;
    const exact = async () => {
      exactly ??= torch({ layout: "nchw", keepMemory: false }, "float64").then(({ peer }) =>
        checked(peer, folder),
      );
      return exactly;
    };
    const theirNumbers = [];
    for (const { peer, manner } of measured)
      if (manner.keepMemory === best.manner.keepMemory)
        theirNumbers.push(await checked(peer, folder));
    const agreements = [];
    for (const one of theirNumbers)
      agreements.push(await agreementOf(numbers, one, { exact, theirs: theirNumbers }));
    const wrong = [...new Set(agreements.flatMap(disagreements))];
    const shared = {
      ours: side,
      agreement: agreements[0],
      disagreements: wrong,
      pytorch: measured.map((one) => ({ ...one.side, ...one.manner })),
    };
    if (wrong.length > 0) return { ...shared, ...none };
    const ratioTo = (one: Player) => spread(ours.seconds.map((own, i) => own / one.seconds[i]));
    return {
      ...shared,
      ratio: ratioTo(best),
      installedRatio: ratioTo(installed),
      memoryRatio: side.memory / best.side.memory,
    };
  } finally {
    await Promise.all(peers.map((peer) => peer.close()));
  }
}
