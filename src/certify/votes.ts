import type { Victim } from "../attacks/victim.ts";
import type { OnNote } from "../math/note.ts";
import { fold, foldAll, type Key } from "../math/random.ts";
import { UsageError } from "../math/usage-error.ts";
import type { NoisyImages } from "./noisy-images.ts";

/** Classifies noisy images: [batch, ...pixels] → logits [batch, classes]. */
export type BaseClassifier = Pick<Victim, "logits">;

/** A draw that counts for no class, because its logits tie or are NaN. */
export const NO_VOTE = -1;

/** A draw whose batch failed. It counts against the statement that the draws should prove. */
export const LOST_DRAW = -2;

/** Whether a draw is a vote for a class. */
export const isVote = (vote: number): boolean => vote >= 0;

/** The class with the largest logit; `NO_VOTE` on a tie or for NaN. */
export function voteOf(logits: ArrayLike<number>): number {
  let best = 0;
  let tied = false;
  for (let i = 0; i < logits.length; i++) {
    if (Number.isNaN(logits[i])) return NO_VOTE;
    if (i === 0) continue;
    if (logits[i] > logits[best]) {
      best = i;
      tied = false;
    } else if (logits[i] === logits[best]) tied = true;
  }
  return tied ? NO_VOTE : best;
}

/** Draws for one image. */
export interface Poll {
  readonly image: Float32Array;
  readonly noisy: NoisyImages;
  /** Draw i uses the key fold(key, i). */
  readonly key: Key;
  readonly draws: number;
  /** Every call of the network has this many images; the last call is filled with further draws that do not count. */
  readonly batch: number;
  readonly classes: number;
  readonly signal?: AbortSignal | undefined;
  readonly note?: OnNote | undefined;
}

/** Yields the votes of each batch, in order; `LOST_DRAW` for the draws of a batch whose run fails. */
export async function* votes(
  network: BaseClassifier,
  { image, noisy, key, draws, batch, classes, signal, note }: Poll,
): AsyncGenerator<readonly number[], void, void> {
  for (let from = 0; from < draws; from += batch) {
    signal?.throwIfAborted();
    const keys = Array.from({ length: batch }, (_, i) => fold(key, from + i));
    const count = Math.min(batch, draws - from);
    const x = noisy.draw(image, foldAll(keys, 0), from);
    try {
      const { data } = await network.logits(x, foldAll(keys, 1));
      yield Array.from({ length: count }, (_, i) =>
        voteOf(data.subarray(i * classes, (i + 1) * classes)),
      );
    } catch (error) {
      if (error instanceof UsageError || signal?.aborted) throw error;
      note?.({
        code: "lost-batch",
        text: `a batch of ${count} draws failed and counts against the statement that they should prove: ${String(error)}`,
      });
      yield Array.from({ length: count }, () => LOST_DRAW);
    }
  }
}

/** Votes per class [classes], and the number of draws whose batch was lost. Other draws may count for no class. */
export async function tally(
  network: BaseClassifier,
  poll: Poll,
): Promise<{ readonly counts: number[]; readonly lost: number }> {
  const counts = Array.from({ length: poll.classes }, () => 0);
  let lost = 0;
  for await (const part of votes(network, poll))
    for (const vote of part)
      if (isVote(vote)) counts[vote]++;
      else if (vote === LOST_DRAW) lost++;
  return { counts, lost };
}

/** Votes per class [classes]; their sum is below the number of draws if some count for no class. */
export const count = async (network: BaseClassifier, poll: Poll): Promise<number[]> =>
  (await tally(network, poll)).counts;
