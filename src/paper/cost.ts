import type { FlopsPerImage } from "../models/flops.ts";
import type { Passes } from "./cells.ts";

/** The floating-point operations of all passes. */
export const flopsOfPasses = (
  { forwards, gradients, steps }: Passes,
  { forward, gradient, step }: FlopsPerImage,
): number => forwards * forward + gradients * gradient + steps * step;

/** Floating-point operations per second of this machine, for each kind of work. */
export interface Rates {
  readonly gradient: number;
  readonly step: number;
}

/** The seconds that all passes take. Forward passes are assumed to run at the rate of gradients. */
export const secondsOf = (
  { forwards, gradients, steps }: Passes,
  { forward, gradient, step }: FlopsPerImage,
  rates: Rates,
): number =>
  (forwards * forward + gradients * gradient) / rates.gradient + (steps * step) / rates.step;

/** The sum of several counts of passes, by kind. */
export const sumOf = (all: readonly Passes[]): Passes =>
  all.reduce(
    (sum, { forwards, gradients, steps }) => ({
      forwards: sum.forwards + forwards,
      gradients: sum.gradients + gradients,
      steps: sum.steps + steps,
    }),
    { forwards: 0, gradients: 0, steps: 0 },
  );

/** A rounded duration for messages: `≈ 3 h 10 min`, `≈ 12 days`. */
export function spoken(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  if (seconds < 90) return `≈ ${Math.max(1, Math.round(seconds))} s`;
  if (minutes < 60) return `≈ ${minutes} min`;
  if (minutes < 48 * 60) return `≈ ${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `≈ ${Math.round(minutes / 60 / 24).toLocaleString("en")} days`;
}
