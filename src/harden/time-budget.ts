// How many epochs fit into the minutes that a run is given.
import { mean } from "../math/statistics.ts";
import type { TrainEvent } from "../train/events.ts";
import type { TimeLimit } from "../train/unfinished.ts";

/** Steps of a trial that are not timed, since each norm of a defence compiles in one of them, and steps that are. */
const [UNTIMED, TIMED] = [3, 3];

/** The share of the time that is planned for, and that after which a run stops where it is. */
const [PLANNED, LATEST] = [0.9, 1.2];

/** The largest share of the time for one check, unless the number of validation images is given; and the fewest images. */
const [CHECK_SHARE, MIN_CHECKED] = [0.1, 32];

const seconds = (): number => performance.now() / 1000;

/** How many images an epoch of a training has, and how many of them are in a step. */
export interface EpochSize {
  readonly images: number;
  /** Asked for; fewer images are one step. */
  readonly batch: number;
}

const stepsOf = ({ images, batch }: EpochSize) => {
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

/** Where the seconds of a training go. */
export interface TrainingTimes {
  readonly step: number;
  /** One check on the validation images. */
  readonly check: number;
  /** The test images and the checkpoint after an epoch. */
  readonly epochEnd: number;
  /** Once per run: opening, compiling and writing the model. */
  readonly once: number;
}

/** The time of a trial. */
export interface TrialClock {
  /** In seconds. */
  readonly now?: () => number;
  readonly signal?: AbortSignal | undefined;
}

const last = (times: readonly number[]): number => times.at(-1) ?? 0;
const sum = (times: readonly number[]): number => times.reduce((a, b) => a + b, 0);

/**
 * Where the time of a trial goes: what passes before an event belongs to it. Throws the signal's reason if it has aborted, since a
 * trial that is cut short measures nothing.
 */
export async function timesOf(
  events: AsyncIterable<TrainEvent>,
  { now = seconds, signal }: TrialClock = {},
): Promise<TrainingTimes> {
  const passed: { readonly event: TrainEvent["event"]; readonly time: number }[] = [];
  let before = now();
  for await (const { event } of events) {
    passed.push({ event, time: now() - before });
    before = now();
  }
  signal?.throwIfAborted();
  const of = (name: TrainEvent["event"]) =>
    passed.filter(({ event }) => event === name).map(({ time }) => time);
  const [steps, checks] = [of("step"), of("validation")];
  // A trial that a verdict ended early has its last step.
  const step = mean(steps.slice(Math.min(UNTIMED, steps.length - 1)));
  // The first check compiles.
  const check = Math.max(0, ...checks.slice(Math.min(1, checks.length - 1)));
  const compiling = steps.slice(0, UNTIMED).map((one) => one - step);
  compiling.push((checks[0] ?? 0) - check);
  return {
    step,
    check,
    epochEnd: last(of("epoch")) + last(of("checkpoint")),
    once: sum(of("start")) + sum(of("done")) + sum(compiling.map((one) => Math.max(0, one))),
  };
}

/** The seconds of `minutes` that a plan may use once `elapsed` of them have passed. */
export const plannedSeconds = (minutes: number, elapsed: number): number =>
  PLANNED * 60 * minutes - elapsed;

/** How many of `images` validation images a check may have, of which each takes `perImage` seconds of `left`. */
export const affordableImages = (images: number, perImage: number, left: number): number =>
  perImage === 0
    ? images
    : Math.min(images, Math.max(MIN_CHECKED, Math.floor((CHECK_SHARE * left) / perImage)));

/** A length of training. */
export interface TrainingLength {
  readonly epochs: number;
  /** Training images of each epoch; undefined for all. */
  readonly examples: number | undefined;
}

/**
 * The training that fits into `left` seconds, with a check before it and up to `checks` in each epoch: whole epochs, of all images
 * or of as many as fill the time, whichever loses less. At least one step.
 */
export function lengthFor(
  left: number,
  { step, check, epochEnd, once }: TrainingTimes,
  { checks, ...epoch }: EpochSize & { readonly checks: number },
): TrainingLength {
  const { size, steps } = stepsOf(epoch);
  const available = left - once - check;
  const besides = checks * check + epochEnd;
  const fit = available / (steps * step + besides);
  const stepsFor = (epochs: number) =>
    Math.min(steps, Math.max(1, Math.floor((available / epochs - besides) / step)));
  const lengthOf = (epochs: number): TrainingLength => {
    const used = stepsFor(epochs);
    return { epochs, examples: used < steps ? used * size : undefined };
  };
  if (fit < 1) return lengthOf(1);
  const [whole, more] = [Math.floor(fit), Math.ceil(fit)];
  const gained = (more * stepsFor(more)) / (whole * steps) - 1;
  const lost = 1 - stepsFor(more) / steps;
  return gained > lost ? lengthOf(more) : { epochs: whole, examples: undefined };
}

/** The time after which a training of `minutes` stops where it is, counted from now. `now` is in seconds. */
export function timeLimit(minutes: number, now: () => number = seconds): TimeLimit {
  const end = now() + LATEST * 60 * minutes;
  return {
    isOver: () => now() > end,
    text: `the training took longer than planned: more than ${Math.round(100 * (LATEST - 1))} % over --minutes ${minutes}`,
    next: "the same command with --resume trains on for as long again; or start again with more --minutes, or fewer --validation images",
  };
}
