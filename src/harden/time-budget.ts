// How many epochs fit into the minutes that a run is given.
import type { TrainEvent } from "../train/events.ts";

/** Steps that are run before the clock starts, and steps that are timed. */
const [UNTIMED, TIMED] = [2, 3];

/** The share of the time that is left for validation, checkpoints and the end of each epoch. */
const RESERVE = 0.1;

/** The seconds of one step of a run, which ends after a few of them. */
export async function secondsPerStep(
  events: AsyncIterable<TrainEvent>,
  now: () => number = () => performance.now() / 1000,
): Promise<number> {
  let done = 0;
  let started = now();
  for await (const { event } of events) {
    if (event !== "step") continue;
    done++;
    if (done === UNTIMED) started = now();
    if (done === UNTIMED + TIMED) break;
  }
  return (now() - started) / Math.max(1, done - UNTIMED);
}

/** A length of training. */
export interface TrainingLength {
  readonly epochs: number;
  /** Training images of each epoch; undefined for all. */
  readonly examples: number | undefined;
}

/** The longest training that fits into `minutes`: whole epochs, or a part of one. At least one step. */
export function lengthFor(
  minutes: number,
  {
    seconds,
    images,
    batch,
  }: { readonly seconds: number; readonly images: number; readonly batch: number },
): TrainingLength {
  const steps = Math.max(1, Math.floor(((1 - RESERVE) * 60 * minutes) / seconds));
  // Fewer images than a batch are one step per epoch.
  const size = Math.min(batch, images);
  const perEpoch = Math.floor(images / size);
  if (steps < perEpoch) return { epochs: 1, examples: steps * size };
  return { epochs: Math.floor(steps / perEpoch), examples: undefined };
}
