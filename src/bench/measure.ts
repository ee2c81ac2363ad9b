import { readFileSync, writeFileSync } from "node:fs";
import { constant, input, matmul } from "../engine/graph/ops.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import { uniform } from "../math/distributions.ts";
import { keyOf } from "../math/random.ts";

/** Quantiles of repeated measurements of one quantity. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly q1: number;
  readonly q3: number;
}

/** Median, minimum and quartiles of at least one number, linearly interpolated. */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => {
    const place = share * (sorted.length - 1);
    const below = Math.floor(place);
    const above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
  };
  return { median: at(0.5), min: sorted[0], q1: at(0.25), q3: at(0.75) };
}

/** Runs an action: its duration in seconds and its value. */
export async function timed<T>(
  action: () => Promise<T>,
): Promise<{ readonly seconds: number; readonly value: T }> {
  const start = performance.now();
  const value = await action();
  return { seconds: (performance.now() - start) / 1000, value };
}

/** Rows and columns of the matrices, large enough to use every core fully. */
const SIZE = 1536;

/**
 * Estimates the machine's float32 peak in operations per second: the fastest of several products of two 1536 × 1536
 * matrices, one of them constant. Takes about a second.
 */
export async function gemmPeak(runtime: Runtime): Promise<number> {
  const [a, b] = [0, 1].map((seed) => {
    const drawn = uniform([keyOf(seed)], [1, SIZE * SIZE], -1, 1);
    return { ...drawn, shape: [SIZE, SIZE] };
  });
  const program = await runtime.compile({ y: matmul(input("a", a.shape), constant(b)) });
  let best = Number.POSITIVE_INFINITY;
  let total = 0;
  for (let i = 0; i < 2 || total < 1; i++) {
    const { seconds } = await timed(() => program.run({ a }));
    best = Math.min(best, seconds);
    total += seconds;
  }
  await program.release();
  return (2 * SIZE ** 3) / best;
}

/** Resets the peak of memory use on Linux; elsewhere `peakMemory` covers the whole process. */
export function resetPeakMemory(): void {
  try {
    writeFileSync("/proc/self/clear_refs", "5");
  } catch {
    // Not Linux, or not allowed.
  }
}

/** Peak resident memory of this process in bytes, since the last `resetPeakMemory`. */
export function peakMemory(): number {
  try {
    const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
    if (kib !== undefined) return Number(kib) * 1024;
  } catch {
    // Not Linux.
  }
  return process.resourceUsage().maxRSS * 1024;
}
