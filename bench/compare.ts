import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Task, Work } from "../src/cli/bench-work.ts";
import { peakMemory, resetPeakMemory, type Spread, spread, timed } from "../src/cli/measure.ts";
import type { Runtime } from "../src/runtime/runtime.ts";
import { readSafetensors } from "../src/train/safetensors.ts";
import { relativeError } from "./agreement.ts";
import type { Peer } from "./peer.ts";

const layouts = ["nchw", "channels-last"] as const;
type Layout = (typeof layouts)[number];

/** One side's times in seconds, and its process's highest resident memory in bytes. */
interface Side {
  readonly seconds: Spread;
  readonly memory: number;
}

/** Both sides on the same work. */
export interface Comparison {
  readonly ours: Side;
  /** PyTorch in the layout whose median is the lower one. */
  readonly pytorch: (Side & { readonly layout: Layout; readonly otherSeconds: Spread }) | null;
  /** Our time over PyTorch's, pair by pair; below 1 we are faster. */
  readonly ratio: Spread | null;
  /** After the first step: relative differences of the loss and of the gradient (training: of SGD's velocity). */
  readonly agreement: { readonly loss: number; readonly gradient: number } | null;
}

/**
 * Measures one kind of work on both sides in turns, so that whatever else the machine does meets all of
 * them: each round runs us and both of PyTorch's layouts, and every other round in reverse order. One step
 * each comes before, for the numbers and not for the times.
 */
export async function compare(
  [name, work]: readonly [string, Work],
  task: Task,
  {
    runtime,
    peer,
    repeats,
    folder,
    progress,
  }: {
    readonly runtime: Runtime;
    readonly peer: Peer | null;
    readonly repeats: number;
    /** Where arrays are exchanged. */
    readonly folder: string;
    progress(rounds: number): void;
  },
): Promise<Comparison> {
  const times = { ours: [] as number[], nchw: [] as number[], "channels-last": [] as number[] };
  resetPeakMemory();
  const open = await work.open(runtime, task);
  const first = await open.step();
  const agreement = peer === null ? null : await openPeer(peer, name, folder, first);
  const turns = [
    async () => times.ours.push((await timed(open.step)).seconds),
    ...(peer === null ? [] : layouts).map((layout) => async () => {
      const answer = await peer?.ask<{ seconds: number }>("step", { layout });
      if (answer !== undefined) times[layout].push(answer.seconds);
    }),
  ];
  for (let round = 1; round <= repeats; round++) {
    for (const turn of round % 2 === 0 ? turns.toReversed() : turns) await turn();
    progress(round);
  }
  const ours = { seconds: spread(times.ours), memory: peakMemory() };
  await open.release();
  if (peer === null) return { ours, pytorch: null, ratio: null, agreement };

  const { bytes } = await peer.ask<{ bytes: number }>("memory");
  await peer.ask("close");
  const [best, other] = [...layouts].sort(
    (a, b) => spread(times[a]).median - spread(times[b]).median,
  );
  return {
    ours,
    pytorch: {
      ...{ layout: best, seconds: spread(times[best]), memory: bytes },
      otherSeconds: spread(times[other]),
    },
    ratio: spread(times.ours.map((seconds, i) => seconds / times[best][i])),
    agreement,
  };
}

/** Opens the work in both layouts, warms them up, and compares what they give with what we gave. */
async function openPeer(
  peer: Peer,
  work: string,
  folder: string,
  ours: Awaited<ReturnType<Awaited<ReturnType<Work["open"]>>["step"]>>,
) {
  await peer.ask("reset");
  const errors = { loss: 0, gradient: 0 };
  for (const layout of layouts) {
    await peer.ask("open", { work, layout });
    const { loss } = await peer.ask<{ loss: number }>("step", { layout });
    const file = join(folder, `${layout}.safetensors`);
    await peer.ask("arrays", { layout, file });
    const { tensors } = await readSafetensors(await readFile(file));
    errors.loss = Math.max(errors.loss, Math.abs(ours.loss - loss) / Math.abs(loss));
    errors.gradient = Math.max(errors.gradient, relativeError(ours.arrays, tensors));
  }
  return errors;
}
