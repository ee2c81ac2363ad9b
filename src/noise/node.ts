// Draws noise in worker threads. Both sides are in this file: a worker that loads it answers requests, any other thread sends them.

import { availableParallelism } from "node:os";
import {
  isMainThread,
  parentPort,
  type TransferListItem,
  Worker,
  workerData,
} from "node:worker_threads";
import { boundsOf } from "../math/bounds.ts";
import type { Key } from "../math/random.ts";
import { elementCount, rowSize, type Shape } from "../math/tensor.ts";
import type { Noise } from "./noise.ts";
import { type DrawElsewhere, withPrefetch } from "./prefetch.ts";
import { isBuiltInNoise, noiseNamed } from "./table.ts";

/** Asks a worker for noise of `shape` [batch, ...pixels]. */
interface Request {
  readonly id: number;
  readonly noise: string;
  /** Two words per key, [2 · batch]. */
  readonly keys: Uint32Array<ArrayBuffer>;
  readonly shape: Shape;
}

interface Answer {
  readonly id: number;
  readonly data: Float32Array<ArrayBuffer>;
}

/** A request without an answer yet. */
interface Pending {
  resolve(data: Float32Array<ArrayBuffer>): void;
  reject(reason: unknown): void;
}

/** Marks, as `workerData`, a thread that is to answer requests. */
export const ROLE = "draws noise";

if (!isMainThread && workerData === ROLE) {
  const noises = new Map<string, Noise>();
  parentPort?.on("message", ({ id, noise: name, keys, shape }: Request) => {
    const noise = noises.get(name) ?? noiseNamed(name);
    noises.set(name, noise);
    const pairs = Array.from(
      { length: keys.length / 2 },
      (_, i): Key => [keys[2 * i], keys[2 * i + 1]],
    );
    const data = noise.sample(pairs, shape).data as Float32Array<ArrayBuffer>;
    parentPort?.postMessage({ id, data } satisfies Answer, [data.buffer]);
  });
}

/** The calling side of one worker: a function that resolves to the noise, or rejects once the worker has failed. */
function drawer(worker: Worker) {
  const pending = new Map<number, Pending>();
  let next = 0;
  let broken: unknown;
  // An idle worker does not keep the process alive.
  worker.unref();
  worker.on("message", ({ id, data }: Answer) => {
    pending.get(id)?.resolve(data);
    pending.delete(id);
    if (pending.size === 0) worker.unref();
  });
  const end = (reason: unknown) => {
    broken ??= reason;
    for (const { reject } of pending.values()) reject(reason);
    pending.clear();
  };
  worker.on("error", end);
  worker.on("exit", () => end(new Error("the thread has ended")));
  return (noise: string, rowKeys: readonly Key[], shape: Shape) =>
    new Promise<Float32Array<ArrayBuffer>>((resolve, reject) => {
      if (broken !== undefined) return reject(broken);
      const id = next++;
      const keys = Uint32Array.from(rowKeys.flatMap((key) => key.slice(0, 2) as number[]));
      pending.set(id, { resolve, reject });
      worker.ref();
      const request: Request = { id, noise, keys, shape };
      worker.postMessage(request, [keys.buffer] as TransferListItem[]);
    });
}

/** Below this many numbers per worker, the messages cost more than another worker saves. */
const MIN_PER_WORKER = 2 ** 16;

/** Draws noise in up to `maxWorkers` workers, each started when it is first needed. Rows are split evenly between them. */
export function inThreads(maxWorkers: number, start: () => Worker): DrawElsewhere {
  const workers: ReturnType<typeof drawer>[] = [];
  return async (noise, keys, shape) => {
    const count = Math.max(
      1,
      Math.min(maxWorkers, keys.length, Math.floor(elementCount(shape) / MIN_PER_WORKER)),
    );
    while (workers.length < count) workers.push(drawer(start()));
    const bounds = boundsOf(keys.length, count);
    const parts = await Promise.all(
      bounds.slice(1).map((to, i) => {
        const part = keys.slice(bounds[i], to);
        return workers[i](noise, part, [part.length, ...shape.slice(1)]);
      }),
    );
    if (parts.length === 1) return parts[0];
    const data = new Float32Array(elementCount(shape));
    for (const [i, part] of parts.entries()) data.set(part, bounds[i] * rowSize({ shape }));
    return data;
  };
}

/** Whether a worker can load this file: Node runs TypeScript from version 22.18 on; the built library is JavaScript. */
const canStart =
  !import.meta.url.endsWith(".ts") ||
  Boolean((process.features as { readonly typescript?: unknown }).typescript);

const threads = inThreads(
  Math.max(1, Math.floor(availableParallelism() / 4)),
  // The flags of this process, such as --input-type, do not apply to the worker.
  () => new Worker(new URL(import.meta.url), { workerData: ROLE, execArgv: [] }),
);

/**
 * The noise of this name (see `noiseNamed`), prefetched by `elsewhere` if it is built in: a worker thread knows no plug-in,
 * so a plug-in's noise is drawn when it is needed. Throws `UsageError`.
 */
export function noiseWithWorkers(text: string, elsewhere: DrawElsewhere): Noise {
  const noise = noiseNamed(text);
  return isBuiltInNoise(text) ? withPrefetch(noise, elsewhere) : noise;
}

/**
 * The noise of this name (see `noiseNamed`). Prefetches are drawn in worker threads. Throws `UsageError`.
 *
 * @example
 * ```ts
 * import { keyOf, keysFor, noiseNamed } from "rampart/node";
 *
 * const keys = keysFor(keyOf(0), [0]);
 * const noise = noiseNamed("normal:0.25");
 * noise.prefetch?.start(keys, [1, 3]); // in another thread
 * console.log((await noise.prefetch?.draw(keys, [1, 3]))?.data);
 * ```
 */
export const noiseNamedInNode = (text: string): Noise =>
  canStart ? noiseWithWorkers(text, threads) : noiseNamed(text);
