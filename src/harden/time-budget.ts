// How many epochs fit into the minutes that a run is given.
import { mean } from "../math/statistics.ts";
import type { TrainEvent } from "../train/events.ts";

/** Steps of a trial that are not timed, since each norm of a defence compiles in one of them, and steps that are. */
const [UNTIMED, TIMED] = [3, 3];

/** The share of the time that is left for validation, checkpoints and the end of each epoch. */
const RESERVE = 0.1;

/** How many images an epoch of a training has, and how many of them are in a step. */
export interface EpochSize {
  readonly images: number;
  /** Asked for; fewer images are one step. */
  readonly batch: number;
}

const stepsOf = ({
  images,
  batch,
}: EpochSize): { readonly size: number; readonly steps: number } => {
  const size = Math.min(batch, images);
  return { size, steps: Math.floor(images / size) };
};

/** A trial of as many steps as are needed for their time, in short epochs with steps of the same size. */
export function trialLength(epoch: EpochSize): {
  readonly epochs: number;
  readonly examples: number;
} {
  const { size, steps } = stepsOf(epoch);
  const inEpoch = Math.min(steps, TIMED);
  return { epochs: Math.ceil((UNTIMED + TIMED) / inEpoch), examples: inEpoch * size };
}

/** The time of a trial. */
export interface TrialClock {
  /** In seconds. */
  readonly now?: () => number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The seconds of one step of a trial, without checks, checkpoints and the ends of epochs between two steps. Throws the signal's
 * reason if it has aborted, since a trial that is cut short measures nothing.
 */
export async function secondsPerStep(
  events: AsyncIterable<TrainEvent>,
  { now = () => performance.now() / 1000, signal }: TrialClock = {},
): Promise<number> {
  const steps: number[] = [];
  let before = now();
  for await (const { event } of events) {
    const after = now();
    if (event === "step") steps.push(after - before);
    before = now();
  }
  signal?.throwIfAborted();
  // A trial that a verdict ended early has its last step.
  return mean(steps.slice(Math.min(UNTIMED, steps.length - 1)));
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
  { seconds, ...epoch }: EpochSize & { readonly seconds: number },
): TrainingLength {
  const steps = Math.max(1, Math.floor(((1 - RESERVE) * 60 * minutes) / seconds));
  const { size, steps: perEpoch } = stepsOf(epoch);
  if (steps < perEpoch) return { epochs: 1, examples: steps * size };
  return { epochs: Math.floor(steps / perEpoch), examples: undefined };
}
